//go:build gpu

package cuda

// #include "cudnn.h"
import "C"

import (
	"math"
	"slices"
	"sync"

	"gorgonia.org/cu"
	"largestep/nets/op"
)

// choices are the plans chosen in this process, by their places in the planner's
// list: two engines compute the same.
var choices sync.Map // of choice to int

type choice struct {
	kernel    C.largestep_kernel
	precision Precision
	limit     int
}

// rank puts the fastest plan first, or, if the memory to find out is lacking, the
// one that needs the least.
func (c *convolver) rank(k C.largestep_kernel, list []plan, o operands) []plan {
	key := choice{k, c.precision, c.limit}
	if i, ok := choices.Load(key); ok && i.(int) < len(list) {
		return first(list, i.(int))
	}
	if len(list) == 1 || c.engine.capturing {
		return list
	}
	times, err := c.measure(k, list, o)
	if err != nil {
		slices.SortStableFunc(list, func(a, b plan) int { return a.workspace - b.workspace })
		return list
	}
	i := fastest(times)
	choices.Store(key, i)
	return first(list, i)
}

// first moves an element to the front.
func first(list []plan, i int) []plan {
	p := list[i]
	return slices.Insert(slices.Delete(list, i, i+1), 0, p)
}

// measure times plans on the operands themselves, since the result is to be
// written over; one that is to be added to is spared. A plan that fails takes for
// ever. An error says that there is too little memory.
func (c *convolver) measure(k C.largestep_kernel, list []plan, o operands) ([]float64, error) {
	workspace, scratch := 0, 0
	for _, p := range list {
		workspace = max(workspace, p.workspace)
	}
	if k.accumulate != 0 {
		scratch = (o.bytes + op.Alignment - 1) &^ (op.Alignment - 1)
	}
	var space address
	if workspace+scratch > 0 {
		p, err := cu.MemAlloc(int64(workspace + scratch))
		if err != nil {
			return nil, driverError("memory", err)
		}
		defer cu.MemFree(p)
		space = address(p)
	}
	if scratch > 0 {
		o.out = space
		space += address(scratch)
	}
	times := make([]float64, len(list))
	best := math.Inf(1)
	for i, p := range list {
		var err error
		if times[i], err = c.time(p, o, space, best); err != nil {
			times[i] = math.Inf(1)
		}
		best = min(best, times[i])
	}
	return times, nil
}

// repeats is how many runs of a plan are timed together: an event's time is known
// to half a microsecond.
const repeats = 4

// hopeless is how many times slower than the best a plan's first run may be: more
// runs would not make up for it.
const hopeless = 3

// time is the shortest of some runs, in milliseconds, after one that loads the
// kernels. They are replayed, as in training: the host's share does not count,
// and a plan that cannot be recorded fails here. A plan far slower than the best
// so far runs once.
func (c *convolver) time(p plan, o operands, workspace address, best float64) (float64, error) {
	if err := c.execute(p, o, workspace); err != nil {
		return 0, err
	}
	r, err := capture(c.engine.stream, func() error {
		for range repeats {
			if err := c.execute(p, o, workspace); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	defer r.destroy()
	first, err := c.replays(r, 1)
	if err != nil || first > hopeless*best {
		return first, err
	}
	return c.replays(r, len(c.events)-1)
}

// replays is the shortest of n replays that follow each other, per run.
func (c *convolver) replays(r recording, n int) (float64, error) {
	for i := range n + 1 {
		if i > 0 || n > 1 { // of several, the first is not timed: it hides the host's start
			if err := r.launch(c.engine.stream); err != nil {
				return 0, err
			}
		}
		if err := c.events[i].Record(c.engine.stream); err != nil {
			return 0, err
		}
	}
	if err := c.events[n].Synchronize(); err != nil {
		return 0, err
	}
	best := math.Inf(1)
	for i := range n {
		ms, err := c.events[i].Elapsed(c.events[i+1])
		if err != nil {
			return 0, err
		}
		best = min(best, ms/repeats)
	}
	return best, nil
}
