package request

import (
	"fmt"
	"io"

	"github.com/spf13/pflag"
	"largestep/cmd/internal/flags"
	"largestep/cmd/internal/usage"
	"largestep/data"
	"largestep/metrics/atomicfile"
	"largestep/train/problem"
)

// Features is which features, logits and labels of images are to be written.
type Features struct {
	flags.Checkpoint
	layer               int
	out, logits, labels string // files
	images              int
	train               bool
}

// Add adds its flags to a command's.
func (r *Features) Add(f *pflag.FlagSet) {
	f.IntVar(&r.layer, "layer", 0, "whose features to write to --output")
	f.StringVarP(&r.out, "output", "o", "", ".npy file for the features of --layer")
	f.StringVar(&r.logits, "logits", "", ".npy file for the logits")
	f.StringVar(&r.labels, "labels", "", ".npy file for the labels")
	f.IntVar(&r.images, "images", 1000, "images, the first of the set, all where it has fewer")
	f.BoolVar(&r.train, "train", false, "of the training set instead of the test set")
	r.Checkpoint.Add(f)
}

// Write writes the files, and says to out what they hold.
func (r *Features) Write(f *pflag.FlagSet, out, told io.Writer, path string) error {
	if err := r.check(f, path); err != nil {
		return err
	}
	net, err := r.Read(path, told)
	if err != nil {
		return err
	}
	train, test := 1, r.images
	if r.train {
		train, test = test, train
	}
	set, err := r.Images(f, told, net, train, test)
	if err != nil {
		return err
	}
	images := set.Test
	if r.train {
		images = set.Train
	}
	engine, err := r.Open(net, images, "fp32")
	if err != nil {
		return err
	}
	defer engine.Close()
	features, err := net.Features(engine, images, r.Normalize)
	if err != nil {
		return err
	}
	if n := features.Count(); r.out != "" && (r.layer < 1 || r.layer > n) {
		return fmt.Errorf("layer %d: %s has 1 to %d", r.layer, net.Problem.Title, n)
	}
	return r.save(out, features, images)
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
	return nil
}

func (r *Features) save(out io.Writer, features *problem.Features, images *data.Images) error {
	for _, file := range []struct {
		path string
		k    int
	}{{r.out, r.layer - 1}, {r.logits, features.Count()}} {
		if file.path == "" {
			continue
		}
		if err := features.Save(file.path, file.k); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: float32 %v\n", file.path, features.Shape(file.k))
	}
	if r.labels == "" {
		return nil
	}
	if err := problem.SaveLabels(r.labels, images); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: int32 [%d]\n", r.labels, images.Len())
	return nil
}
