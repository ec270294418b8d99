package trainer

import (
	"context"
	"fmt"
	"math"

	"largestep/nets/op"
	"largestep/train/machine"
	"largestep/train/run"
	"largestep/train/schedule"
)

// A training has diverged when a mini-batch loss is not finite, or has grown to
// this multiple of the first one, or of 1 if that is more.
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
	// Tried, if not nil, is told of each step size and whether it diverged.
	Tried func(stepSize float64, diverged bool)
}

// leastTolerance is what bisection in float64 can still reach.
const leastTolerance = 1e-9

// Find brackets the edge by powers of two from the schedule's step size, then
// bisects. The answer is stable; Tolerance above it is not.
func (e *Edge) Find(ctx context.Context) (float64, error) {
	if e.Steps < 1 || !(e.Tolerance >= leastTolerance && e.Tolerance < 1) {
		return 0, fmt.Errorf("edge within %d steps to a tolerance of %g: want 1 or more, and a fraction of %g or more", e.Steps, e.Tolerance, leastTolerance)
	}
	t, err := e.trial()
	if err != nil {
		return 0, err
	}
	stable, unstable, err := e.bracket(ctx, t)
	if err != nil {
		return 0, err
	}
	for unstable > stable*(1+e.Tolerance) {
		middle := math.Sqrt(stable * unstable)
		diverged, err := e.try(ctx, t, middle)
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

func (e *Edge) bracket(ctx context.Context, t *trainer) (stable, unstable float64, err error) {
	begin := e.Config.Schedule.First()
	eta := begin
	diverged, err := e.try(ctx, t, eta)
	if err != nil {
		return 0, 0, err
	}
	factor := 2.0
	if diverged {
		factor = 0.5
	}
	for range mostDoublings {
		next := eta * factor
		d, err := e.try(ctx, t, next)
		if err != nil {
			return 0, 0, err
		}
		if d != diverged {
			return min(eta, next), max(eta, next), nil
		}
		eta = next
	}
	return 0, 0, fmt.Errorf("no edge between step sizes %g and %g", min(eta, begin), max(eta, begin))
}

// trial is a training without records that can start over.
func (e *Edge) trial() (*trainer, error) {
	c := e.Config
	c.MaxSteps = e.Steps
	c.CountEpochs()
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := checkOrder(&c, e.Problem); err != nil {
		return nil, err
	}
	t := &trainer{Options: Options{Config: c, Problem: e.Problem, Engine: e.Engine, Init: e.Init}, records: &run.Records{}}
	t.vars = machine.NewVariables(e.Engine)
	var err error
	t.graph, err = NewStep(t.vars, t.Problem, stepOptions(&c))
	if err != nil {
		return nil, err
	}
	return t, t.Problem.Upload(t.vars)
}

// try tells whether the schedule diverges that begins with a step size.
func (e *Edge) try(ctx context.Context, t *trainer, eta float64) (diverged bool, err error) {
	if err := t.startOver(e.Config.Schedule.From(eta)); err != nil {
		return false, err
	}
	first := math.NaN()
	for t.Step < e.Steps && !diverged {
		if ctx.Err() != nil {
			return false, ErrInterrupted
		}
		if err := t.takeStep(ctx); err != nil {
			return false, err
		}
		if t.Step%checkLosses != 0 && t.Step != e.Steps {
			continue
		}
		losses, err := t.graph.Losses()
		if err != nil {
			return false, err
		}
		if math.IsNaN(first) {
			first = losses[0]
		}
		diverged = grown(losses, first)
	}
	if e.Tried != nil {
		e.Tried(eta, diverged)
	}
	return diverged, nil
}

// checkLosses is how many steps are taken between looks at the losses.
const checkLosses = 50

func grown(losses []float64, first float64) bool {
	for _, l := range losses {
		if !finite(l) || l > divergedFactor*math.Max(first, 1) {
			return true
		}
	}
	return false
}

// startOver begins again with other step sizes.
func (t *trainer) startOver(s schedule.Schedule) error {
	t.Position = run.Position{}
	t.logged = 0
	t.graph.startOver()
	t.Config.Schedule = s
	if err := t.graph.clearVelocities(); err != nil {
		return err
	}
	return t.initialize()
}
