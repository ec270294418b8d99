package op

import (
	"fmt"
	"math"
	"unsafe"

	"gorgonia.org/tensor"
)

// Reference is the engine that defines the kernels: one plain loop each, on
// row-major host memory, in float32 (sums in float64) or float64. It is exact
// and slow: for tests, for stock Gorgonia machines, and for engines that have
// nothing better for float64. A tensor's Data is a slice of its dtype.
type Reference struct{}

var _ Engine = Reference{}

func (Reference) Name() string   { return "reference" }
func (Reference) Device() string { return "plain Go" }
func (Reference) Sync() error    { return nil }
func (Reference) Free() error    { return nil } // the garbage collector does
func (Reference) Close() error   { return nil }

// Bytes is the size without padding.
func (Reference) Bytes(s Spec) int { return s.Len() * int(s.Dtype.Size()) }

// MaxAlloc bounds one allocation, far above what any machine of today has or a
// 32-bit one can address, so that an absurd size is an error and not a crash.
const MaxAlloc = min(1<<40, math.MaxInt/2)

// Alloc gives a HostArena.
func (Reference) Alloc(bytes int) (Arena, error) {
	if bytes < 0 || bytes > MaxAlloc {
		return nil, fmt.Errorf("cannot allocate %d bytes of memory: use a smaller mini-batch or width", bytes)
	}
	if has := hostMemory(); has > 0 && uint64(bytes) > has { // the runtime would end the process
		return nil, fmt.Errorf("%.3g GB of memory wanted of the machine's %.3g: use a smaller mini-batch or width", float64(bytes)/1e9, float64(has)/1e9)
	}
	if left := memoryLeft(); int64(bytes) > left {
		return nil, fmt.Errorf("%.3g GB of memory wanted of the %.3g that limits leave this process: use a smaller mini-batch or width", float64(bytes)/1e9, float64(left)/1e9)
	}
	raw := make([]byte, bytes+Alignment)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(raw)))) & (Alignment - 1)
	return HostArena(raw[skip : skip+bytes]), nil
}

// HostArena is zeroed host memory that begins at a multiple of Alignment.
type HostArena []byte

// Place views part of a HostArena as a slice.
func (Reference) Place(a Arena, offset int, s Spec) Tensor {
	return Tensor{s, a.(HostArena).Slice(offset, s.Dtype, s.Len())}
}

// Slice views n elements at an offset as a slice of the dtype.
func (a HostArena) Slice(offset int, dtype tensor.Dtype, n int) any {
	if n == 0 {
		return NewHostTensor(Spec{Plain, dtype, tensor.Shape{0}}).Data
	}
	p := unsafe.Pointer(unsafe.SliceData(a[offset : offset+n*int(dtype.Size())]))
	switch dtype {
	case tensor.Float32:
		return unsafe.Slice((*float32)(p), n)
	case tensor.Float64:
		return unsafe.Slice((*float64)(p), n)
	case tensor.Int32:
		return unsafe.Slice((*int32)(p), n)
	case tensor.Uint8:
		return unsafe.Slice((*uint8)(p), n)
	}
	panic(fmt.Sprintf("op: no host memory of %v", dtype))
}

// Upload copies a slice of the tensor's type and length.
func (Reference) Upload(dst Tensor, src any) error {
	if err := CheckHost(dst.Spec, src); err != nil {
		return err
	}
	copySlice(dst.Data, src)
	return nil
}

// Download copies into a slice of the tensor's type and length.
func (Reference) Download(dst any, src Tensor) error {
	if err := CheckHost(src.Spec, dst); err != nil {
		return err
	}
	copySlice(dst, src.Data)
	return nil
}

// CheckHost verifies that a host slice fits a tensor.
func CheckHost(s Spec, host any) error {
	var n int
	var dt tensor.Dtype
	switch h := host.(type) {
	case []float32:
		n, dt = len(h), tensor.Float32
	case []float64:
		n, dt = len(h), tensor.Float64
	case []int32:
		n, dt = len(h), tensor.Int32
	case []uint8:
		n, dt = len(h), tensor.Uint8
	}
	if n != s.Len() || dt != s.Dtype {
		return fmt.Errorf("host memory %T of %d elements for a tensor %v", host, n, s)
	}
	return nil
}

// float is what the kernels compute in.
type float interface{ float32 | float64 }

// dispatch runs f32 or f64 by the type of t.
func dispatch(t Tensor, f32, f64 func()) {
	if t.Dtype == tensor.Float64 {
		f64()
	} else {
		f32()
	}
}

// data views the tensor's elements; nil for a result that is not wanted.
func data[T any](t Tensor) []T {
	if t.Data == nil {
		return nil
	}
	return t.Data.([]T)
}
