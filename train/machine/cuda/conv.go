//go:build gpu

package cuda

// #cgo LDFLAGS: -ldl
// #include <stdlib.h>
// #include "cudnn.h"
import "C"

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"slices"
	"unsafe"

	"gorgonia.org/cu"
	"gorgonia.org/tensor"
	"largestep/nets/op"
)

// workspaceLimit bounds what a plan may use, beside an eighth of the card's
// memory.
const workspaceLimit = 512 << 20

// loadCuDNN loads the library once.
func loadCuDNN() error {
	python, _ := exec.LookPath("python3") // "" if there is none
	files, tried := cudnnCandidates(os.Getenv(cudnnVariable), map[string]string{
		"home": os.Getenv("HOME"), "venv": os.Getenv("VIRTUAL_ENV"), "conda": os.Getenv("CONDA_PREFIX"), "python": python,
	})
	driver := 0 // without a device the driver's version does not matter: cuDNN can plan for one that is described
	if probeDriver() == nil {
		driver = cu.Version() / 1000
	}
	var refused error
	for _, file := range files {
		name := C.CString(file)
		why := C.largestep_cudnn_load(name, C.int(driver))
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

// cudnnError explains a status of cuDNN's, 0 for success.
func cudnnError(what string, status C.int) error {
	if status == 0 {
		return nil
	}
	var more [512]C.char
	name := C.largestep_cudnn_error(status, &more[0], C.size_t(len(more)))
	return explainCuDNN(what, C.GoString(name), C.GoString(&more[0]))
}

// convolver runs convolutions by cuDNN.
type convolver struct {
	planner
	engine    *Engine
	chosen    map[C.largestep_kernel]plan
	choices   *choices // of this and other processes
	notes     []string // on what was chosen, in order
	events    [4]cu.Event
	workspace address
	size      int // of the workspace
}

// operands are where a kernel's tensors lie.
type operands struct {
	out, first, second address // as largestep_execute takes them
	bytes              int     // of out
	sums               sums    // if the plan makes them
}

func newConvolver(e *Engine) (*convolver, error) {
	c := &convolver{engine: e, chosen: map[C.largestep_kernel]plan{}, choices: choicesIn(choicesPath())}
	c.refused = func(k C.largestep_kernel, not config, err error) { c.log(spellKernel(k), not, 0, 0, err) }
	_, total, err := cu.MemInfo()
	if err != nil {
		return nil, driverError("memory", err)
	}
	c.precision, c.limit, c.most = e.precision, min(workspaceLimit, int(total/8)), measured
	for i := range c.events {
		if c.events[i], err = cu.MakeEvent(cu.DefaultEvent); err != nil {
			return c, driverError("make an event", err)
		}
	}
	return c, cudnnError("start cuDNN", C.largestep_cudnn_create(&c.target.handle, pointer(e.stream)))
}

func (c *convolver) close() {
	for _, p := range c.chosen {
		p.destroy()
	}
	c.planner.close()
	for i := range c.events {
		if c.events[i] != (cu.Event{}) {
			cu.DestroyEvent(&c.events[i])
		}
	}
	if c.target.handle != nil {
		C.largestep_cudnn_destroy(c.target.handle)
	}
}

// kernelOf describes a convolution with padded channels.
func kernelOf(pass uint32, v op.Convolution, x, y tensor.Shape, size int, p Precision) C.largestep_kernel {
	k := C.largestep_kernel{
		pass: pass, n: C.int(x[0]), c: C.int(padded(x[1])), h: C.int(x[2]), w: C.int(x[3]),
		k: C.int(padded(y[1])), size: C.int(size), p: C.int(y[2]), q: C.int(y[3]),
		stride: C.int(v.Stride), pad: C.int(v.Pad),
	}
	if p == BF16 {
		k.half = 1
	}
	return k
}

// use is what the plan of a kernel is for.
func (c *convolver) use(k C.largestep_kernel) use { return c.useOf(spellKernel(k)) }

func (c *convolver) useOf(kernel string) use {
	return use{c.engine.card.name, cudnnVersion(), c.precision, kernel}
}

// passNames are those of largestep_pass.
var passNames = []string{"forward", "backward data", "backward filter"}

// spellKernel names a kernel, without its number format.
func spellKernel(k C.largestep_kernel) string {
	text := fmt.Sprintf("%s x %dx%dx%dx%d w %dx%dx%dx%d stride %d pad %d", passNames[k.pass], k.n, k.c, k.h, k.w, k.k, k.c, k.size, k.size, k.stride, k.pad)
	if k.accumulate != 0 {
		text += " added"
	}
	if k.statistics != 0 {
		text += " with statistics"
	}
	return text
}

// log notes what became of a plan, or of another way to compute a kernel, if a log
// is wanted.
func (c *convolver) log(kernel string, what config, workspace int, milliseconds float64, err error) {
	if c.engine.diagnosis.log == nil {
		return
	}
	outcome := "measured"
	if err != nil {
		outcome = err.Error()
	}
	c.engine.diagnosis.log.write(c.useOf(kernel), what, workspace, milliseconds, outcome)
}

// run computes a kernel by the plan chosen for it, at the latest now.
func (c *convolver) run(k C.largestep_kernel, o operands) error {
	if p, ok := c.chosen[k]; ok {
		return c.execute(p, o, c.workspace)
	}
	list, err := c.plans(k, c.choices.find(c.use(k)))
	if err != nil {
		return err
	}
	if list, err = c.rank(k, list, o); err == nil {
		list, err = c.choose(k, list, o)
	}
	for _, p := range list {
		p.destroy()
	}
	return err
}

// choose computes a kernel by the first plan that works, and keeps that. It
// returns the others.
func (c *convolver) choose(k C.largestep_kernel, list []plan, o operands) (others []plan, err error) {
	for i, p := range list {
		if err = c.reserve(p.workspace); err == nil {
			err = c.execute(p, o, c.workspace)
		}
		if err == nil {
			c.chosen[k] = p
			c.keep(k, p)
			return slices.Delete(list, i, i+1), nil
		}
		if lost := c.fatal(p, err); lost != nil {
			return list, lost
		}
	}
	return list, err
}

// keep notes a choice, for other processes if it was measured.
func (c *convolver) keep(k C.largestep_kernel, p plan) {
	if p.milliseconds > 0 && !math.IsInf(p.milliseconds, 1) {
		c.choices.keep(c.use(k), p.config)
	}
	c.notes = append(c.notes, fmt.Sprintf("cuDNN %s: %v", spellKernel(k), p))
	if log := c.engine.diagnosis.log; log != nil {
		log.write(c.use(k), p.config, p.workspace, p.milliseconds, "chosen")
	}
}

// execute queues a plan.
func (c *convolver) execute(p plan, o operands, workspace address) error {
	addresses := [5]C.uint64_t{C.uint64_t(o.out), C.uint64_t(o.first), C.uint64_t(o.second), C.uint64_t(o.sums.sum), C.uint64_t(o.sums.squares)}
	count := C.int(3)
	if o.sums != (sums{}) {
		count = 5
	}
	return cudnnError("convolution", C.largestep_execute(c.target.handle, p.execution, count, &addresses[0], C.uint64_t(workspace)))
}

// reserve makes the workspace large enough. Recorded graphs may still use the
// old one, which is kept; doubling bounds what that costs.
func (c *convolver) reserve(bytes int) error {
	if bytes <= c.size {
		return nil
	}
	size := max(bytes, min(2*c.size, c.limit))
	p, err := reserve(&c.engine.memory, size)
	if err != nil {
		return err
	}
	c.workspace, c.size = address(p), size
	return nil
}

// filterOf is what cuDNN reads of a filter: the bfloat16 copy if there is one.
func (e *Engine) filterOf(t op.Tensor) address {
	l, _ := layoutOf(t.Spec, e.precision)
	if l.copy {
		return at(t) + address(copyOffset(l.elements))
	}
	return at(t)
}

// Conv implements op.Kernels, as do the methods that follow.
func (e *Engine) Conv(c op.Convolution, y, x, w op.Tensor) {
	o := operands{out: at(y), first: at(x), second: e.filterOf(w), bytes: bytesOf(y.Spec, e.precision)}
	e.convolve(c, C.LARGESTEP_FORWARD, x, y, w, o, false)
}

func (e *Engine) ConvBackwardData(c op.Convolution, dx, dy, w op.Tensor, accumulate bool) {
	o := operands{out: at(dx), first: at(dy), second: e.filterOf(w), bytes: bytesOf(dx.Spec, e.precision)}
	e.convolve(c, C.LARGESTEP_BACKWARD_DATA, dx, dy, w, o, accumulate)
}

func (e *Engine) ConvBackwardFilter(c op.Convolution, dw, dy, x op.Tensor) {
	if dw.Kind == op.Filter {
		e.denseGrad(dw, dy, x)
		return
	}
	o := operands{out: at(dw), first: at(dy), second: at(x), bytes: bytesOf(dw.Spec, e.precision)}
	e.convolve(c, C.LARGESTEP_BACKWARD_FILTER, x, dy, dw, o, false)
}

// denseGrad is ConvBackwardFilter for a float32 result of maps of one pixel.
func (e *Engine) denseGrad(dw, dy, x op.Tensor) {
	if !e.ready(dw) {
		return
	}
	_, copy := e.parameter(dw)
	rows, columns := padded(dw.Shape[0]), padded(dw.Shape[1])
	g := grid{(columns + gram - 1) / gram, (rows + gram - 1) / gram, side, side}
	e.launch("dense_grad"+e.format(), g, at(dw), copy, at(dy), at(x), int32(x.Shape[0]), int32(rows), int32(columns))
}

func (e *Engine) convolve(c op.Convolution, pass uint32, x, y, w op.Tensor, o operands, accumulate bool) {
	if !e.ready(x, y, w) {
		return
	}
	defer e.enter()()
	k := kernelOf(pass, c, x.Shape, y.Shape, w.Shape[2], e.precision)
	if accumulate {
		k.accumulate = 1
	}
	if err := e.fused.run(k, o); err != nil {
		e.fail(fmt.Errorf("%w (%s, x %v, w %v, stride %d)", err, passNames[pass], x.Shape, w.Shape, c.Stride))
	}
	e.wait("convolution " + spellKernel(k))
}
