package trainer

import (
	"cmp"
	"context"
	"fmt"
	"math"

	"largestep/nets/op"
	"largestep/train/run"
)

// A training has diverged when a mini-batch loss is not finite, or has grown to
// this multiple of the first one, or of 1 if that is more, unless Edge.Factor says else.
const divergedFactor = 1e6

// Edge is the search for the largest step size at which a training does not
// diverge. The config's schedule, which Steps spans, is scaled as a whole, and
// the step size is that of its first phase, before any warm-up; other settings,
// seed and order included, stay.
type Edge struct {
	Engine    op.Engine
	Problem   Problem
	Config    run.Config
	Init      string  // safetensors file of initial parameters, or ""
	Steps     int     // a step size that diverges later counts as stable
	Tolerance float64 // the edge lies within this fraction above the answer
	// Factor is the multiple of the first loss, or of 1 if that is more, beyond which
	// a loss counts as divergence; 1e6 if it is 0.
	Factor float64
	// Tried, if not nil, is told of each step size and whether it diverged.
	Tried func(stepSize float64, diverged bool)
}

// Where a search for an edge begins, and how near it comes, where nobody says.
const (
	EdgeGuess     = 0.01
	EdgeTolerance = 0.005
)

// leastTolerance is what bisection in float64 can still reach.
const leastTolerance = 1e-9

// Find brackets the edge by powers of two from the schedule's step size, then
// bisects. The answer is stable; Tolerance above it is not.
func (e *Edge) Find(ctx context.Context) (float64, error) {
	if e.Steps < 1 || !(e.Tolerance >= leastTolerance && e.Tolerance < 1) {
		return 0, fmt.Errorf("edge within %d steps to a tolerance of %g: want 1 or more, and a fraction of %g or more", e.Steps, e.Tolerance, leastTolerance)
	}
	d, err := e.trial()
	if err != nil {
		return 0, err
	}
	stable, unstable, err := e.bracket(ctx, d)
	if err != nil {
		return 0, err
	}
	for unstable > stable*(1+e.Tolerance) {
		middle := math.Sqrt(stable * unstable)
		diverged, err := e.try(ctx, d, middle)
		if err != nil {
			return 0, err
		}
		if diverged {
			unstable = middle
		} else {
			stable = middle
		}
	}
	return stable, nil
}

// mostDoublings bounds the search for a bracket.
const mostDoublings = 60

func (e *Edge) bracket(ctx context.Context, d *descent) (stable, unstable float64, err error) {
	begin := e.Config.Schedule.First()
	eta := begin
	diverged, err := e.try(ctx, d, eta)
	if err != nil {
		return 0, 0, err
	}
	factor := 2.0
	if diverged {
		factor = 0.5
	}
	for range mostDoublings {
		next := eta * factor
		divergedNext, err := e.try(ctx, d, next)
		if err != nil {
			return 0, 0, err
		}
		if divergedNext != diverged {
			return min(eta, next), max(eta, next), nil
		}
		eta = next
	}
	return 0, 0, fmt.Errorf("no edge between step sizes %g and %g", min(eta, begin), max(eta, begin))
}

// trial is a training that can start over.
func (e *Edge) trial() (*descent, error) {
	c := e.Config
	c.MaxSteps = e.Steps
	c.CountEpochs()
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := checkProblem(&c, e.Problem); err != nil {
		return nil, err
	}
	d, err := newDescent(e.Engine, e.Problem, &c, e.Init)
	if err != nil {
		return nil, err
	}
	return d, e.Problem.Upload(d.vars)
}

// try tells whether the schedule diverges that begins with a step size.
func (e *Edge) try(ctx context.Context, d *descent, eta float64) (diverged bool, err error) {
	d.config.Schedule = e.Config.Schedule.From(eta)
	if err := d.begin(); err != nil {
		return false, err
	}
	if err := d.initialize(); err != nil {
		return false, err
	}
	first := math.NaN()
	for step := 1; step <= e.Steps && !diverged; step++ {
		if ctx.Err() != nil {
			return false, ErrInterrupted
		}
		if err := d.take(ctx, step-1, d.miniBatch(step-1)); err != nil {
			return false, err
		}
		if step%checkLosses != 0 && step != e.Steps {
			continue
		}
		losses, err := d.graph.Losses()
		if err != nil {
			return false, err
		}
		if math.IsNaN(first) {
			first = losses[0]
		}
		diverged = grown(losses, first, cmp.Or(e.Factor, divergedFactor))
	}
	if e.Tried != nil {
		e.Tried(eta, diverged)
	}
	return diverged, nil
}

// checkLosses is how many steps are taken between looks at the losses.
const checkLosses = 50

func grown(losses []float64, first, factor float64) bool {
	for _, l := range losses {
		if !finite(l) || l > factor*math.Max(first, 1) {
			return true
		}
	}
	return false
}
