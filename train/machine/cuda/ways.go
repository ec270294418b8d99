//go:build gpu

package cuda

import (
	"fmt"
	"math"
	"slices"
)

// way is one of several to compute the same; a card decides which is the fastest.
type way struct {
	config
	workspace int // bytes
	run       func() error
}

// separate is the way that needs no choice: each kernel for itself.
var separate = config{-2, "apart"}

// contest gives the way that was chosen for a kernel before, here or in another
// process. If there is none it measures them, of which the first is apart, and keeps
// the choice: the first, unless another is more than 1 % faster. A way that fails is
// not chosen; an error is the first way's, or means that the device is lost.
func (c *convolver) contest(kernel string, ways []way) (int, error) {
	u := c.useOf(kernel)
	if i := slices.IndexFunc(ways, func(w way) bool { return w.config == c.choices.find(u) }); i >= 0 {
		c.notes = append(c.notes, fmt.Sprintf("%s: %v, chosen before", kernel, ways[i].config))
		return i, nil
	}
	times, best := make([]float64, len(ways)), math.Inf(1)
	for i, w := range ways {
		ms, err := c.time(w.run, best)
		c.log(kernel, w.config, w.workspace, ms, err)
		if lost := c.fatal(plan{config: w.config}, err); lost != nil {
			return 0, lost
		}
		if err != nil && i == 0 {
			return 0, err
		}
		if err != nil {
			ms = math.Inf(1)
		}
		times[i], best = ms, min(best, ms)
	}
	chosen := fastest(times)
	w, gain := ways[chosen], fmt.Sprintf("%.4g ms, apart %.4g ms", times[chosen], times[0])
	c.choices.keep(u, w.config)
	c.notes = append(c.notes, fmt.Sprintf("%s: %v, %s", kernel, w.config, gain))
	if log := c.engine.diagnosis.log; log != nil {
		log.write(u, w.config, w.workspace, times[chosen], "chosen: "+gain)
	}
	return chosen, nil
}
