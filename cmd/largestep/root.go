package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"largestep/train/run"
	"largestep/train/trainer"
)

// The exit statuses.
const (
	exitError       = 1
	exitUsage       = 2
	exitInterrupted = 130 // by Ctrl-C; see statusOf
)

// usageError is a mistake in the command line, as opposed to one in what it asks
// for.
type usageError struct{ error }

// errInterrupted ends a command that Ctrl-C stopped, after it has said so.
var errInterrupted = errors.New("interrupted")

// execute runs the command line and returns the exit status.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	out := &output{Writer: stdout}
	root.SetOut(out)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = out.err
	}
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errInterrupted):
		return statusOf(ctx)
	case errors.As(err, new(signalled)):
		fmt.Fprintln(stderr, "largestep: interrupted before there was anything to save")
		return statusOf(ctx)
	case errors.Is(err, trainer.ErrInterrupted), errors.Is(err, context.Canceled):
		fmt.Fprintf(stderr, "largestep: %s\n", strings.ReplaceAll(err.Error(), context.Canceled.Error(), "interrupted"))
		return statusOf(ctx)
	case errors.As(err, &usage), strings.HasPrefix(err.Error(), "unknown command"):
		fmt.Fprintf(stderr, "largestep: %s\nSee \"%s --help\".\n", strings.Join(strings.Fields(err.Error()), " "), cmd.CommandPath())
		return exitUsage
	default:
		fmt.Fprintf(stderr, "largestep: %v\n", err)
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
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageError{explain(cmd, err)} })
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(newTrain(), newSweep(), newFigure(), newPlot(), newRuns(), newTable(), newEval(), newHessian(), newFeatures(), newEdge(), newCheck(), newFetch(), newImport(), newExport(), newBench(), newEngines())
	return root
}

// explain says what a flag of numbers wants, instead of which function could not
// parse it.
func explain(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "" {
		return unknownFlag(cmd, unknown.GetSpecifiedName())
	}
	var invalid *pflag.InvalidValueError
	var number *strconv.NumError
	if !errors.As(err, &invalid) || !errors.As(err, &number) {
		return err
	}
	want := map[string]string{
		"ParseInt": "a whole number", "ParseUint": "a whole number from 0 up", "ParseFloat": "a number", "ParseBool": "true or false",
	}[number.Func]
	reason := ""
	if errors.Is(err, strconv.ErrRange) {
		reason = ", and this is out of range"
	}
	return fmt.Errorf("--%s %s: want %s%s", invalid.GetFlag().Name, invalid.GetValue(), want, reason)
}

// exactArgs refuses other arguments than the named ones.
func exactArgs(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != len(names) {
			return usageError{fmt.Errorf("%d arguments, want %s", len(args), strings.Join(names, " "))}
		}
		return nil
	}
}

// noArgs refuses arguments.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unexpected argument %q", args[0])}
	}
	return nil
}

// subcommand wants the name of one, and says which there are; none asks.
func subcommand(question string) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usageError{errors.New(question)}
		}
		cmd.SuggestionsMinimumDistance = 2
		if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
			return usageError{fmt.Errorf("unknown %s %q: did you mean %s?", cmd.Name(), args[0], strings.Join(similar, " or "))}
		}
		var names []string
		for _, c := range cmd.Commands() {
			names = append(names, c.Name())
		}
		return usageError{fmt.Errorf("unknown %s %q: choose one of %s", cmd.Name(), args[0], strings.Join(names, ", "))}
	}
}
