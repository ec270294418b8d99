package request

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/pflag"
	"largestep/cmd/internal/flags"
	"largestep/data"
	"largestep/metrics/atomicfile"
	"largestep/nets/op"
	"largestep/train/catalog"
	"largestep/train/problem"
	"largestep/train/run"
)

// Evaluation is on which test images a checkpoint is to be measured.
type Evaluation struct {
	flags.Checkpoint
	Set    string       // the data set's name, once evaluated
	Images *data.Images // of it

	logits string
	size   int
	subset data.Choice
	format string // of numbers
	engine op.Engine
}

// Add adds its flags to a command's.
func (r *Evaluation) Add(f *pflag.FlagSet) {
	f.StringVar(&r.logits, "logits", "", "CSV file to write the logits of every test image to")
	f.IntVar(&r.size, "test-size", 0, "test images (default: all; 2,000 of the made-up set)")
	f.Var((*flags.Choice)(&r.subset), "subset", flags.AboutSubset)
	f.StringVar(&r.format, "precision", "fp32", "number format: fp32, or bf16 of activations; with cuda tf32, too")
	r.Checkpoint.Add(f)
}

// Evaluate measures the checkpoint, and writes its logits if they are asked for.
func (r *Evaluation) Evaluate(ctx context.Context, f *pflag.FlagSet, told io.Writer, path string) (problem.Result, error) {
	var net *catalog.NetFile
	err := until(ctx, func() (err error) {
		net, err = r.prepare(f, told, path)
		return err
	})
	if err != nil {
		return problem.Result{}, err
	}
	defer r.engine.Close()
	net.Until(ctx)
	if r.logits == "" {
		return net.Evaluate(r.engine, r.Images, r.Normalize, nil)
	}
	return net.SaveLogits(r.logits, r.engine, r.Images, r.Normalize)
}

// prepare reads checkpoint and images, and opens the engine.
func (r *Evaluation) prepare(f *pflag.FlagSet, told io.Writer, path string) (*catalog.NetFile, error) {
	if f.Changed("test-size") && r.size < 1 {
		return nil, fmt.Errorf("%d test images: want 1 or more; leave out --test-size for all", r.size)
	}
	net, err := r.Read(path, told)
	if err != nil {
		return nil, err
	}
	if atomicfile.Same(r.logits, path) {
		return nil, fmt.Errorf("--logits %s is the checkpoint itself: name another file", r.logits)
	}
	if err := run.Spare(r.logits); err != nil {
		return nil, err
	}
	if err := net.Problem.CheckPrecision(r.format); err != nil {
		return nil, err
	}
	place, err := r.Find(f, told, net)
	if err != nil {
		return nil, err
	}
	if place.MadeUp() && r.size == 0 {
		r.size = 2000
	}
	set, err := place.LoadPart(data.Part{Train: 1, Test: r.size, Choice: r.subset})
	if err != nil {
		return nil, err
	}
	flags.Doubts(told, ": see --subset", set.Test)
	r.Set, r.Images = set.Name, set.Test
	r.engine, err = r.Open(net, set.Test, r.format)
	return net, err
}
