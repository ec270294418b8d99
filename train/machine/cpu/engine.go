// Package cpu is the engine that runs anywhere: float32 kernels in assembly and
// Go on all cores of a CPU. Tensors of float64 go to the reference engine.
//
// Activations lie in the layout HWNC and filters packed, as package conv wants
// them; everything else is row-major. The same seed gives the same bits for any
// number of threads.
package cpu

import (
	"fmt"

	"gorgonia.org/tensor"
	"largestep/nets/op"
	"largestep/train/machine/cpu/conv"
	"largestep/train/machine/cpu/pass"
	"largestep/train/machine/cpu/pool"
)

// Engine computes on the cores of a CPU. It is used by one goroutine at a time.
type Engine struct {
	op.Reference // host memory, the loss, and whatever is float64
	threads      *pool.Pool
	convs        map[conv.Shape]*conv.Conv
	scratch      conv.Scratch
}

var _ op.Engine = (*Engine)(nil)

// New starts the threads; Close ends them.
func New(threads int) *Engine {
	return &Engine{threads: pool.New(threads), convs: map[conv.Shape]*conv.Conv{}}
}

// Name is "cpu".
func (e *Engine) Name() string { return "cpu" }

// Device names the instruction set and the number of threads.
func (e *Engine) Device() string { return Device(e.threads.Threads()) }

// Device says what an engine of so many threads runs on.
func Device(threads int) string {
	return fmt.Sprintf("%s kernels, %d threads", conv.Kernels(), threads)
}

// Close ends the threads.
func (e *Engine) Close() error {
	e.threads.Close()
	return nil
}

// packed tells whether a tensor lies in a layout of this engine's own.
func packed(s op.Spec) bool {
	return s.Dtype == tensor.Float32 && (s.Kind == op.Filter || s.Kind == op.FilterGradient)
}

func elements(s op.Spec) int {
	if packed(s) {
		return conv.FilterLen(s.Shape[0], s.Shape[1], s.Shape[2])
	}
	return s.Len()
}

// Bytes is the size, with the padding of packed filters.
func (e *Engine) Bytes(s op.Spec) int { return elements(s) * int(s.Dtype.Size()) }

// Place views part of an arena; a tensor's Data is a slice of its dtype.
func (e *Engine) Place(a op.Arena, offset int, s op.Spec) op.Tensor {
	return op.Tensor{Spec: s, Data: a.(op.HostArena).Slice(offset, s.Dtype, elements(s))}
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
	case fast(dst) && dst.Kind == op.Activation:
		pass.NCHWToHWNC(e.threads, f32(dst), src.([]float32), s[2]*s[3])
	default:
		return e.Reference.Upload(dst, src)
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
	case fast(src) && src.Kind == op.Activation:
		pass.HWNCToNCHW(e.threads, dst.([]float32), f32(src), s[2]*s[3])
	default:
		return e.Reference.Download(dst, src)
	}
	return nil
}

// fast tells whether a tensor is for this engine's own kernels.
func fast(t op.Tensor) bool { return t.Dtype == tensor.Float32 }

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
