package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"
	"largestep/data"
	"largestep/metrics/atomicfile"
	"largestep/train/catalog"
	"largestep/train/problem"
	"largestep/train/run"
)

// evalOptions are the flags of eval.
type evalOptions struct {
	logits  string
	size    int
	format  string // of numbers
	dataset datasetOptions
	engine  engineOptions
}

func newEval() *cobra.Command {
	var o evalOptions
	cmd := &cobra.Command{
		Use:   "eval CHECKPOINT",
		Short: "Measure test loss and error of a checkpoint",
		Long: `Eval measures a classifier of images on the test set: a checkpoint of a run, or a
file of PyTorch's, .safetensors, .pt, .pth or .ckpt, with the names and shapes of
its nets for CIFAR. It takes a state_dict alone or among what training programs
keep beside it, with the prefixes of DataParallel, torch.compile and Lightning,
and torchvision's names. Nothing in a file is executed.`,
		Example: `  largestep eval runs/a/checkpoint.safetensors
  largestep eval lightning.ckpt --dataset cifar10 --logits logits.csv`,
		Args: exactArgs("CHECKPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&o.logits, "logits", "", "CSV file to write the logits of every test image to")
	f.IntVar(&o.size, "test-size", 0, "test images, the first of the set (default: all; 2,000 of the made-up set)")
	f.StringVar(&o.format, "precision", "fp32", "number format: fp32; with cuda also tf32, or bf16 for activations")
	o.dataset.addFlags(f)
	o.engine.addFlags(f)
	return cmd
}

func (o *evalOptions) run(cmd *cobra.Command, checkpoint string) error {
	if cmd.Flags().Changed("test-size") && o.size < 1 {
		return fmt.Errorf("%d test images: want 1 or more; leave out --test-size for all", o.size)
	}
	net, err := catalog.OpenNet(checkpoint)
	if err != nil {
		return err
	}
	if sameFile(o.logits, checkpoint) {
		return fmt.Errorf("--logits %s is the checkpoint itself: name another file", o.logits)
	}
	if err := net.Problem.CheckPrecision(o.format); err != nil {
		return err
	}
	sayChanges(cmd, checkpoint, net.Changes)
	place, err := o.dataset.findFor(cmd, net, checkpoint)
	if err != nil {
		return err
	}
	if place.MadeUp() && o.size == 0 {
		o.size = 2000
	}
	set, err := place.Load(1, o.size)
	if err != nil {
		return err
	}
	engine, err := o.engine.openFor(net.Problem, o.format)
	if err != nil {
		return err
	}
	defer engine.Close()
	var result problem.Result
	evaluate := func(logits func(int, []float64) error) (err error) {
		result, err = net.Evaluate(engine, set.Test, logits)
		return err
	}
	if o.logits == "" {
		err = evaluate(nil)
	} else {
		err = atomicfile.Write(o.logits, func(w io.Writer) error { return writeLogits(w, evaluate) })
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: test loss %.6g, test error %.2f %% of %d images\n",
		set.Name, result.Loss, 100*result.Error, set.Test.Len())
	return nil
}

// sameFile reports whether two paths lead to one file.
func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// follow chooses the data that a checkpoint was trained on, as far as it and the
// config beside it say.
func (o *datasetOptions) follow(net *catalog.NetFile, checkpoint string) {
	file, err := run.ReadConfig(filepath.Dir(checkpoint))
	trainedOn := net.Dataset
	if err == nil {
		trainedOn = file.Dataset
	}
	switch {
	case trainedOn != "" && data.SetNamed(trainedOn).MadeUp():
		o.name = trainedOn
	case err == nil:
		o.dir = file.Environment.DataDir
	}
}

// findFor is find for a checkpoint: the data that it was trained on, if no flag
// says which.
func (o *datasetOptions) findFor(cmd *cobra.Command, net *catalog.NetFile, checkpoint string) (data.Place, error) {
	if o.name == "auto" && o.dir == "" {
		o.follow(net, checkpoint)
	}
	place, err := o.find(cmd.ErrOrStderr())
	if recorded := o.dir; errors.Is(err, fs.ErrNotExist) && recorded != "" && !cmd.Flags().Changed("data") {
		return place, fmt.Errorf("the run of %s was trained on images in %s, which is gone: say with --data where they are now", checkpoint, recorded)
	}
	return place, err
}

// writeLogits writes one line of comma-separated logits for each image.
func writeLogits(w io.Writer, evaluate func(logits func(int, []float64) error) error) error {
	buf := bufio.NewWriter(w)
	err := evaluate(func(_ int, z []float64) error {
		for i, v := range z {
			if i > 0 {
				buf.WriteByte(',')
			}
			buf.WriteString(strconv.FormatFloat(v, 'g', 9, 64))
		}
		return buf.WriteByte('\n')
	})
	return cmp.Or(err, buf.Flush())
}
