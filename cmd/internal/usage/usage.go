// Package usage is about mistakes in a command line: what is wrong with it, and
// what would be right.
package usage

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Error is a mistake in the command line, as opposed to one in what it asks for.
type Error struct{ error }

func (e Error) Unwrap() error { return e.error }

// Wrap makes an error a mistake in the command line.
func Wrap(err error) error { return Error{err} }

// Errorf is fmt.Errorf for a mistake in the command line.
func Errorf(format string, args ...any) error { return Error{fmt.Errorf(format, args...)} }

// ExactArgs refuses other arguments than the named ones.
func ExactArgs(names ...string) cobra.PositionalArgs { return Args(len(names), names...) }

// Args wants the first of the named arguments, so many at least, and no more than all.
func Args(least int, names ...string) cobra.PositionalArgs {
	want := slices.Clone(names)
	for i := range want[least:] {
		want[least+i] = "[" + want[least+i] + "]"
	}
	return func(_ *cobra.Command, args []string) error {
		if len(args) < least || len(args) > len(names) {
			return Errorf("%d arguments, want %s", len(args), strings.Join(want, " "))
		}
		return nil
	}
}

// Refuse says why of the first of the named flags that is given where refused.
func Refuse(f *pflag.FlagSet, refused bool, why string, names ...string) error {
	for _, name := range names {
		if refused && f.Changed(name) {
			return Errorf("--%s %s", name, why)
		}
	}
	return nil
}

// NoArgs refuses arguments.
func NoArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Errorf("unexpected argument %q", args[0])
	}
	return nil
}

// SomeRuns wants arguments, which are run folders.
func SomeRuns(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return Errorf("no run folders: give some, or a folder of some")
	}
	return nil
}

// Subcommand wants the name of one, and says which there are; none asks.
func Subcommand(question string) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return Error{errors.New(question)}
		}
		cmd.SuggestionsMinimumDistance = 2
		if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
			return Errorf("unknown %s %q: did you mean %s?", cmd.Name(), args[0], strings.Join(similar, " or "))
		}
		var names []string
		for _, c := range cmd.Commands() {
			names = append(names, c.Name())
		}
		return Errorf("unknown %s %q: choose one of %s", cmd.Name(), args[0], strings.Join(names, ", "))
	}
}

// Explain says of an error of pflag's what to give instead.
func Explain(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "" {
		return UnknownFlag(cmd, unknown.GetSpecifiedName())
	}
	return ExplainValue(err)
}

// ExplainValue says what a flag of numbers wants, instead of which function could
// not parse it.
func ExplainValue(err error) error {
	var invalid *pflag.InvalidValueError
	var number *strconv.NumError
	if !errors.As(err, &invalid) || !errors.As(err, &number) {
		return err
	}
	want := map[string]string{
		"ParseInt": "a whole number", "Atoi": "a whole number", "ParseUint": "a whole number from 0 up", "ParseFloat": "a number", "ParseBool": "true or false",
	}[number.Func]
	reason := ""
	if errors.Is(err, strconv.ErrRange) {
		reason = ", and this is out of range"
	}
	return fmt.Errorf("--%s %s: want %s%s", invalid.GetFlag().Name, invalid.GetValue(), want, reason)
}

// otherwise is what the field calls a flag otherwise.
var otherwise = map[string]string{
	"lr": "step-size", "learning-rate": "step-size", "eta": "step-size", "batch-size": "batch", "bs": "batch", "wd": "weight-decay",
	"model": "NET", "net": "NET", "arch": "NET", "gpu": "engine cuda", "gpus": "engine cuda", "cuda": "engine cuda",
	"output": "out", "output-dir": "out", "num-epochs": "epochs", "max-steps": "steps", "max-epochs": "epochs", "workers": "threads",
	"num-workers": "threads", "dtype": "precision", "amp": "precision bf16", "data-dir": "data", "sparsity": "measure", "scheduler": "schedule",
	"lr-scheduler": "schedule", "warmup-steps": "warmup", "warmup-epochs": "warmup", "checkpoint": "init", "pretrained": "init",
}

// UnknownFlag says of a flag that a command does not have what to give instead. A
// command on one NET does not have those that mean something to other nets alone.
func UnknownFlag(cmd *cobra.Command, name string) error {
	instead, known := otherwise[name]
	switch {
	case cmd.HasParent() && cmd.Parent().HasParent() && cmd.Parent().Flags().Lookup(name) != nil:
		return fmt.Errorf("--%s means nothing to %s", name, cmd.Name())
	case instead == "NET":
		return fmt.Errorf("unknown flag --%s: the net is an argument, as in \"largestep train resnet18\"", name)
	case known && cmd.Flags().Lookup(strings.Fields(instead)[0]) != nil:
		return fmt.Errorf("unknown flag --%s: here it is --%s", name, instead)
	}
	return fmt.Errorf("unknown flag --%s", name)
}
