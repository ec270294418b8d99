// Package advice says which flag or command helps against an error of the libraries,
// which know neither.
package advice

import (
	"errors"
	"fmt"

	"largestep/metrics/record"
	"largestep/train/experiment"
	"largestep/train/run"
	"largestep/train/sweep"
	"largestep/train/trainer"
)

// known are the errors, and what to add to them.
var known = []struct {
	is   func(error) bool
	what string
}{
	{is(run.ErrAnotherRun, run.ErrNotEmpty, run.ErrHoldsRun, sweep.ErrAnother), ": choose another folder with --out"},
	{as[*experiment.FolderError], ": choose another folder with --out"},
	{is(trainer.ErrInitialParameters), ": give it with --init"},
	{is(run.ErrEndsOtherwise), ": begin another run with its checkpoint, by --init"},
	{is(record.ErrLost), ", by --init"},
}

func is(targets ...error) func(error) bool {
	return func(err error) bool {
		for _, target := range targets {
			if errors.Is(err, target) {
				return true
			}
		}
		return false
	}
}

func as[E error](err error) bool { return errors.As(err, new(E)) }

// Add adds to an error what helps, if that is known.
func Add(err error) error {
	for _, k := range known {
		if k.is(err) {
			return fmt.Errorf("%w%s", err, k.what)
		}
	}
	return err
}
