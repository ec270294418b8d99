package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"largestep/cmd/internal/request"
	"largestep/cmd/internal/usage"
)

func newCheckCatapult() *cobra.Command {
	var r request.Fork
	cmd := &cobra.Command{
		Use:   "catapult CHECKPOINT",
		Short: "Test whether a run stands at its edge of stability",
		Long: `Catapult forks a run at a checkpoint: it goes on with the run's step size, and with
a somewhat larger one on the same mini-batches. A run at the edge of stability
cannot bear the larger one: its loss shoots up, and comes back where the curvature
is less, or diverges. Away from the edge nothing happens. Momentum starts from rest
in both.`,
		Example: `  largestep check catapult runs/a/checkpoint.safetensors
  largestep check catapult runs/a/phase-1.safetensors --own-step-size 0.5 --times 1.5`,
		Args: usage.ExactArgs("CHECKPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := r.Prepare(cmd.Context(), cmd.Flags(), cmd.ErrOrStderr(), args[0]); err != nil {
				return err
			}
			defer r.Close()
			return printCatapults(cmd, &r, args[0])
		},
	}
	r.Add(cmd.Flags())
	return cmd
}

func printCatapults(cmd *cobra.Command, r *request.Fork, path string) error {
	out, catapults := cmd.OutOrStdout(), 0
	for k := range r.Orders {
		t, err := r.Catapult(cmd.Context(), k)
		if err != nil {
			return err
		}
		if t.Happens() {
			catapults++
		}
		fmt.Fprintf(out, "order %d: loss at most %.4g with step size %.4g, %.4g with %.4g: %s\n", k, t.Control, r.StepSize, t.Peak, r.Times*r.StepSize, t)
	}
	fmt.Fprintf(out, "%s: with %g times its step size %d of %d orders catapult\n", path, r.Times, catapults, r.Orders)
	return nil
}
