//go:build gpu

package cuda

import (
	"strings"
	"testing"

	"gorgonia.org/cu"
	"gorgonia.org/tensor"
	"largestep/nets/op"
)

// emulated skips a test that injects errors where the driver is a real one.
func emulated(t *testing.T) {
	t.Helper()
	device, err := Probe(0)
	if err != nil || !strings.Contains(device, "emulated") {
		t.Skip("needs the emulated driver (folder emulator)")
	}
}

// says checks an error's text.
func says(t *testing.T, err error, want ...string) {
	t.Helper()
	for _, w := range want {
		if err == nil || !strings.Contains(err.Error(), w) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want one line with %q", err, w)
		}
	}
}

func TestNoEngine(t *testing.T) {
	emulated(t)
	for _, c := range []struct {
		variable, value string
		want            []string
	}{
		{"CUDA_EMULATOR_FAIL", "cuDeviceGetCount:100:1", []string{"no NVIDIA GPU"}},
		{"CUDA_EMULATOR_VERSION", "11040", []string{"11.4", "11.8", "update the driver"}},
		{"CUDA_EMULATOR_CAPABILITY", "7", []string{"compute capability 7.0"}},
		{"CUDA_EMULATOR_FAIL", "cuDevicePrimaryCtxRetain:2:1", []string{"open the device", "out of memory"}},
		{"CUDA_EMULATOR_FAIL", "cuModuleLoadData:222:1", []string{"load the kernels", "update the NVIDIA driver"}},
		{"CUDA_EMULATOR_FAIL", "cuMemHostAlloc:2:1", []string{"page-locked"}},
	} {
		t.Run(c.value, func(t *testing.T) {
			t.Setenv(c.variable, c.value)
			clear(primary.contexts) // as in a new process
			e, err := New(BF16, 0)
			if err == nil {
				e.Close()
			}
			says(t, err, c.want...)
		})
	}
}

func TestOutOfMemory(t *testing.T) {
	emulated(t)
	e := open(t, FP32)
	_, err := e.Alloc(1 << 40)
	says(t, err, "out of memory", "1099.51 GB asked for", "of 4.29 GB free")
	if _, err := e.Alloc(1 << 20); err != nil {
		t.Errorf("a smaller request afterwards: %v", err)
	}
	if _, err := e.Alloc(-1); err == nil {
		t.Error("negative size")
	}
}

// vectors places n tensors of four numbers.
func vectors(t *testing.T, e *Engine, n int) []op.Tensor {
	t.Helper()
	a, err := e.Alloc(n * op.Alignment)
	if err != nil {
		t.Fatal(err)
	}
	list := make([]op.Tensor, n)
	for i := range list {
		list[i] = e.Place(a, i*op.Alignment, specOf(op.Plain, 4))
	}
	return list
}

// What a training took is there for the next, which runs on the same engine.
func TestFree(t *testing.T) {
	emulated(t)
	e := open(t, FP32)
	available := func() int64 {
		defer e.enter()()
		free, _, err := cu.MemInfo()
		if err != nil {
			t.Fatal(err)
		}
		return free
	}
	before := available()
	for range 2 {
		v := vectors(t, e, 3)
		replay, err := e.Capture(func() error { e.Add(v[0], v[1], v[2]); return nil })
		if err != nil {
			t.Fatal(err)
		}
		if err := replay(); err != nil {
			t.Fatal(err)
		}
		if err := e.Free(); err != nil {
			t.Fatal(err)
		}
		if after := available(); after != before {
			t.Errorf("%d bytes are free, were %d", after, before)
		}
	}
}

func TestErrorsStick(t *testing.T) {
	emulated(t)
	if _, err := Probe(0); err != nil {
		t.Skip(err)
	}
	e, err := New(FP32, 0)
	if err != nil {
		t.Fatal(err)
	}
	v := vectors(t, e, 3)
	t.Setenv("CUDA_EMULATOR_FAIL", "cuLaunchKernel:700:2")
	e.Add(v[0], v[1], v[2])
	e.Add(v[0], v[1], v[2]) // fails
	e.Add(v[0], v[1], v[2])
	first := e.Sync()
	says(t, first, "kernel add", "lost")
	if _, err := e.Alloc(8); err != first {
		t.Errorf("Alloc: %v, want the first error", err)
	}
	for what, err := range map[string]error{
		"Upload": e.Upload(v[0], make([]float32, 4)), "Download": e.Download(make([]float32, 4), v[0]), "Close": e.Close(),
	} {
		if err != first {
			t.Errorf("%s: %v, want the first error", what, err)
		}
	}
}

func TestFloat64IsRefused(t *testing.T) {
	e := open(t, FP32)
	v := op.Tensor{Spec: op.Spec{Kind: op.Plain, Dtype: tensor.Float64, Shape: tensor.Shape{4}}, Data: vectors(t, e, 1)[0].Data}
	e.Add(v, v, v)
	says(t, e.Sync(), "float32")
	e.err = nil // for Close
}

func TestUploadsOfTheWrongSize(t *testing.T) {
	e := open(t, BF16)
	v := vectors(t, e, 1)[0]
	if e.Upload(v, make([]float32, 3)) == nil || e.Download(make([]int32, 4), v) == nil {
		t.Error("wrong size or type accepted")
	}
}

// Small uploads wait for the device too, before the host is far ahead of it.
func TestManyUploads(t *testing.T) {
	emulated(t)
	e := open(t, FP32)
	v := vectors(t, e, 1)[0]
	t.Setenv("CUDA_EMULATOR_FAIL", "cuEventSynchronize:2:1")
	for n := range 2 * ringSegments * segmentCopies {
		if err := e.Upload(v, make([]float32, 4)); err != nil {
			if n != ringSegments*segmentCopies {
				t.Errorf("the host waits after %d uploads, want %d", n, ringSegments*segmentCopies)
			}
			e.err = nil // for Close
			return
		}
	}
	t.Error("the host never waits")
}

// More than the ring holds, in pieces that do not divide it.
func TestLongUploads(t *testing.T) {
	e := open(t, FP32)
	const n, piece = 9_000_000, 100_003
	a, err := e.Alloc(n)
	if err != nil {
		t.Fatal(err)
	}
	bytes := func(at, n int) op.Tensor {
		return e.Place(a, at, op.Spec{Kind: op.Plain, Dtype: tensor.Uint8, Shape: tensor.Shape{n}})
	}
	buffer, want := make([]byte, n), make([]byte, n)
	for round := range 3 {
		for i := range want {
			want[i] = byte(i*7 + i>>8 + round)
		}
		if round == 0 {
			copy(buffer, want)
			if err := e.Upload(bytes(0, n), buffer); err != nil {
				t.Fatal(err)
			}
			clear(buffer) // free to use again
			continue
		}
		for at := 0; at < n; at += piece {
			m := min(piece, n-at)
			if err := e.Upload(bytes(at, m), want[at:at+m]); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := make([]byte, n)
	if err := e.Download(got, bytes(0, n)); err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("byte %d is %d, want %d", i, got[i], want[i])
		}
	}
}
