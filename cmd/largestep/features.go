package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"largestep/cmd/internal/flags"
	"largestep/cmd/internal/usage"
	"largestep/data"
	"largestep/metrics/atomicfile"
	"largestep/train/problem"
)

// featuresOptions are the flags of features.
type featuresOptions struct {
	flags.Checkpoint
	layer               int
	out, logits, labels string // files
	images              int
	train               bool
}

func newFeatures() *cobra.Command {
	var o featuresOptions
	cmd := &cobra.Command{
		Use:   "features CHECKPOINT",
		Short: "Write features, logits and labels of images for NumPy",
		Long: `Features writes what a checkpoint's net makes of images, in evaluation mode, to files
that numpy.load reads: the features of a layer, float32 of the shape (images,
channels, height, width), or (images, units) of an average pool, after the ReLU; the
logits, float32 (images, classes); and the labels, int32 (images). Layers are counted
as in the columns active_1, active_2, … of a run: a ResNet has its four stages and the
average pool. Images are normalised, and those of other classes refused, as by eval.`,
		Example: `  largestep features runs/a/checkpoint.safetensors --layer 4 -o f.npy --labels y.npy
  largestep features resnet18.pt --data cifar-10 --train --images 5000 --logits z.npy`,
		Args: usage.ExactArgs("CHECKPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	f := cmd.Flags()
	f.IntVar(&o.layer, "layer", 0, "whose features to write to --output")
	f.StringVarP(&o.out, "output", "o", "", ".npy file for the features of --layer")
	f.StringVar(&o.logits, "logits", "", ".npy file for the logits")
	f.StringVar(&o.labels, "labels", "", ".npy file for the labels")
	f.IntVar(&o.images, "images", 1000, "images, the first of the set, all where it has fewer")
	f.BoolVar(&o.train, "train", false, "of the training set instead of the test set")
	o.Add(f)
	return cmd
}

func (o *featuresOptions) run(cmd *cobra.Command, path string) error {
	if err := o.check(cmd, path); err != nil {
		return err
	}
	net, err := o.Read(path, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	train, test := 1, o.images
	if o.train {
		train, test = test, train
	}
	set, err := o.Images(cmd.Flags(), cmd.ErrOrStderr(), net, train, test)
	if err != nil {
		return err
	}
	images := set.Test
	if o.train {
		images = set.Train
	}
	engine, err := o.Open(net, images, "fp32")
	if err != nil {
		return err
	}
	defer engine.Close()
	features, err := net.Features(engine, images, o.Normalize)
	if err != nil {
		return err
	}
	if n := features.Count(); o.out != "" && (o.layer < 1 || o.layer > n) {
		return fmt.Errorf("layer %d: %s has 1 to %d", o.layer, net.Problem.Title, n)
	}
	return o.write(cmd, features, images)
}

func (o *featuresOptions) check(cmd *cobra.Command, checkpoint string) error {
	if o.out == "" && o.logits == "" && o.labels == "" {
		return usage.Errorf("nothing to write: say --layer and --output, --logits or --labels")
	}
	if (o.out != "") != cmd.Flags().Changed("layer") {
		return usage.Errorf("--layer and --output belong together")
	}
	if o.images < 1 {
		return fmt.Errorf("%d images: want 1 or more", o.images)
	}
	files := map[string]bool{}
	for _, path := range []string{o.out, o.logits, o.labels} {
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

func (o *featuresOptions) write(cmd *cobra.Command, features *problem.Features, images *data.Images) error {
	for _, file := range []struct {
		path string
		k    int
	}{{o.out, o.layer - 1}, {o.logits, features.Count()}} {
		if file.path == "" {
			continue
		}
		if err := features.Save(file.path, file.k); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: float32 %v\n", file.path, features.Shape(file.k))
	}
	if o.labels == "" {
		return nil
	}
	if err := problem.SaveLabels(o.labels, images); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: int32 [%d]\n", o.labels, images.Len())
	return nil
}
