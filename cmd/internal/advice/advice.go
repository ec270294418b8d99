// Package advice says which flag or command helps against an error of the libraries,
// which know neither.
package advice

import (
	"errors"
	"fmt"

	"largestep/data"
	"largestep/metrics/figure"
	"largestep/metrics/record"
	"largestep/nets/op"
	"largestep/train/experiment"
	"largestep/train/run"
	"largestep/train/settings"
	"largestep/train/sweep"
	"largestep/train/trainer"
)

// known are kinds of errors, and what to add to them.
var known = []struct {
	kind error
	what string
}{
	{run.ErrAnotherRun, anotherFolder}, {run.ErrNotEmpty, anotherFolder}, {run.ErrHoldsRun, anotherFolder}, {sweep.ErrAnother, anotherFolder},
	{trainer.ErrInitialParameters, ": give it with --init"},
	{run.ErrEndsOtherwise, ": begin another run with its checkpoint, by --init"},
	{record.ErrLost, ", by --init"},
	{op.ErrMemory, ", or use a smaller --batch or --width"},
	{op.ErrNoDevice, "; or use --engine cpu"},
	{op.ErrNoKernel, ": use --engine cpu"},
	{op.ErrFormat, ", or choose another --precision"},
	{op.ErrLost, "; start again with --resume, which goes on from the last checkpoint"},
	{settings.ErrLists, `; "largestep sweep" takes lists`},
	{figure.ErrLogRange, ": give --linear, or another range"},
	{data.ErrByOtherMeans, " and name it with --from"},
	{data.ErrNoArchive, " with --from"},
}

const anotherFolder = ": choose another folder with --out"

// Add adds to an error what helps, if that is known.
func Add(err error) error {
	var u *data.Unusable
	switch {
	case errors.As(err, &u):
		return fmt.Errorf("%w%s", err, aboutData(u))
	case errors.As(err, new(*experiment.FolderError)):
		return fmt.Errorf("%w%s", err, anotherFolder)
	}
	for _, k := range known {
		if errors.Is(err, k.kind) {
			return fmt.Errorf("%w%s", err, k.what)
		}
	}
	return err
}

// aboutData tells how to get a data set.
func aboutData(u *data.Unusable) string {
	switch fetch := fmt.Sprintf(`"largestep fetch %s"`, u.Set); u.Is {
	case data.OtherVersion:
		return fmt.Sprintf(": run %s for the binary version", fetch)
	case data.Pictures:
		return fmt.Sprintf(`: run "largestep import %s --data FOLDER", and name that FOLDER`, u.Path)
	case data.Packed:
		return fmt.Sprintf(`: unpack it with "largestep fetch %s --from" or "largestep import", and name the folder`, u.Set)
	case data.Truncated:
		return " run " + fetch
	default:
		return fmt.Sprintf(": run %s, or name another folder", fetch)
	}
}
