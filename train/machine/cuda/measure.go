//go:build gpu

package cuda

// #include "cudnn.h"
import "C"

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gorgonia.org/cu"
	"largestep/nets/op"
)

// rank puts the fastest plan first, or, if the memory to find out is lacking, the
// one that needs the least. An error means that the device is lost.
func (c *convolver) rank(k C.largestep_kernel, list []plan, o operands) ([]plan, error) {
	if len(list) == 1 || c.engine.capturing {
		return list, nil
	}
	o, workspace, free, err := c.rehearse(k, list, o)
	if err != nil {
		slices.SortStableFunc(list, func(a, b plan) int { return a.workspace - b.workspace })
		return list, nil
	}
	defer free()
	if err := c.measure(k, list, o, workspace); err != nil {
		return list, err
	}
	times := make([]float64, len(list))
	for i, p := range list {
		times[i] = p.milliseconds
	}
	return first(list, fastest(times)), nil
}

// first moves an element to the front.
func first(list []plan, i int) []plan {
	p := list[i]
	return slices.Insert(slices.Delete(list, i, i+1), 0, p)
}

// rehearse gives what plans are measured on: the operands themselves, since the
// result is to be written over, but for one that is to be added to, which is
// spared. An error says that there is too little memory.
func (c *convolver) rehearse(k C.largestep_kernel, list []plan, o operands) (_ operands, workspace address, free func(), err error) {
	most, result := 0, 0
	for _, p := range list {
		most = max(most, p.workspace)
	}
	if k.accumulate != 0 {
		result = (o.bytes + op.Alignment - 1) &^ (op.Alignment - 1)
	}
	if most+result == 0 {
		return o, 0, func() {}, nil
	}
	p, err := cu.MemAlloc(int64(most + result))
	if err != nil {
		return o, 0, nil, driverError("memory", err)
	}
	if result > 0 {
		o.out = address(p)
	}
	return o, address(p) + address(result), func() { cu.MemFree(p) }, nil
}

// measure times plans. One that fails takes for ever; an error means that with it
// the device is lost.
func (c *convolver) measure(k C.largestep_kernel, list []plan, o operands, workspace address) error {
	best := math.Inf(1)
	for i := range list {
		p := &list[i]
		ms, err := c.time(func() error { return c.execute(*p, o, workspace) }, best)
		if err != nil {
			ms = math.Inf(1)
		}
		p.milliseconds = ms
		c.log(spellKernel(k), p.config, p.workspace, p.milliseconds, err)
		if err := c.fatal(*p, err); err != nil {
			return err
		}
		best = min(best, ms)
	}
	return nil
}

// fatal tells whether the device is lost with the error of a plan.
func (c *convolver) fatal(p plan, err error) error {
	if err == nil {
		return nil
	}
	lost := c.engine.lost()
	if lost == nil {
		return nil
	}
	if f := cudnnFailure(""); errors.As(err, &f) {
		return fmt.Errorf("%w; the plan was %v, and %v", lost, p, err)
	}
	return fmt.Errorf("%w; the plan was %v", err, p)
}

// repeats is how many runs of a plan are timed together: an event's time is known
// to half a microsecond.
const repeats = 4

// hopeless is how many times slower than the best a plan's first run may be: more
// runs would not make up for it.
const hopeless = 3

// time is the shortest of some runs, in milliseconds, after one that loads the
// kernels. They are replayed, as in training: the host's share does not count,
// and a plan that cannot be recorded fails here. One far slower than the best so
// far runs once.
func (c *convolver) time(run func() error, best float64) (float64, error) {
	if err := run(); err != nil {
		return 0, err
	}
	replay, free, err := c.engine.record(func() error {
		for range repeats {
			if err := run(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	defer free()
	first, err := c.replays(replay, 1)
	if err != nil || first > hopeless*best {
		return first, err
	}
	return c.replays(replay, len(c.events)-1)
}

// replays is the shortest of n replays that follow each other, per run.
func (c *convolver) replays(replay func() error, n int) (float64, error) {
	for i := range n + 1 {
		if i > 0 || n > 1 { // of several, the first is not timed: it hides the host's start
			if err := replay(); err != nil {
				return 0, err
			}
		}
		if err := c.events[i].Record(c.engine.stream); err != nil {
			return 0, driverError("record an event", err)
		}
	}
	if err := c.events[n].Synchronize(); err != nil {
		return 0, driverError("run", err)
	}
	best := math.Inf(1)
	for i := range n {
		ms, err := c.events[i].Elapsed(c.events[i+1])
		if err != nil {
			return 0, driverError("time", err)
		}
		best = min(best, ms/repeats)
	}
	return best, nil
}
