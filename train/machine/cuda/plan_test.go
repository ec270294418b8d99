//go:build gpu

package cuda

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"gorgonia.org/tensor"
	"largestep/nets/op"
)

// described is a GPU in cuDNN's JSON; the names are the library's.
func described(t *testing.T, name string, version, multiprocessors, shared, l2, clock, bus int) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"deviceName": name, "deviceVer": version, "multiProcessorCount": multiprocessors, "maxSharedMemoryPerBlockOptin": shared,
		"l2CacheSize": l2, "memClockRateKHz": clock, "memoryBusWidth": bus, "totalGlobalMem": 80_000_000_000, "driverVer": 12080,
		"maxGridSize": []int{1<<31 - 1, 65535, 65535}, "maxBlockSize": []int{1024, 1024, 64}, "regsPerBlock": 65536,
		"smCountOrigin": 0, "warpSize": 32, "maxSharedMemoryPerBlock": 48 << 10, "oversizedSharedMemoryPerBlock": 0,
		"reservedSharedMemoryPerBlock": 1024, "maxRegistersPerSM": 65536, "maxCtasPerSM": 32, "maxThreadsPerBlock": 1024,
		"maxThreadsPerSM": 2048, "pciDeviceId": 0, "isTccDriver": 0, "supportCoopLaunch": 1, "smClockRateKHz": 1980000, "cudaDeviceId": 0,
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// resNetConvolutions are those of a ResNet-18 for CIFAR, as the shapes of x and y,
// the filter's size and the stride.
func resNetConvolutions(width, batch int) (list []convolutionCase) {
	add := func(in, out, side, size, stride int) {
		list = append(list, convolutionCase{tensor.Shape{batch, in, side, side}, tensor.Shape{batch, out, side / stride, side / stride}, size, stride})
	}
	add(3, width, 32, 3, 1)
	add(width, width, 32, 3, 1)
	for side := 32; side > 4; side /= 2 {
		add(width, 2*width, side, 3, 2)
		add(width, 2*width, side, 1, 2)
		width *= 2
		add(width, width, side/2, 3, 1)
	}
	return list
}

type convolutionCase struct {
	x, y         tensor.Shape
	size, stride int
}

// The real cuDNN, without a GPU: for a described H200 and A100 it has plans for
// each convolution in each precision, deterministic ones. Run it with
//
//	LARGESTEP_CUDNN=.../nvidia/cudnn/lib/libcudnn.so.9 go test -tags gpu -run Described -v ./train/machine/cuda
func TestPlansForDescribedDevices(t *testing.T) {
	if device, err := Probe(0); err == nil && !strings.Contains(device, "emulated") {
		t.Skip("takes a minute, and says nothing that the other tests do not on a GPU")
	}
	if err := loadCuDNN(); err != nil {
		t.Skip(err)
	}
	for _, device := range []string{
		described(t, "NVIDIA H200", 900, 132, 227<<10, 60<<20, 3201000, 6144),
		described(t, "NVIDIA A100-SXM4-80GB", 800, 108, 163<<10, 40<<20, 1593000, 5120),
	} {
		for _, p := range []Precision{FP32, TF32, BF16} {
			r, err := describedPlanner(device, p, workspaceLimit)
			defer r.close()
			if err != nil {
				t.Skipf("cuDNN %s: %v", cudnnVersion(), err)
			}
			for _, size := range []struct{ width, batch int }{{64, 256}, {4, 8}} {
				for _, c := range resNetConvolutions(size.width, size.batch) {
					plansForAll(t, r, c)
				}
			}
		}
	}
}

// The real cuDNN has plans for forward convolutions that make the statistics of
// batch norm, too, if it finds NVIDIA's run-time compiler; none was executed.
func TestFusedPlansForDescribedDevice(t *testing.T) {
	if device, err := Probe(0); err == nil && !strings.Contains(device, "emulated") {
		t.Skip("takes a minute, and says nothing that the other tests do not on a GPU")
	}
	if err := loadCuDNN(); err != nil {
		t.Skip(err)
	}
	device := described(t, "NVIDIA H100 80GB HBM3", 900, 132, 227<<10, 50<<20, 2619000, 5120)
	r, err := describedPlanner(device, BF16, workspaceLimit)
	defer r.close()
	if err != nil {
		t.Skipf("cuDNN %s: %v", cudnnVersion(), err)
	}
	if memory, err := os.ReadFile("/proc/self/maps"); err != nil || !strings.Contains(string(memory), "libnvrtc-builtins") {
		t.Skip("no run-time compiler beside cuDNN: pip install nvidia-cuda-nvrtc")
	}
	r.most = 1
	for _, c := range resNetConvolutions(64, 256) {
		k := kernelOf(0, op.Convolution{Stride: c.stride, Pad: c.size / 2}, c.x, c.y, c.size, BF16)
		k.statistics = 1
		list, err := r.plans(k, separate)
		if err != nil {
			t.Errorf("%s: %v", spellKernel(k), err)
			continue
		}
		if notes := list[0].notes; notes&(unwanted(BF16)|noteNondeterministic) != 0 {
			t.Errorf("%s: a plan with the notes %b", spellKernel(k), notes)
		}
		t.Logf("%s: %v", spellKernel(k), list[0])
		list[0].destroy()
	}
}

// plansForAll wants plans for all kernels of a convolution.
func plansForAll(t *testing.T, r *planner, c convolutionCase) {
	t.Helper()
	for kernel := range 4 { // the three passes, and backward data that accumulates
		k := kernelOf(uint32(kernel%3), op.Convolution{Stride: c.stride, Pad: c.size / 2}, c.x, c.y, c.size, r.precision)
		if kernel == 3 {
			k.pass, k.accumulate = 1, 1
		}
		list, err := r.plans(k, config{engine: -1})
		if err != nil {
			t.Errorf("%s, kernel %d, x %v, y %v, filter %d: %v", r.precision, kernel, c.x, c.y, c.size, err)
			continue
		}
		text := fmt.Sprintf("%s kernel %d x %v y %v filter %d:", r.precision, kernel, c.x, c.y, c.size)
		for _, p := range list {
			if p.notes&(unwanted(r.precision)|noteNondeterministic) != 0 {
				t.Errorf("%s, kernel %d, x %v, y %v, filter %d: a plan with the notes %b", r.precision, kernel, c.x, c.y, c.size, p.notes)
			}
			text += fmt.Sprintf(" %d", p.workspace)
			p.destroy()
		}
		t.Log(text)
	}
}
