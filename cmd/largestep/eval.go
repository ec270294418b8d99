package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"largestep/cmd/internal/request"
	"largestep/cmd/internal/usage"
)

func newEval() *cobra.Command {
	var r request.Evaluation
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
		RunE: func(cmd *cobra.Command, args []string) error {
			result, err := r.Evaluate(cmd.Context(), cmd.Flags(), cmd.ErrOrStderr(), args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: test loss %.6g, test error %.2f %% of %d images\n", r.Set, result.Loss, 100*result.Error, r.Images.Len())
			return nil
		},
	}
	r.Add(cmd.Flags())
	return cmd
}
