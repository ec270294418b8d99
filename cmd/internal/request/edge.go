package request

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"
	"largestep/cmd/internal/flags"
	"largestep/cmd/internal/usage"
	"largestep/train/catalog"
	"largestep/train/progress"
	"largestep/train/run"
	"largestep/train/schedule"
	"largestep/train/trainer"
)

// Edge is what the flags of "edge NET" ask for: the search for an edge of divergence.
type Edge struct {
	*Request
	Within    int // steps
	Tolerance float64
	From      string // checkpoint from which an interval is searched for, or ""
	orders    int
	factor    float64
}

// NewEdge is a request for the edge of a problem.
func NewEdge(p catalog.Problem) *Edge { return &Edge{Request: New(p, flags.Examples, flags.Descent)} }

// Add adds the flags to a command's.
func (e *Edge) Add(f *pflag.FlagSet) {
	e.AddTraining(f)
	f.StringVar(&e.From, "from", "", "checkpoint to search from: the edge is an interval then, over several orders of the examples; settings that no flag gives are those of its run")
	f.IntVar(&e.orders, "orders", 3, "of the examples, with --from")
	f.Float64Var(&e.factor, "factor", 1e6, "with --from, the multiple of the first loss, or of 1 if that is more, beyond which a loss counts as divergence")
	f.IntVar(&e.Within, "within", 0, "steps within which it must diverge (default those of a training, of a classifier of images at most 500)")
	f.Float64Var(&e.Tolerance, "tolerance", trainer.EdgeTolerance, "the edge lies within this fraction above the answer")
}

// Find searches for the edge, once prepared, of the schedule that flags give, or of a
// constant step size.
func (e *Edge) Find(ctx context.Context, f *pflag.FlagSet, out io.Writer) (float64, error) {
	c := e.Config
	if c.Schedule.OfEdge {
		return 0, usage.Errorf("edge searches for the edge: give step sizes as numbers")
	}
	if !f.Changed("phases") && !f.Changed("decay-at") && !f.Changed("schedule") {
		eta := c.Schedule.First()
		if !f.Changed("step-size") {
			eta = trainer.EdgeGuess
		}
		c.Schedule = schedule.Constant(eta).With(c.Schedule.Phases[0].Rule)
	}
	if !f.Changed("within") {
		e.Within = e.Entry.EdgeSteps(&c)
	}
	return e.search(ctx, out, c, e.Within, e.Tolerance)
}

// findEdge finds the edge of a constant step size, and makes multiples of it step
// sizes.
func (r *Request) findEdge(ctx context.Context, out io.Writer) error {
	trial := r.Config
	trial.Schedule = schedule.Constant(trainer.EdgeGuess)
	steps := r.Entry.EdgeSteps(&r.Config)
	fmt.Fprintf(out, "searching for the edge of divergence within %d steps\n", steps)
	edge, err := r.search(ctx, out, trial, steps, trainer.EdgeTolerance)
	if err != nil {
		return err
	}
	r.edge, r.Config.Schedule = edge, r.Config.Schedule.Times(edge)
	fmt.Fprintf(out, "edge of divergence: %s; step size %.5g\n", progress.FormatEdge(edge, trainer.EdgeTolerance), r.Config.Schedule.First())
	return nil
}

// search finds the edge of a config's schedule, and tells of each trial; where the
// context ends that, it says what was found so far.
func (r *Request) search(ctx context.Context, out io.Writer, c run.Config, within int, tolerance float64) (float64, error) {
	if err := r.Entry.CheckEdge(c); err != nil {
		return 0, fmt.Errorf("%w; give step sizes as numbers", err)
	}
	trials := progress.NewTrials(out, tolerance)
	search := trainer.Edge{Engine: r.Opened, Problem: r.Problem, Config: c, Init: r.Init, Steps: within, Tolerance: tolerance, Tried: trials.Tell}
	edge, err := search.Find(ctx)
	if errors.Is(err, trainer.ErrInterrupted) {
		trials.Interrupted()
		return 0, progress.ErrTold
	}
	return edge, err
}

// WriteInterval writes what the curvature predicts, and where the edge from a
// checkpoint lies.
func (e *Edge) WriteInterval(ctx context.Context, f *pflag.FlagSet, out, told io.Writer) error {
	if err := e.checkFrom(f); err != nil {
		return err
	}
	predictions, err := e.predict(ctx, told)
	if err != nil {
		return err
	}
	for _, p := range predictions {
		fmt.Fprintf(out, "%s %.4g predicts an edge at %.4g\n", p.Name, p.Curvature, p.Edge)
	}
	found, err := e.findInterval(ctx, f, told, predictions)
	if err != nil {
		return err
	}
	for _, n := range found.Tallies {
		fmt.Fprintf(out, "step size %-10.4g diverges for %d of %d orders\n", n.StepSize, n.Diverged, n.Orders)
	}
	fmt.Fprintf(out, "edge of %s from %s: up to %.4g no order diverges within %d steps, from %.4g on every one does\n", e.Entry.Name, e.From, found.Stable, e.Within, found.Unstable)
	return nil
}
