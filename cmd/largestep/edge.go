package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"largestep/cmd/internal/usage"
	"largestep/train/catalog"
	"largestep/train/progress"
	"largestep/train/run"
	"largestep/train/schedule"
	"largestep/train/trainer"
)

// edgeGroups are the flags of a search that make its config.
var edgeGroups = []func(*pflag.FlagSet, *run.Config){addExamples, addDescent}

func newEdge() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "edge NET",
		Short: "Find the largest step size that does not diverge",
		Long: `Edge finds, by bisection, the largest step size at which a training does not
diverge within a number of steps. It is constant, or the first one of a schedule
that is scaled as a whole, its starts being fractions of those steps. Other
settings are those of "largestep train NET" and its flags.

A loss above 10⁶ times the first one, or 10⁶ if that is more, counts as
divergence here; "largestep train" calls a run diverged only when its loss is not
finite. What diverges later counts as stable, and so does a ReLU network whose
units have all died, as they may far below the edge; and divergence is not
monotone, so that a step size somewhat below the edge may diverge, too.`,
		Example: `  largestep edge diagonal --order paper
  largestep edge teacher-2 --seed 3 --instance random
  largestep edge teacher-3 --phases "0.04@0,0.004@0.5"        of a schedule that decays half-way
  largestep edge resnet18 --dataset made-up --within 100
  largestep train diagonal --step-size 0.985edge`,
	}
	return perNet(cmd, newEdgeNet, catalog.Problems...)
}

func newEdgeNet(p catalog.Problem) *cobra.Command {
	r := newRequest(p)
	var within int
	var tolerance float64
	cmd := &cobra.Command{
		RunE: func(cmd *cobra.Command, _ []string) error { return r.printEdge(cmd, within, tolerance) },
	}
	f := cmd.Flags()
	r.schedule.add(f)
	r.addSettings(f, edgeGroups...)
	f.StringVar(&r.init, "init", "", "file to take initial parameters and running statistics from, as eval does")
	f.IntVar(&within, "within", 0, "steps within which it must diverge (default those of a training, of a classifier of images at most 500)")
	f.Float64Var(&tolerance, "tolerance", progress.EdgeTolerance, "the edge lies within this fraction above the answer")
	return cmd
}

// printEdge searches for the edge and prints it.
func (r *request) printEdge(cmd *cobra.Command, within int, tolerance float64) error {
	if err := r.prepare(cmd, edgeGroups...); err != nil {
		return err
	}
	defer r.Close()
	f := cmd.Flags()
	if r.config.Schedule.OfEdge {
		return usage.Errorf("edge searches for the edge: give step sizes as numbers")
	}
	if !f.Changed("phases") && !f.Changed("decay-at") && !f.Changed("schedule") {
		eta := r.config.Schedule.First()
		if !f.Changed("step-size") {
			eta = edgeGuess
		}
		r.config.Schedule = schedule.Constant(eta).With(r.config.Schedule.Phases[0].Rule)
	}
	if !f.Changed("within") {
		within = r.entry.EdgeSteps(&r.config)
	}
	edge, err := r.search(cmd, r.config, within, tolerance)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "edge of %s: step size %s (within %.2g %%, %d steps)\n", r.entry.Name, progress.FormatEdge(edge, tolerance), 100*tolerance, within)
	return nil
}

// findEdge finds the edge of a constant step size, and makes multiples of it step
// sizes.
func (r *request) findEdge(cmd *cobra.Command) error {
	trial := r.config
	trial.Schedule = schedule.Constant(edgeGuess)
	steps := r.entry.EdgeSteps(&r.config)
	fmt.Fprintf(cmd.ErrOrStderr(), "searching for the edge of divergence within %d steps\n", steps)
	edge, err := r.search(cmd, trial, steps, progress.EdgeTolerance)
	if err != nil {
		return err
	}
	r.edge, r.config.Schedule = edge, r.config.Schedule.Times(edge)
	fmt.Fprintf(cmd.ErrOrStderr(), "edge of divergence: %s; step size %.5g\n", progress.FormatEdge(edge, progress.EdgeTolerance), r.config.Schedule.First())
	return nil
}

// edgeGuess is where the search for the edge begins.
const edgeGuess = 0.01

// search finds an edge; where Ctrl-C ends that, it says what was found so far.
func (r *request) search(cmd *cobra.Command, c run.Config, within int, tolerance float64) (float64, error) {
	if err := r.entry.CheckEdge(c); err != nil {
		return 0, fmt.Errorf("%w; give step sizes as numbers", err)
	}
	trials := progress.NewTrials(cmd.ErrOrStderr(), tolerance)
	search := trainer.Edge{Engine: r.open, Problem: r.problem, Config: c, Init: r.init, Steps: within, Tolerance: tolerance, Tried: trials.Tell}
	edge, err := search.Find(cmd.Context())
	if errors.Is(err, trainer.ErrInterrupted) {
		trials.Interrupted()
		return 0, errInterrupted
	}
	return edge, err
}
