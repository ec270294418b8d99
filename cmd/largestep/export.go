package main

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"
	"largestep/cmd/internal/flags"
	"largestep/cmd/internal/usage"
	"largestep/train/problem"
	"largestep/train/run"
	"largestep/train/weights"
)

func newExport() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "export CHECKPOINT -o FILE",
		Short: "Write the parameters of a checkpoint for PyTorch",
		Long: `Export writes the parameters and running statistics of a checkpoint, ours or
PyTorch's, as a state_dict with the names of PyTorch's ResNets for CIFAR. What is
named .pth or .pt loads with torch.load(FILE, weights_only=True), what is named
.safetensors with safetensors.torch.load_file.`,
		Example: `  largestep export runs/a/checkpoint.safetensors -o a.pth
  largestep export lightning.ckpt -o plain.safetensors`,
		Args: usage.ExactArgs("CHECKPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if output == "" {
				return usage.Errorf("where to? give a file with -o, such as -o weights.pth")
			}
			file, err := weights.ReadFile(args[0])
			if err = cmp.Or(err, run.Spare(output)); err != nil {
				return err
			}
			flags.Changes(cmd.ErrOrStderr(), args[0], file.Changes)
			about, err := problem.ReadAbout(file.Metadata)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if err := weights.WriteFile(output, file.Tensors, about.Metadata()); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %d tensors\n", output, len(file.Tensors))
			return nil
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "file to write: .pth, .pt or .safetensors")
	return cmd
}
