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

// evalOptions are the flags of eval.
type evalOptions struct {
	flags.Checkpoint
	logits string
	size   int
	subset data.Choice
	format string // of numbers
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
		Args: usage.ExactArgs("CHECKPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&o.logits, "logits", "", "CSV file to write the logits of every test image to")
	f.IntVar(&o.size, "test-size", 0, "test images (default: all; 2,000 of the made-up set)")
	f.Var((*flags.Choice)(&o.subset), "subset", flags.AboutSubset)
	f.StringVar(&o.format, "precision", "fp32", "number format: fp32; with cuda also tf32, or bf16 for activations")
	o.Add(f)
	return cmd
}

func (o *evalOptions) run(cmd *cobra.Command, path string) error {
	if cmd.Flags().Changed("test-size") && o.size < 1 {
		return fmt.Errorf("%d test images: want 1 or more; leave out --test-size for all", o.size)
	}
	net, err := o.Read(path, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	if atomicfile.Same(o.logits, path) {
		return fmt.Errorf("--logits %s is the checkpoint itself: name another file", o.logits)
	}
	if err := net.Problem.CheckPrecision(o.format); err != nil {
		return err
	}
	place, err := o.Find(cmd.Flags(), cmd.ErrOrStderr(), net)
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
	flags.Doubts(cmd.ErrOrStderr(), ": see --subset", set.Test)
	engine, err := o.Open(net, set.Test, o.format)
	if err != nil {
		return err
	}
	defer engine.Close()
	var result problem.Result
	if o.logits == "" {
		result, err = net.Evaluate(engine, set.Test, o.Normalize, nil)
	} else {
		result, err = net.SaveLogits(o.logits, engine, set.Test, o.Normalize)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: test loss %.6g, test error %.2f %% of %d images\n",
		set.Name, result.Loss, 100*result.Error, set.Test.Len())
	return nil
}
