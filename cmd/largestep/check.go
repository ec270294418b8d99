package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"largestep/train"
)

func newCheck() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check what the theory takes for granted",
		RunE:  subcommand("check what? \"largestep check unbiased NET\" checks stochastic gradients"),
	}
	cmd.AddCommand(newCheckUnbiased())
	return cmd
}

func newCheckUnbiased() *cobra.Command {
	var o trainOptions
	u := train.Unbiased{Draws: []int{10, 100, 1000, 10_000, 100_000}}
	cmd := &cobra.Command{
		Use:   "unbiased NET",
		Short: "Measure whether the stochastic gradient is right on average",
		Long: `Unbiased compares, at the first parameters of a small problem, the gradients of
single examples with the full gradient: their mean over all examples, exactly;
the mean of k random ones, whose error shrinks as 1/√k; and the last step of an
epoch, which is biased when the examples are taken without replacement.`,
		Example: `  largestep check unbiased diagonal
  largestep check unbiased logistic --repeats 200`,
		Args: exactArgs("NET"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == train.ResNet18 {
				return fmt.Errorf("resnet18: batch norm couples the examples of a mini-batch, so there is no gradient of one; choose a small problem")
			}
			if u.Repeats < 2 {
				return fmt.Errorf("%d repeats: want 2 or more", u.Repeats)
			}
			o.config.Net = args[0]
			j, err := o.prepare(cmd)
			if err != nil {
				return err
			}
			defer j.engine.Close()
			u.Engine, u.Problem, u.Seed, u.StepSize = j.engine, j.problem, j.config.Seed, j.config.StepSize
			if o.relative {
				return usageError{errors.New("the check knows no edge: give --step-size as a number")}
			}
			if !cmd.Flags().Changed("step-size") {
				u.StepSize /= 2 // no epoch of a thousand diverges
			}
			r, err := u.Run(cmd.Context())
			if err != nil {
				return err
			}
			printUnbiased(cmd, r)
			return nil
		},
	}
	f := cmd.Flags()
	f.AddFlagSet(o.flags("step-size", "seed", "train-size", "instance", "dims", "nonzeros", "noise", "c", "widths", "engine", "precision", "threads"))
	f.Lookup("step-size").Usage = "step size η of the epochs (default half of what the net is trained with)"
	f.IntVar(&u.Repeats, "repeats", 1000, "epochs over which the bias of the last step is averaged")
	return cmd
}

func printUnbiased(cmd *cobra.Command, r *train.UnbiasedReport) {
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
