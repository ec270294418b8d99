package main

import (
	"errors"
	"fmt"
	"math"

	"github.com/spf13/cobra"
	"largestep/train"
)

func newEdge() *cobra.Command {
	var o trainOptions
	var within int
	var tolerance float64
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
		Args: exactArgs("NET"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.config.Net = args[0]
			return o.findEdge(cmd, within, tolerance)
		},
	}
	f := cmd.Flags()
	f.AddFlagSet(o.flags("step-size", "decay-at", "phases", "warmup-exp", "warmup-gain", "warmup-power", "momentum", "weight-decay", "augment", "batch", "width", "seed", "sampling",
		"train-size", "init", "dataset", "data", "instance", "order", "dims", "nonzeros", "noise", "label-noise", "c", "widths", "engine", "precision", "threads"))
	f.IntVar(&within, "within", 0, fmt.Sprintf("steps within which it must diverge (default those of a training, of resnet18 at most %d)", shortRun))
	f.Float64Var(&tolerance, "tolerance", edgeTolerance, "the edge lies within this fraction above the answer")
	return cmd
}

// findEdge searches for the edge and prints it.
func (o *trainOptions) findEdge(cmd *cobra.Command, within int, tolerance float64) error {
	j, err := o.prepare(cmd)
	if err != nil {
		return err
	}
	defer j.engine.Close()
	f := cmd.Flags()
	if o.relative {
		return usageError{errors.New("edge searches for the edge: give step sizes as numbers")}
	}
	if !f.Changed("phases") && !f.Changed("decay-at") {
		if !f.Changed("step-size") {
			j.config.StepSize = edgeGuess
		}
		j.config.Phases = train.Constant(j.config.StepSize)
	}
	if !f.Changed("within") {
		within = edgeSteps(&j.config)
	}
	edge, err := findEdge(cmd, train.Edge{
		Engine: j.engine, Problem: j.problem, Config: j.config, Init: o.init, Steps: within, Tolerance: tolerance, Tried: printTrial(cmd, tolerance),
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "edge of %s: step size %s (within %.2g %%, %d steps)\n", j.config.Net, formatEdge(edge, tolerance), 100*tolerance, within)
	return nil
}

// edgeGuess is where the search for the edge begins.
const edgeGuess = 0.01

// printTrial tells whoever waits for the edge what was found so far.
func printTrial(cmd *cobra.Command, tolerance float64) func(stepSize float64, diverged bool) {
	digits := edgeDigits(tolerance)
	return func(stepSize float64, diverged bool) {
		verdict := "stable"
		if diverged {
			verdict = "diverges"
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "step size %-*.*g %s\n", digits+7, digits, stepSize, verdict)
	}
}

// edgeDigits is how many significant digits tell step sizes apart that differ by
// the tolerance, a fraction.
func edgeDigits(tolerance float64) int { return 2 + int(math.Ceil(-math.Log10(tolerance))) }

// formatEdge rounds down, since the step size that is printed must not diverge.
func formatEdge(edge, tolerance float64) string {
	digits := edgeDigits(tolerance)
	unit := math.Pow10(int(math.Floor(math.Log10(edge))) + 1 - digits)
	return fmt.Sprintf("%.*g", digits, math.Floor(edge/unit)*unit)
}

// findEdge searches; where Ctrl-C ends it, it says what was found so far.
func findEdge(cmd *cobra.Command, search train.Edge) (float64, error) {
	stable, unstable := 0.0, math.Inf(1)
	tried := search.Tried
	search.Tried = func(stepSize float64, diverged bool) {
		if diverged {
			unstable = min(unstable, stepSize)
		} else {
			stable = max(stable, stepSize)
		}
		if tried != nil {
			tried(stepSize, diverged)
		}
	}
	edge, err := search.Find(cmd.Context())
	if errors.Is(err, train.ErrInterrupted) {
		fmt.Fprintf(cmd.ErrOrStderr(), "interrupted in the search for the edge of divergence, which lies between %.6g and %.6g: nothing to save; run the same command again\n", stable, unstable)
		return 0, errInterrupted
	}
	return edge, err
}
