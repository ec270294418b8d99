package main

import (
	"github.com/spf13/cobra"
	"largestep/cmd/internal/request"
	"largestep/cmd/internal/usage"
)

func newFeatures() *cobra.Command {
	var r request.Features
	cmd := &cobra.Command{
		Use:   "features CHECKPOINT",
		Short: "Write features, logits and labels of images for NumPy",
		Long: `Features writes what a checkpoint's net makes of images, in evaluation mode, to files
that numpy.load reads: the features of a layer, float32 of the shape (images,
channels, height, width), or (images, units) of an average pool, after the ReLU; the
logits, float32 (images, classes); and the labels, int32 (images). Layers are counted
as in the columns active_1, active_2, … of a run: a ResNet has its four stages and the
average pool. Images are normalised, and those of other classes refused, as by eval.
Those of --train are chosen as by hessian; the output says which they are.`,
		Example: `  largestep features runs/a/checkpoint.safetensors --layer 4 -o f.npy --labels y.npy
  largestep features resnet18.pt --data cifar-10 --train --images 5000 --logits z.npy`,
		Args: usage.ExactArgs("CHECKPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.Write(cmd.Context(), cmd.Flags(), cmd.OutOrStdout(), cmd.ErrOrStderr(), args[0])
		},
	}
	r.Add(cmd.Flags())
	return cmd
}
