package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"largestep/cmd/internal/flags"
	"largestep/cmd/internal/request"
	"largestep/cmd/internal/usage"
	"largestep/train/catalog"
	"largestep/train/trainer"
)

func newCheck() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check what the theory takes for granted",
		RunE:  usage.Subcommand("check what? \"largestep check unbiased NET\" checks stochastic gradients"),
	}
	cmd.AddCommand(newCheckUnbiased(), newCheckCatapult())
	return cmd
}

func newCheckUnbiased() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "unbiased NET",
		Short: "Measure whether the stochastic gradient is right on average",
		Long: `Unbiased compares, at the first parameters of a small problem, the gradients of
single examples with the full gradient: their mean over all examples, exactly;
the mean of k random ones, whose error shrinks as 1/√k; and the last step of an
epoch, which is biased when the examples are taken without replacement.`,
		Example: `  largestep check unbiased diagonal
  largestep check unbiased logistic --repeats 200`,
	}
	return request.PerNet(cmd, newUnbiasedNet, catalog.Problems...)
}

func newUnbiasedNet(p catalog.Problem) *cobra.Command {
	r := request.New(p, flags.Examples)
	u := trainer.Unbiased{Draws: []int{10, 100, 1000, 10_000, 100_000}}
	cmd := &cobra.Command{
		RunE: func(cmd *cobra.Command, _ []string) error {
			if p.Coupled {
				return fmt.Errorf("%s: batch norm couples the examples of a mini-batch, so there is no gradient of one; choose a small problem", p.Name)
			}
			if u.Repeats < 2 {
				return fmt.Errorf("%d repeats: want 2 or more", u.Repeats)
			}
			if err := r.Prepare(cmd.Context(), cmd.Flags(), cmd.ErrOrStderr()); err != nil {
				return err
			}
			defer r.Close()
			if r.Config.Schedule.OfEdge {
				return usage.Errorf("the check knows no edge: give --step-size as a number")
			}
			u.Engine, u.Problem, u.Seed, u.StepSize = r.Opened, r.Problem, r.Config.Seed, r.Config.Schedule.First()
			if !cmd.Flags().Changed("step-size") {
				u.StepSize /= 2 // no epoch of a thousand diverges
			}
			report, err := u.Run(cmd.Context())
			if err != nil {
				return err
			}
			printUnbiased(cmd, report)
			return nil
		},
	}
	f := cmd.Flags()
	f.Var(&r.Schedule.StepSize, "step-size", "step size η of the epochs (default half of what the net is trained with)")
	r.AddSettings(f)
	f.IntVar(&u.Repeats, "repeats", 1000, "epochs over which the bias of the last step is averaged")
	return cmd
}

func printUnbiased(cmd *cobra.Command, r *trainer.UnbiasedReport) {
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "full gradient:            ‖∇f‖ = %.6g\n", r.Gradient)
	fmt.Fprintf(out, "mean of all ∇f_i:         off by %.2g\n", r.Exact)
	fmt.Fprintf(out, "noise of one example:     √E‖∇f_i − ∇f‖² = %.6g\n", r.Deviation)
	for _, s := range r.Samples {
		fmt.Fprintf(out, "mean of %7d draws:    off by %-10.4g  expected about %.4g\n", s.K, s.Error, s.Expected)
	}
	for _, l := range r.Last {
		fmt.Fprintf(out, "last step of an epoch, %-17s bias %-10.4g  standard error %.4g\n", string(l.Sampling)+":", l.Bias, l.StandardError)
	}
}
