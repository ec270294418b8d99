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
				return e.WriteInterval(ctx, f, cmd.OutOrStdout(), told)
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
