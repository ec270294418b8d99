package request

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/pflag"
	"largestep/cmd/internal/flags"
	"largestep/cmd/internal/usage"
	"largestep/metrics/atomicfile"
	"largestep/nets/op"
	"largestep/train/problem"
	"largestep/train/run"
)

// Features is which features, logits and labels of images are to be written.
type Features struct {
	flags.Checkpoint
	layer               int
	out, logits, labels string // files
	images              int
	train               bool

	of       *flags.Images // once prepared
	features *problem.Features
	engine   op.Engine
}

// Add adds its flags to a command's.
func (r *Features) Add(f *pflag.FlagSet) {
	f.IntVar(&r.layer, "layer", 0, "whose features to write to --output")
	f.StringVarP(&r.out, "output", "o", "", ".npy file for the features of --layer")
	f.StringVar(&r.logits, "logits", "", ".npy file for the logits")
	f.StringVar(&r.labels, "labels", "", ".npy file for the labels")
	f.IntVar(&r.images, "images", 1000, "images, the first of the set, or with --train of those that the run trained on, all where there are fewer")
	f.BoolVar(&r.train, "train", false, "of the training set instead of the test set")
	r.Checkpoint.Add(f)
}

// Write writes the files, and says to out what they hold.
func (r *Features) Write(ctx context.Context, f *pflag.FlagSet, out, told io.Writer, path string) error {
	if err := r.check(f, path); err != nil {
		return err
	}
	if err := until(ctx, func() error { return r.prepare(ctx, f, told, path) }); err != nil {
		return err
	}
	defer r.engine.Close()
	fmt.Fprintf(out, "images: %s\n", r.of.About(r.of.Len()))
	return r.save(out)
}

// prepare reads checkpoint and images, and opens the engine.
func (r *Features) prepare(ctx context.Context, f *pflag.FlagSet, told io.Writer, path string) error {
	net, err := r.Read(path, told)
	if err != nil {
		return err
	}
	net.Until(ctx)
	if r.of, err = r.Images(f, told, net, r.images, r.train); err != nil {
		return err
	}
	if r.engine, err = r.Open(net, r.of.Images, "fp32"); err != nil {
		return err
	}
	r.features, err = net.Features(r.engine, r.of.Images, r.Normalize)
	if err == nil && r.out != "" && (r.layer < 1 || r.layer > r.features.Count()) {
		err = fmt.Errorf("layer %d: %s has 1 to %d", r.layer, net.Problem.Title, r.features.Count())
	}
	if err != nil {
		r.engine.Close()
	}
	return err
}

func (r *Features) check(f *pflag.FlagSet, checkpoint string) error {
	if r.out == "" && r.logits == "" && r.labels == "" {
		return usage.Errorf("nothing to write: say --layer and --output, --logits or --labels")
	}
	if (r.out != "") != f.Changed("layer") {
		return usage.Errorf("--layer and --output belong together")
	}
	if r.images < 1 {
		return fmt.Errorf("%d images: want 1 or more", r.images)
	}
	files := map[string]bool{}
	for _, path := range []string{r.out, r.logits, r.labels} {
		if path != "" && atomicfile.Same(path, checkpoint) {
			return fmt.Errorf("%s is the checkpoint itself: name another file", path)
		}
		if path != "" && files[path] {
			return fmt.Errorf("%s is to be written twice: name another file", path)
		}
		files[path] = true
	}
	return run.Spare(r.out, r.logits, r.labels)
}

func (r *Features) save(out io.Writer) error {
	for _, file := range []struct {
		path string
		k    int
	}{{r.out, r.layer - 1}, {r.logits, r.features.Count()}} {
		if file.path == "" {
			continue
		}
		if err := r.features.Save(file.path, file.k); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: float32 %v\n", file.path, r.features.Shape(file.k))
	}
	if r.labels == "" {
		return nil
	}
	if err := problem.SaveLabels(r.labels, r.of.Images); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: int32 [%d]\n", r.labels, r.of.Len())
	return nil
}
