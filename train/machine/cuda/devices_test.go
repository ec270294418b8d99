//go:build gpu

package cuda

import (
	"slices"
	"testing"
)

// Engines on two devices, used in turns, do not meet.
func TestTwoDevices(t *testing.T) {
	if Devices() < 2 {
		emulated(t)
		t.Setenv("CUDA_EMULATOR_DEVICES", "2")
	}
	var engines []*Engine
	var convolutions []*convolution
	for device := range 2 {
		e := openDevice(t, BF16, device)
		engines, convolutions = append(engines, e), append(convolutions, newConvolution(t, e, 4, 5))
	}
	for range 3 { // measured, recorded, replayed
		for i, c := range convolutions {
			engines[i].Conv(c.Convolution, c.y, c.x, c.w)
		}
	}
	want := losses(t, engines[0], 4, 8, 4, 0.1)
	if got := losses(t, engines[1], 4, 8, 4, 0.1); !slices.Equal(got, want) {
		t.Errorf("losses %v, on the first device %v", got, want)
	}
	if first, second := download(t, engines[0], convolutions[0].y), download(t, engines[1], convolutions[1].y); !slices.Equal(first, second) {
		t.Error("the convolutions differ")
	}
}

func TestNoSuchDevice(t *testing.T) {
	emulated(t)
	t.Setenv("CUDA_EMULATOR_DEVICES", "2")
	if n := Devices(); n != 2 {
		t.Errorf("%d devices, want 2", n)
	}
	for _, device := range []int{-1, 2} {
		_, err := New(FP32, device)
		says(t, err, "no device", "the driver lists 2", "CUDA_VISIBLE_DEVICES")
	}
}
