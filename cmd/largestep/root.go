package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"largestep/cmd/internal/advice"
	"largestep/cmd/internal/completion"
	"largestep/cmd/internal/help"
	"largestep/cmd/internal/interrupt"
	"largestep/cmd/internal/usage"
	"largestep/train/progress"
	"largestep/train/run"
	"largestep/train/trainer"
)

// The exit statuses, but for those of signals; see interrupt.Status.
const (
	exitError = 1
	exitUsage = 2
)

// execute runs the command line and returns the exit status.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) { // a shell asks
		completion.Add(root)
	}
	root.SetArgs(args)
	out := &output{Writer: stdout}
	root.SetOut(out)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = out.err
	}
	var mistake usage.Error
	switch {
	case err == nil:
		return 0
	case errors.Is(err, progress.ErrTold):
		return interrupt.Status(ctx)
	case errors.As(err, new(interrupt.Signal)):
		fmt.Fprintln(stderr, "largestep: interrupted before there was anything to save")
		return interrupt.Status(ctx)
	case errors.Is(err, trainer.ErrInterrupted), errors.Is(err, context.Canceled):
		fmt.Fprintf(stderr, "largestep: %s\n", strings.ReplaceAll(err.Error(), context.Canceled.Error(), "interrupted"))
		return interrupt.Status(ctx)
	case errors.As(err, &mistake), strings.HasPrefix(err.Error(), "unknown command"):
		fmt.Fprintf(stderr, "largestep: %s\nSee \"%s --help\".\n", strings.Join(strings.Fields(err.Error()), " "), cmd.CommandPath())
		return exitUsage
	default:
		fmt.Fprintf(stderr, "largestep: %v\n", advice.Add(err))
		return exitError
	}
}

// output keeps the first error of writing to it: a command whose output is lost,
// on a full disk, has failed; not one to which nobody listens any more.
type output struct {
	io.Writer
	err error
}

func (o *output) Write(b []byte) (int, error) {
	n, err := o.Writer.Write(b)
	if errors.Is(err, syscall.EPIPE) {
		return len(b), nil
	}
	if o.err == nil {
		o.err = err
	}
	return n, err
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "largestep",
		Short: "Train with large step sizes, and see what they do",
		Long: `largestep reproduces and explores "SGD with Large Step Sizes Learns Sparse
Features" (Andriushchenko, Varre, Pillaud-Vivien, Flammarion, ICML 2023): with
large step sizes SGD jumps from side to side of a valley, the training loss
stabilises, and during that plateau the network drifts to sparse, simple
features that generalise better.

It trains ResNet-18 on CIFAR-10, or on a made-up data set where there is none.`,
		Example: `  largestep figure main                  the paper's main figure, at a scale that suits this machine
  largestep fetch cifar10                download CIFAR-10
  largestep train resnet18 --step-size 0.5 --decay-at 0.3
  largestep plot runs/a runs/b -o compare.png`,
		Version:       run.Version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usage.Wrap(usage.Explain(cmd, err)) })
	root.AddCommand(newTrain(), newSweep(), newFigure(), newPlot(), newRuns(), newTable(), newReport(), newServe(), newEval(), newHessian(), newFeatures(), newEdge(), newCheck(), newFetch(), newImport(), newExport(), newBench(), newEngines())
	root.AddCommand(newReference())
	root.AddCommand(help.Topics()...)
	help.Set(root)
	return root
}
