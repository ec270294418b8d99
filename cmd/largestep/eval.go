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
	logits    string
	normalize data.Normalization
	byIndex   bool
	size      int
	subset    data.Choice
	format    string // of numbers
	dataset   datasetOptions
	engine    engineOptions
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
and torchvision's names. Nothing in a file is executed.

A checkpoint of a run says how images were normalised and what the classes are
called; data of other classes are refused. For files that do not say so images
are taken as they are, from 0 to 1, unless --normalize says otherwise.`,
		Example: `  largestep eval runs/a/checkpoint.safetensors
  largestep eval lightning.ckpt --dataset cifar10 --logits logits.csv
  largestep eval resnet18.pth --dataset cifar10 --normalize 0.4914,0.4822,0.4465/0.2023,0.1994,0.2010`,
		Args: exactArgs("CHECKPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&o.logits, "logits", "", "CSV file to write the logits of every test image to")
	f.Var((*normalization)(&o.normalize), "normalize", aboutNormalize+" (default: as the file says, else none)")
	f.Lookup("normalize").DefValue = ""
	f.BoolVar(&o.byIndex, "classes-by-index", false, "take the classes of the data for those of the file in their order, whatever their names and number")
	f.IntVar(&o.size, "test-size", 0, "test images (default: all; 2,000 of the made-up set)")
	f.Var((*choice)(&o.subset), "subset", aboutSubset)
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
	beside := configBeside(checkpoint)
	place, err := o.dataset.findFor(cmd, net, beside, checkpoint)
	if err != nil {
		return err
	}
	normalize, err := o.normalization(cmd, net, beside, checkpoint)
	if err != nil {
		return err
	}
	if place.MadeUp() && o.size == 0 {
		o.size = 2000
	}
	set, err := place.LoadPart(data.Part{Train: 1, Test: o.size, Choice: o.subset})
	if err != nil {
		return err
	}
	sayDoubts(cmd.ErrOrStderr(), ": see --subset", set.Test)
	if err := net.CheckClasses(set.Test.Classes); err != nil && !o.byIndex {
		return fmt.Errorf("%w; if they mean the same in their order, give --classes-by-index", err)
	}
	engine, err := o.engine.openFor(net.Problem, o.format)
	if err != nil {
		return err
	}
	defer engine.Close()
	var result problem.Result
	evaluate := func(logits func(int, []float64) error) (err error) {
		result, err = net.Evaluate(engine, set.Test, normalize, logits)
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

// normalization is that of the images which the file was trained on; where it does
// not say so, what is assumed is said.
func (o *evalOptions) normalization(cmd *cobra.Command, net *catalog.NetFile, beside *run.File, checkpoint string) (data.Normalization, error) {
	recorded, given, out := net.About.Normalize, cmd.Flags().Changed("normalize"), cmd.ErrOrStderr()
	switch {
	case recorded != nil && given && *recorded != o.normalize:
		return *recorded, fmt.Errorf("%s was trained with --normalize %v: leave out --normalize %v", checkpoint, recorded, o.normalize)
	case recorded != nil:
		return *recorded, nil
	case given:
		return o.normalize, nil
	case beside != nil:
		fmt.Fprintf(out, "data: %s does not say how images were normalised: --normalize %v, as the config.json beside it says\n", checkpoint, beside.Normalize)
		return beside.Normalize, nil
	}
	fmt.Fprintf(out, "data: %s does not say how images were normalised: --normalize none is assumed\n", checkpoint)
	return data.Normalization{}, nil
}

// follow chooses the data that a checkpoint was trained on, as far as it and the
// config beside it, which may be nil, say.
func (o *datasetOptions) follow(net *catalog.NetFile, beside *run.File) {
	trainedOn := net.About.Dataset
	if beside != nil {
		trainedOn = beside.Dataset
	}
	switch {
	case trainedOn != "" && data.SetNamed(trainedOn).MadeUp():
		o.name = trainedOn
	case beside != nil:
		o.dir = beside.Environment.DataDir
	}
}

// configBeside is that of the run which a checkpoint lies in, nil if there is none.
func configBeside(checkpoint string) *run.File {
	file, err := run.ReadConfig(filepath.Dir(checkpoint))
	if err != nil {
		return nil
	}
	return file
}

// findFor is find for a checkpoint: the data that it was trained on, if no flag
// says which.
func (o *datasetOptions) findFor(cmd *cobra.Command, net *catalog.NetFile, beside *run.File, checkpoint string) (data.Place, error) {
	if o.name == "auto" && o.dir == "" {
		o.follow(net, beside)
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
