package trainer

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"largestep/train/schedule"
)

// Interval is where the edge of divergence lies for several orders of the examples. As
// divergence is not monotone, it is no single step size: up to Stable no order
// diverged, and from Unstable on every order did.
type Interval struct {
	Stable, Unstable float64
	Tallies          []Tally // by rising step size
}

// Tally is how many orders of the examples a step size was tried with, and with how
// many of them the training diverged.
type Tally struct {
	StepSize         float64
	Orders, Diverged int
}

// Interval searches with the orders of the seeds from that of the config on; for a
// step size each takes the same mini-batches as for any other. It brackets the edge by
// powers of two from the schedule's step size, between which step sizes are tried that
// differ by at most Tolerance.
func (e *Edge) Interval(ctx context.Context, orders int) (*Interval, error) {
	if err := e.CheckInterval(orders); err != nil {
		return nil, err
	}
	d, err := e.trial()
	if err != nil {
		return nil, err
	}
	i := &Interval{}
	tally := func(eta float64) (Tally, error) {
		n := Tally{StepSize: eta, Orders: orders}
		for k := range orders {
			d.reorder(e.Config.Seed + uint64(k))
			diverged, err := e.try(ctx, d, eta)
			if err != nil {
				return n, err
			}
			if diverged {
				n.Diverged++
			}
		}
		i.Tallies = append(i.Tallies, n)
		return n, nil
	}
	if err := i.search(e.Config.Schedule.First(), e.Tolerance, tally); err != nil {
		return nil, err
	}
	return i, nil
}

// CheckInterval tells what is wrong with what Interval is asked for.
func (e *Edge) CheckInterval(orders int) error {
	if orders < 1 || e.Steps < 1 || !(e.Tolerance >= leastTolerance && e.Tolerance < 1) || e.Factor != 0 && !(e.Factor > 1) {
		return fmt.Errorf("edge for %d orders within %d steps to a tolerance of %g, by a factor of %g: want 1 or more of both, a fraction of %g or more, and a factor above 1", orders, e.Steps, e.Tolerance, e.Factor, leastTolerance)
	}
	return nil
}

// search fills the tallies from a step size.
func (i *Interval) search(begin, tolerance float64, tally func(float64) (Tally, error)) error {
	first, err := tally(begin)
	if err != nil {
		return err
	}
	low, high := first, first
	for n := 0; low.Diverged > 0; n++ {
		if low, err = tally(low.StepSize / 2); err != nil {
			return err
		}
		if n == mostDoublings {
			return fmt.Errorf("an order diverges with a step size of %g, too", low.StepSize)
		}
	}
	for n := 0; high.Diverged < high.Orders; n++ {
		if high, err = tally(high.StepSize * 2); err != nil {
			return err
		}
		if n == mostDoublings {
			return fmt.Errorf("not every order diverges with a step size of %g", high.StepSize)
		}
	}
	i.settle()
	from, ratio := i.Stable, i.Unstable/i.Stable
	parts := math.Ceil(math.Log(ratio)/math.Log1p(tolerance) - 1e-9)
	for k := 1.0; k < parts; k++ {
		eta := from * math.Pow(ratio, k/parts)
		tried := func(n Tally) bool { return math.Abs(n.StepSize/eta-1) < leastTolerance/2 }
		if slices.ContainsFunc(i.Tallies, tried) {
			continue
		}
		if _, err := tally(eta); err != nil {
			return err
		}
	}
	i.settle()
	return nil
}

// settle takes the ends of the interval from the tallies.
func (i *Interval) settle() {
	slices.SortFunc(i.Tallies, func(a, b Tally) int { return cmp.Compare(a.StepSize, b.StepSize) })
	for _, n := range i.Tallies {
		if n.Diverged > 0 {
			break
		}
		i.Stable = n.StepSize
	}
	for _, n := range slices.Backward(i.Tallies) {
		if n.Diverged < n.Orders {
			break
		}
		i.Unstable = n.StepSize
	}
}

// reorder makes the next trial take its examples in the order of a seed.
func (d *descent) reorder(seed uint64) {
	d.config.Seed = seed
	d.order.index = nil
}

// Fork takes the Steps with several constant step sizes from the same parameters, on
// the same mini-batches, and gives the losses of each; fewer where they cease to be
// finite.
func (e *Edge) Fork(ctx context.Context, stepSizes ...float64) ([][]float64, error) {
	d, err := e.trial()
	if err != nil {
		return nil, err
	}
	var all [][]float64
	for _, eta := range stepSizes {
		d.config.Schedule = schedule.Constant(eta)
		if err := d.begin(); err != nil {
			return nil, err
		}
		if err := d.initialize(); err != nil {
			return nil, err
		}
		losses, err := d.losses(ctx, e.Steps)
		if err != nil {
			return nil, err
		}
		all = append(all, losses)
	}
	return all, nil
}

// losses takes steps as long as the losses are finite.
func (d *descent) losses(ctx context.Context, steps int) (losses []float64, err error) {
	for step := 1; step <= steps; step++ {
		if ctx.Err() != nil {
			return nil, ErrInterrupted
		}
		if err := d.take(ctx, step-1, d.miniBatch(step-1)); err != nil {
			return nil, err
		}
		if step%checkLosses != 0 && step != steps {
			continue
		}
		more, err := d.graph.Losses()
		if err != nil {
			return nil, err
		}
		for _, l := range more {
			if losses = append(losses, l); !finite(l) {
				return losses, nil
			}
		}
	}
	return losses, nil
}

// Start measures the parameters from which the search begins, as rows of metrics.csv
// do: the problem's own columns, by name.
func (e *Edge) Start(ctx context.Context) (map[string]float64, error) {
	c := e.Config
	d, err := newDescent(e.Engine, e.Problem, &c, e.Init)
	if err != nil {
		return nil, err
	}
	meter, err := e.Problem.Meter(d.vars)
	if err != nil {
		return nil, err
	}
	if err := e.Problem.Upload(d.vars); err != nil {
		return nil, err
	}
	if err := d.initialize(); err != nil {
		return nil, err
	}
	if err := meter.Begin(); err != nil {
		return nil, err
	}
	d.vars.Until(ctx)
	m, err := meter.Measure(Latest{StepSize: c.Schedule.First(), StepSharpness: math.NaN()})
	d.vars.Until(context.Background())
	if err != nil {
		return nil, err
	}
	own := map[string]float64{}
	for k, name := range e.Problem.Columns() {
		own[name] = m.Own[k]
	}
	return own, nil
}
