package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"largestep/cmd/internal/flags"
	"largestep/cmd/internal/request"
	"largestep/cmd/internal/usage"
	"largestep/train/catalog"
	"largestep/train/progress"
	"largestep/train/schedule"
)

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
	return request.PerNet(cmd, newEdgeNet, catalog.Problems...)
}

func newEdgeNet(p catalog.Problem) *cobra.Command {
	r := request.New(p, flags.Examples, flags.Descent)
	var within int
	var tolerance float64
	cmd := &cobra.Command{
		RunE: func(cmd *cobra.Command, _ []string) error { return printEdge(cmd, r, within, tolerance) },
	}
	f := cmd.Flags()
	r.AddTraining(f)
	f.IntVar(&within, "within", 0, "steps within which it must diverge (default those of a training, of a classifier of images at most 500)")
	f.Float64Var(&tolerance, "tolerance", progress.EdgeTolerance, "the edge lies within this fraction above the answer")
	return cmd
}

// printEdge searches for the edge and prints it.
func printEdge(cmd *cobra.Command, r *request.Request, within int, tolerance float64) error {
	if err := r.Prepare(cmd.Context(), cmd.Flags(), cmd.ErrOrStderr()); err != nil {
		return err
	}
	defer r.Close()
	f := cmd.Flags()
	if r.Config.Schedule.OfEdge {
		return usage.Errorf("edge searches for the edge: give step sizes as numbers")
	}
	if !f.Changed("phases") && !f.Changed("decay-at") && !f.Changed("schedule") {
		eta := r.Config.Schedule.First()
		if !f.Changed("step-size") {
			eta = request.EdgeGuess
		}
		r.Config.Schedule = schedule.Constant(eta).With(r.Config.Schedule.Phases[0].Rule)
	}
	if !f.Changed("within") {
		within = r.Entry.EdgeSteps(&r.Config)
	}
	edge, err := r.Search(cmd.Context(), cmd.ErrOrStderr(), r.Config, within, tolerance)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "edge of %s: step size %s (within %.2g %%, %d steps)\n", r.Entry.Name, progress.FormatEdge(edge, tolerance), 100*tolerance, within)
	return nil
}
