//go:build gpu

package cuda

// #cgo LDFLAGS: -ldl
// #include <stdlib.h>
// #include "cudnn.h"
import "C"

import (
	"fmt"
	"os"
	"os/exec"
	"unsafe"

	"gorgonia.org/cu"
	"gorgonia.org/tensor"
	"largestep/nets/op"
)

// workspaceLimit bounds what an algorithm may use, beside an eighth of the
// card's memory.
const workspaceLimit = 512 << 20

// loadCuDNN loads the library once.
func loadCuDNN() error {
	python, _ := exec.LookPath("python3") // "" if there is none
	files, tried := cudnnCandidates(os.Getenv(cudnnVariable), map[string]string{
		"home": os.Getenv("HOME"), "venv": os.Getenv("VIRTUAL_ENV"), "conda": os.Getenv("CONDA_PREFIX"), "python": python,
	})
	var refused error
	for _, file := range files {
		name := C.CString(file)
		why := C.largestep_cudnn_load(name)
		C.free(unsafe.Pointer(name))
		if why == nil {
			return nil
		}
		if _, err := os.Stat(file); err == nil { // it is there, but something is wrong with it
			refused = fmt.Errorf("%s: %s", file, C.GoString(why))
		}
	}
	if refused != nil {
		return fmt.Errorf("cuDNN cannot be loaded: %w", refused)
	}
	return cudnnMissing(tried)
}

// cudnnVersion spells 91002 (or, of version 8, 8907) as 9.10.2.
func cudnnVersion() string { return spellCuDNN(int(C.largestep_cudnn_version())) }

func cudnnError(what string, status C.int) error {
	if status == 0 {
		return nil
	}
	return fmt.Errorf("cuda: %s: cuDNN: %s", what, C.GoString(C.largestep_cudnn_error(status)))
}

// convolver runs convolutions by cuDNN.
type convolver struct {
	engine    *Engine
	handle    C.cudnn_object
	plans     map[planKey]*plan
	workspace address
	size      int // of the workspace
	limit     int
}

// planKey is one of the three kernels of a convolution.
type planKey struct {
	shape C.largestep_conv_shape
	pass  uint32
}

type plan struct {
	descriptors C.largestep_conv
	algorithm   algorithm
}

func newConvolver(e *Engine) (*convolver, error) {
	c := &convolver{engine: e, plans: map[planKey]*plan{}}
	_, total, err := cu.MemInfo()
	if err != nil {
		return nil, driverError("memory", err)
	}
	c.limit = min(workspaceLimit, int(total/8))
	return c, cudnnError("start cuDNN", C.largestep_cudnn_create(&c.handle, pointer(e.stream)))
}

func (c *convolver) close() {
	for _, p := range c.plans {
		C.largestep_conv_destroy(&p.descriptors)
	}
	if c.handle != nil {
		C.largestep_cudnn_destroy(c.handle)
	}
}

// shapeOf describes a convolution with padded channels.
func (c *convolver) shapeOf(v op.Convolution, x, y tensor.Shape, size int) C.largestep_conv_shape {
	s := C.largestep_conv_shape{
		n: C.int(x[0]), c: C.int(padded(x[1])), h: C.int(x[2]), w: C.int(x[3]),
		k: C.int(padded(y[1])), size: C.int(size), p: C.int(y[2]), q: C.int(y[3]),
		stride: C.int(v.Stride), pad: C.int(v.Pad), math: C.int(mathOf(c.engine.precision)),
	}
	if c.engine.precision == BF16 {
		s.half = 1
	}
	return s
}

// run computes out from the operands in the order of largestep_conv_run.
func (c *convolver) run(shape C.largestep_conv_shape, pass uint32, out, first, second address, accumulate bool) error {
	p, err := c.plan(planKey{shape, pass})
	if err != nil {
		return err
	}
	var beta C.float
	if accumulate {
		beta = 1
	}
	return cudnnError("convolution", C.largestep_conv_run(c.handle, &p.descriptors, pass, C.int(p.algorithm.id),
		C.ulonglong(out), C.ulonglong(first), C.ulonglong(second), C.ulonglong(c.workspace), C.size_t(p.algorithm.workspace), beta))
}

