// Package cpu is the engine that runs anywhere: kernels of float32 and bfloat16 in
// assembly and Go on all cores of a CPU. What computes in float64 runs on the
// reference's kernels.
//
// Activations of float32 lie in the layout HWNC, as float32 or as bfloat16, and filters
// packed, as package conv wants them; everything else is row-major. In float32 there is a
// gap behind each row of pixels where caches want it. The same seed gives the same bits for
// any number of threads.
package cpu

import (
	"fmt"
	"runtime"
	"unsafe"

	"gorgonia.org/tensor"
	"largestep/nets/op"
	"largestep/train/machine/cpu/bfloat"
	"largestep/train/machine/cpu/conv"
	"largestep/train/machine/cpu/hugepage"
	"largestep/train/machine/cpu/isa"
	"largestep/train/machine/cpu/pass"
	"largestep/train/machine/cpu/pool"
)

// Engine computes on the cores of a CPU. It is used by one goroutine at a time.
type Engine struct {
	host    op.Reference // not embedded: its kernels are wrong for our layouts
	threads *pool.Pool
	short   bool // activations are bfloat16
	shorts  map[conv.Shape]*conv.Short
	spare   [][]float32 // of widenings
	used    int
	convs   map[conv.Shape]*conv.Conv
	scratch conv.Scratch
}

var (
	_ op.Float64Engine  = (*Engine)(nil)
	_ op.SmallKernels   = (*Engine)(nil)
	_ op.FeatureKernels = (*Engine)(nil)
)

// New starts the threads; Close ends them.
func New(threads int) *Engine {
	return &Engine{threads: pool.New(threads), convs: map[conv.Shape]*conv.Conv{}}
}

// NewBF16 is New for activations in bfloat16; weights, statistics, gradients of weights
// and sums stay float32.
func NewBF16(threads int) *Engine {
	e := New(threads)
	e.short, e.shorts = true, map[conv.Shape]*conv.Short{}
	return e
}

// Name is "cpu".
func (e *Engine) Name() string { return "cpu" }

// Device names the instruction set and the number of threads.
func (e *Engine) Device() string {
	if e.short {
		return fmt.Sprintf("%s, %s", Device(e.threads.Threads()), bfloat16[isa.AMX()])
	}
	return Device(e.threads.Threads())
}

// bfloat16 tells what computes with it, with AMX and without.
var bfloat16 = map[bool]string{
	true:  "bfloat16 by AMX",
	false: "bfloat16 without AMX: slower than fp32",
}

// Device says what an engine of so many threads runs on.
func Device(threads int) string {
	return fmt.Sprintf("%s kernels, %d threads", isa.Chosen(), threads)
}

// Kernels names what computes numbers of a type: the instruction set of the kernels,
// and the processor's architecture. Compilers of some fuse multiplications and
// additions of plain Go.
func (e *Engine) Kernels(dtype tensor.Dtype) string {
	set := isa.Chosen()
	switch {
	case dtype == tensor.Float64:
		set = isa.Go
	case e.short && isa.AMX():
		set += "+amx"
	}
	return set + "/" + runtime.GOARCH
}

// Float64 are the kernels of the reference, for which all float64 is row-major.
func (e *Engine) Float64() op.Kernels { return e.host }

// Alloc gives host memory, an op.HostArena.
func (e *Engine) Alloc(bytes int) (op.Arena, error) {
	a, err := e.host.Alloc(bytes)
	if err == nil {
		hugepage.Advise(a.(op.HostArena))
	}
	return a, err
}

// Sync has nothing to wait for: kernels return when they are done.
func (e *Engine) Sync() error { return nil }

// Free leaves it to the garbage collector.
func (e *Engine) Free() error { return nil }

// Close ends the threads.
func (e *Engine) Close() error {
	e.threads.Close()
	return nil
}

// packed tells whether a tensor is a filter in the layout of package conv.
func packed(s op.Spec) bool {
	return s.Dtype == tensor.Float32 && (s.Kind == op.Filter || s.Kind == op.FilterGradient)
}

// interleaved tells whether a tensor is an activation in the layout HWNC.
func interleaved(s op.Spec) bool { return s.Dtype == tensor.Float32 && s.Kind == op.Activation }

// rows tells how the rows of pixels of an activation in float32 lie; those of other
// tensors follow each other.
func rows(s op.Spec) pass.Rows {
	if !interleaved(s) || len(s.Shape) != 4 || s.Shape[2] == 1 {
		return pass.Rows{}
	}
	return pass.RowsOf(s.Shape[3], s.Shape[0], s.Shape[1])
}

// elements counts those in memory, with what pads filters and lies between rows.
func (e *Engine) elements(s op.Spec) int {
	switch r := rows(s); {
	case packed(s):
		return conv.FilterLen(s.Shape[0], s.Shape[1], s.Shape[2])
	case r != pass.Rows{} && !e.short:
		return s.Shape[2] * r.Pitch
	}
	return s.Len()
}

// shortened tells whether a tensor is an activation in bfloat16.
func (e *Engine) shortened(s op.Spec) bool { return e.short && interleaved(s) }

// Bytes is the size in memory.
func (e *Engine) Bytes(s op.Spec) int {
	if e.shortened(s) {
		return 2 * e.elements(s)
	}
	return e.elements(s) * int(s.Dtype.Size())
}

// Place views part of an arena; a tensor's Data is a slice of its dtype, of an
// activation in bfloat16 one of bfloat.Number.
func (e *Engine) Place(a op.Arena, offset int, s op.Spec) op.Tensor {
	memory, n := a.(op.HostArena), e.elements(s)
	if e.shortened(s) {
		bytes := memory.Slice(offset, tensor.Uint8, 2*n).([]uint8)
		return op.Tensor{Spec: s, Data: unsafe.Slice((*bfloat.Number)(unsafe.Pointer(unsafe.SliceData(bytes))), n)}
	}
	return op.Tensor{Spec: s, Data: memory.Slice(offset, s.Dtype, n)}
}

// Upload changes the layout of activations and filters.
func (e *Engine) Upload(dst op.Tensor, src any) error {
	if err := op.CheckHost(dst.Spec, src); err != nil {
		return err
	}
	s := dst.Shape
	switch {
	case packed(dst.Spec):
		conv.PackFilter(f32(dst), src.([]float32), s[0], s[1], s[2])
	case interleaved(dst.Spec):
		w := e.dense()
		pass.NCHWToHWNC(e.threads, w.out(dst), src.([]float32), s[2]*s[3])
		w.store()
	default:
		return e.host.Upload(dst, src)
	}
	return nil
}

// Download changes the layout back.
func (e *Engine) Download(dst any, src op.Tensor) error {
	if err := op.CheckHost(src.Spec, dst); err != nil {
		return err
	}
	s := src.Shape
	switch {
	case packed(src.Spec):
		conv.UnpackFilter(dst.([]float32), f32(src), s[0], s[1], s[2])
	case interleaved(src.Spec):
		pass.HWNCToNCHW(e.threads, dst.([]float32), e.dense().in(src), s[2]*s[3])
	default:
		return e.host.Download(dst, src)
	}
	return nil
}

// f32 views a tensor's elements in the engine's layout; nil if nobody wants it.
func f32(t op.Tensor) []float32 {
	if t.Data == nil {
		return nil
	}
	return t.Data.([]float32)
}

// pixels is the number of pixels of an activation, 1 of a matrix.
func pixels(t op.Tensor) int {
	if len(t.Shape) == 4 {
		return t.Shape[2] * t.Shape[3]
	}
	return 1
}
