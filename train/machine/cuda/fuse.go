//go:build gpu

package cuda

// #include "cudnn.h"
import "C"

import (
	"fmt"

	"largestep/nets/op"
)

// fused are convolutions that sum their results for the batch norm behind them, in
// one graph of cuDNN's, where measuring finds that faster. A first run computes
// both apart, and batch norm, which then knows that it follows a convolution,
// decides; the runs after that take the graph.
type fused struct {
	*convolver
	plans   map[C.largestep_kernel]plan // chosen, by the convolution without statistics
	apart   map[C.largestep_kernel]bool // convolutions that stay apart
	places  map[place]sums              // convolutions that were followed by batch norm
	results map[address]result          // of convolutions, which nothing has touched since
}

// place is a convolution and where its result lies.
type place struct {
	kernel C.largestep_kernel
	out    address
}

// result is what a convolution left; sums are none if it made none.
type result struct {
	kernel C.largestep_kernel
	operands
}

// sums are those of each channel's values, and of their squares, in float32.
type sums struct{ sum, squares address }

// mostFused is how many plans with statistics are measured: cuDNN compiles each,
// which takes a second.
const mostFused = 4

func newFused(c *convolver) *fused {
	return &fused{c, map[C.largestep_kernel]plan{}, map[C.largestep_kernel]bool{}, map[place]sums{}, map[address]result{}}
}

func (f *fused) close() {
	for _, p := range f.plans {
		p.destroy()
	}
}

// forget is for when memory is given back: what lies there next is something else.
func (f *fused) forget() {
	clear(f.results)
	clear(f.places)
}

// touch notes that a kernel reads or writes at places, after which results there
// may be others.
func (f *fused) touch(arguments []any) {
	if len(f.results) == 0 {
		return
	}
	for _, a := range arguments {
		if a, ok := a.(address); ok {
			delete(f.results, a)
		}
	}
}

// run is convolver.run, with statistics where they are worth it.
func (f *fused) run(k C.largestep_kernel, o operands) error {
	f.touch([]any{o.out})
	if !f.engine.diagnosis.tries.statistics || k.pass != C.LARGESTEP_FORWARD {
		return f.convolver.run(k, o)
	}
	if s, ok := f.places[place{k, o.out}]; ok {
		return f.with(k, o, s)
	}
	err := f.convolver.run(k, o)
	if err == nil {
		f.results[o.out] = result{k, o}
	}
	return err
}

// with runs a convolution that makes sums.
func (f *fused) with(k C.largestep_kernel, o operands, s sums) error {
	o.sums = s
	err := f.execute(f.plans[k], o, f.workspace)
	if err == nil {
		f.results[o.out] = result{k, o}
	}
	return err
}

// sumsOf gives the sums that came with the convolution of which a batch norm's x is
// the result, none if there are none. In a first run it decides whether they are to
// come.
func (f *fused) sumsOf(n normForward) sums {
	e := f.engine
	r, ok := f.results[at(n.x)]
	if !ok || r.sums != (sums{}) || e.capturing || e.err != nil {
		return r.sums
	}
	defer e.enter()()
	s, err := f.decide(n, r)
	if err != nil {
		e.fail(fmt.Errorf("%w (%s with statistics)", err, spellKernel(r.kernel)))
	}
	return s
}

// decide chooses a plan with statistics for a convolution that has just run, if
// one is faster, and runs it.
func (f *fused) decide(n normForward, r result) (sums, error) {
	if f.apart[r.kernel] {
		return sums{}, nil
	}
	s, err := f.newSums(int(r.kernel.k))
	if err != nil {
		return s, err
	}
	if _, ok := f.plans[r.kernel]; !ok {
		if err := f.search(n, r, s); err != nil {
			return sums{}, err
		}
	}
	if f.apart[r.kernel] { // what was measured wrote over the result
		return sums{}, f.convolver.run(r.kernel, r.operands)
	}
	f.places[place{r.kernel, r.out}] = s
	return s, f.with(r.kernel, r.operands, s)
}

// newSums reserves memory for the sums of channels.
func (f *fused) newSums(channels int) (sums, error) {
	bytes := (4*channels + op.Alignment - 1) &^ (op.Alignment - 1)
	p, err := reserve(&f.engine.memory, 2*bytes)
	return sums{address(p), address(p) + address(bytes)}, err
}

// search finds the fastest plan with statistics, or that the convolution is better
// left apart from them.
func (f *fused) search(n normForward, r result, s sums) error {
	k := r.kernel
	k.statistics = 1
	before := f.choices.find(f.use(k))
	if before == separate {
		f.apart[r.kernel] = true
		return nil
	}
	list, err := f.few(k, before)
	if err != nil { // cuDNN has none
		f.apart[r.kernel] = true
		return nil
	}
	best, err := f.fastest(n, r, s, list)
	if err != nil {
		return err
	}
	for i, p := range list {
		if i != best {
			p.destroy()
		}
	}
	if best < 0 {
		f.apart[r.kernel] = true
		return nil
	}
	f.plans[r.kernel] = list[best]
	return f.reserve(list[best].workspace)
}

// few lists some plans with statistics, deterministic ones: the same training is
// to give the same bits.
func (f *fused) few(k C.largestep_kernel, before config) ([]plan, error) {
	defer func(most int) { f.most = most }(f.most)
	f.most = min(f.most, mostFused)
	list, err := f.planner.plans(k, before)
	if err == nil && list[0].notes&noteNondeterministic != 0 { // there are no others
		for _, p := range list {
			p.destroy()
		}
		return nil, fmt.Errorf("no deterministic plan")
	}
	return list, err
}

// fastest measures plans, and the convolution without statistics, each with the
// batch norm behind it; −1 is the latter. The batch norm's own choice comes first.
func (f *fused) fastest(n normForward, r result, s sums, list []plan) (int, error) {
	n.runningMean, n.runningVar = 0, 0
	f.engine.normalize(n, sums{})
	if f.engine.err != nil {
		return -1, f.engine.err
	}
	both := func(p plan, o operands) func() error {
		return func() error {
			if err := f.reserve(p.workspace); err != nil {
				return err
			}
			if err := f.execute(p, o, f.workspace); err != nil {
				return err
			}
			return f.engine.attempt(func() { f.engine.normalize(n, o.sums) })()
		}
	}
	apart := f.chosen[r.kernel]
	ways := []way{{separate, apart.workspace, both(apart, r.operands)}}
	r.sums = s
	for _, p := range list {
		ways = append(ways, way{p.config, p.workspace, both(p, r.operands)})
	}
	k := r.kernel
	k.statistics = 1
	best, err := f.contest(spellKernel(k), ways)
	return best - 1, err
}