// plan finds the algorithm for a kernel: measured the first time, then known.
func (c *convolver) plan(key planKey) (*plan, error) {
	if p := c.plans[key]; p != nil {
		return p, nil
	}
	p := &plan{}
	if err := cudnnError("describe a convolution", C.largestep_conv_create(&p.descriptors, &key.shape)); err != nil {
		return nil, err
	}
	c.plans[key] = p
	var err error
	if p.algorithm, err = c.search(p, key.pass); err != nil {
		return nil, err
	}
	if c.engine.precision != FP32 { // there the descriptor forbids tensor cores, whatever was found
		if err := cudnnError("describe a convolution", C.largestep_conv_math(&p.descriptors, C.int(p.algorithm.math))); err != nil {
			return nil, err
		}
	}
	return p, c.reserve(p.algorithm.workspace)
}

// search lets cuDNN measure its algorithms, or where that fails, as for want of
// memory, asks its heuristics.
func (c *convolver) search(p *plan, pass uint32) (algorithm, error) {
	var err error
	for _, measure := range []C.int{1, 0} {
		var found [16]C.largestep_algorithm
		var n C.int
		if err = cudnnError("search an algorithm", C.largestep_conv_search(c.handle, &p.descriptors, pass, measure, C.int(len(found)), &n, &found[0])); err != nil {
			continue
		}
		var list []algorithm
		for _, f := range found[:n] {
			list = append(list, algorithm{
				id: int(f.algo), status: int(f.status), workspace: int(f.memory),
				deterministic: f.determinism == deterministic, math: int(f.math),
			})
		}
		var a algorithm
		if a, err = choose(list, c.limit); err == nil {
			return a, nil
		}
	}
	return algorithm{}, err
}

// reserve makes the workspace large enough. Recorded graphs may still use the
// old one, which is kept; doubling bounds what that costs.
func (c *convolver) reserve(bytes int) error {
	if bytes <= c.size {
		return nil
	}
	size := max(bytes, min(2*c.size, c.limit))
	p, err := c.engine.reserve(size)
	if err != nil {
		return err
	}
	c.workspace, c.size = address(p), size
	return nil
}

// filterOf is what cuDNN reads of a filter or writes of its gradient: the
// bfloat16 copy if there is one.
func (e *Engine) filterOf(t op.Tensor) address {
	l, _ := layoutOf(t.Spec, e.precision)
	if l.copy {
		return at(t) + address(copyOffset(l.elements))
	}
	return at(t)
}

// Conv implements op.Kernels, as do the methods that follow.
func (e *Engine) Conv(c op.Convolution, y, x, w op.Tensor) {
	e.convolve(c, C.LARGESTEP_FORWARD, x, y, w, at(y), at(x), e.filterOf(w), false)
}

func (e *Engine) ConvBackwardData(c op.Convolution, dx, dy, w op.Tensor, accumulate bool) {
	e.convolve(c, C.LARGESTEP_BACKWARD_DATA, dx, dy, w, at(dx), at(dy), e.filterOf(w), accumulate)
}

func (e *Engine) ConvBackwardFilter(c op.Convolution, dw, dy, x op.Tensor) {
	if x.Shape[2]*x.Shape[3] == 1 && dw.Shape[2] == 1 {
		e.denseGrad(dw, dy, x)
		return
	}
	e.convolve(c, C.LARGESTEP_BACKWARD_FILTER, x, dy, dw, e.filterOf(dw), at(dy), at(x), false)
	if l, _ := layoutOf(dw.Spec, e.precision); l.copy {
		e.launch("to_float", flat(l.elements/vector, e.multiprocessors), at(dw), e.filterOf(dw), l.elements)
	}
}

// denseGrad is ConvBackwardFilter where maps are one pixel.
func (e *Engine) denseGrad(dw, dy, x op.Tensor) {
	if !e.ready(dw) {
		return
	}
	_, copy := e.parameter(dw)
	rows, columns := padded(dw.Shape[0]), padded(dw.Shape[1])
	g := grid{(columns + side - 1) / side, (rows + side - 1) / side, side, side}
	e.launch("dense_grad"+e.format(), g, at(dw), copy, at(dy), at(x), int32(x.Shape[0]), int32(rows), int32(columns))
}

func (e *Engine) convolve(c op.Convolution, pass uint32, x, y, w op.Tensor, out, first, second address, accumulate bool) {
	if !e.ready(x, y, w) {
		return
	}
	defer e.enter()()
	shape := e.convolutions.shapeOf(c, x.Shape, y.Shape, w.Shape[2])
	if err := e.convolutions.run(shape, pass, out, first, second, accumulate); err != nil {
		e.fail(fmt.Errorf("%w (x %v, w %v, stride %d)", err, x.Shape, w.Shape, c.Stride))
	}
}
