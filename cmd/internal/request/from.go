package request

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"

	"github.com/spf13/pflag"
	"largestep/cmd/internal/usage"
	"largestep/data"
	"largestep/metrics/measure"
	"largestep/train/problem"
	"largestep/train/progress"
	"largestep/train/run"
	"largestep/train/schedule"
	"largestep/train/trainer"
	"largestep/train/weights"
)

// fromTolerance is that of the ends of an interval.
const fromTolerance = 0.1

// Prepare is Request's; with From, settings that no flag gives are those of its run,
// if it lies in one.
func (e *Edge) Prepare(ctx context.Context, f *pflag.FlagSet, out io.Writer) error {
	if e.From == "" {
		return e.Request.Prepare(ctx, f, out)
	}
	e.Init = e.From
	if _, err := weights.ReadFile(e.From); err != nil {
		return err
	}
	if file, err := run.ReadConfig(filepath.Dir(e.From)); err == nil { // else it is of another program
		if file.Net != e.Entry.Name {
			return fmt.Errorf("%s is of %s, not of %s", e.From, file.Net, e.Entry.Name)
		}
		e.resumed = file
	}
	return e.Request.Prepare(ctx, f, out)
}

// checkFrom settles what no flag says of the search for an interval, and tells what is
// wrong with it.
func (e *Edge) checkFrom(f *pflag.FlagSet) error {
	if e.Config.Schedule.OfEdge {
		return usage.Errorf("edge searches for the edge: give step sizes as numbers")
	}
	if err := e.Entry.CheckEdge(e.Config); err != nil {
		return err
	}
	if !f.Changed("tolerance") {
		e.Tolerance = fromTolerance
	}
	if !f.Changed("within") {
		e.Within = e.Entry.EdgeSteps(&e.Config)
	}
	return e.interval(e.Problem, e.Config).CheckInterval(e.orders)
}

func (e *Edge) interval(p trainer.Problem, c run.Config) *trainer.Edge {
	return &trainer.Edge{Engine: e.Opened, Problem: p, Config: c, Init: e.Init, Steps: e.Within, Tolerance: e.Tolerance, Factor: e.factor}
}

// Prediction is with which step size a parabola of a curvature diverges.
type Prediction struct {
	Name            string
	Curvature, Edge float64
}

// predict measures sharpness and batch sharpness at the parameters; out is told why
// where an engine cannot. Weight decay λ adds λ to a parabola's curvature.
func (e *Edge) predict(ctx context.Context, out io.Writer) (list []Prediction, err error) {
	p, c, err := e.measuring("sharpness", "batch_sharpness")
	if err != nil {
		return nil, err
	}
	own, err := e.interval(p, c).Start(ctx)
	if errors.Is(err, trainer.ErrInterrupted) {
		return nil, err
	}
	if err != nil { // an engine without the kernels
		fmt.Fprintf(out, "no prediction from the curvature: %v\n", err)
		return nil, nil
	}
	predict := func(name string, curvature, limit float64) Prediction {
		return Prediction{name, curvature, limit / (curvature + c.WeightDecay)}
	}
	return []Prediction{
		predict("sharpness", own["sharpness"], measure.LossLimit(c.Momentum)),
		predict("batch sharpness", own["batch_sharpness"], measure.BatchLimit(c.Momentum)),
	}, nil
}

// measuring is the problem with other measures.
func (r *Request) measuring(names ...string) (trainer.Problem, run.Config, error) {
	c := r.Config
	c.Measures = names
	var set *data.Dataset
	if images, ok := r.Problem.(*problem.Images); ok {
		set = images.Data
	}
	return r.Entry.Make(c, set)
}

// findInterval searches from the step size that a flag gives, or the last prediction.
func (e *Edge) findInterval(ctx context.Context, f *pflag.FlagSet, out io.Writer, predictions []Prediction) (*trainer.Interval, error) {
	begin := trainer.EdgeGuess
	for _, p := range predictions {
		if p.Edge > 0 && !math.IsInf(p.Edge, 0) {
			begin = p.Edge
		}
	}
	if f.Changed("step-size") {
		begin = e.Config.Schedule.First()
	}
	trials := progress.NewTrials(out, e.Tolerance)
	search := e.interval(e.Problem, e.Config)
	search.Config.Schedule, search.Tried = schedule.Constant(begin), trials.Tell
	search.Config.Order = "" // there is one of them
	found, err := search.Interval(ctx, e.orders)
	if errors.Is(err, trainer.ErrInterrupted) {
		trials.Interrupted()
		return nil, progress.ErrTold
	}
	return found, err
}
