package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"largestep/cmd/internal/request"
	"largestep/train/catalog"
	"largestep/train/progress"
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
monotone, so that a step size somewhat below the edge may diverge, too.

From a checkpoint, with --from, it is an interval: step sizes are tried with several
orders of the examples, each on the same mini-batches, and up to its lower end no
order diverges, from its upper end on every one does. Beside it stands what the
largest eigenvalue of the Hessian predicts, and the batch sharpness. A loss that
batch norm bounds grows long before it diverges: --factor 2 tells where.`,
		Example: `  largestep edge diagonal --order paper
  largestep edge teacher-2 --seed 3 --instance random
  largestep edge teacher-3 --phases "0.04@0,0.004@0.5"        of a schedule that decays half-way
  largestep edge resnet18 --dataset made-up --within 100
  largestep edge resnet18 --from runs/a/checkpoint.safetensors --within 200
  largestep train diagonal --step-size 0.985edge`,
	}
	return request.PerNet(cmd, newEdgeNet, catalog.Problems...)
}

// printInterval prints what the curvature predicts, and where the edge lies.
func printInterval(cmd *cobra.Command, e *request.Edge) error {
	ctx, f, out := cmd.Context(), cmd.Flags(), cmd.OutOrStdout()
	if err := e.CheckFrom(f); err != nil {
		return err
	}
	predictions, err := e.Predict(ctx, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	for _, p := range predictions {
		fmt.Fprintf(out, "%s %.4g predicts an edge at %.4g\n", p.Name, p.Curvature, p.Edge)
	}
	found, err := e.FindInterval(ctx, f, cmd.ErrOrStderr(), predictions)
	if err != nil {
		return err
	}
	for _, n := range found.Tallies {
		fmt.Fprintf(out, "step size %-10.4g diverges for %d of %d orders\n", n.StepSize, n.Diverged, n.Orders)
	}
	fmt.Fprintf(out, "edge of %s from %s: up to %.4g no order diverges within %d steps, from %.4g on every one does\n", e.Entry.Name, e.From, found.Stable, e.Within, found.Unstable)
	return nil
}

func newEdgeNet(p catalog.Problem) *cobra.Command {
	e := request.NewEdge(p)
	cmd := &cobra.Command{
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, f, told := cmd.Context(), cmd.Flags(), cmd.ErrOrStderr()
			if err := e.Prepare(ctx, f, told); err != nil {
				return err
			}
			defer e.Close()
			if e.From != "" {
				return printInterval(cmd, e)
			}
			edge, err := e.Find(ctx, f, told)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "edge of %s: step size %s (within %.2g %%, %d steps)\n", p.Name, progress.FormatEdge(edge, e.Tolerance), 100*e.Tolerance, e.Within)
			return nil
		},
	}
	e.Add(cmd.Flags())
	return cmd
}
