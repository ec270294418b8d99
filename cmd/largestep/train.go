package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"largestep/cmd/internal/request"
	"largestep/train/catalog"
	"largestep/train/progress"
)

func newTrain() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "train NET",
		Short: "Train a network with a step-size schedule",
		Long: `Train trains a network and leaves its records and checkpoints in a run folder.
"largestep train NET --help" lists the flags of each NET. What no flag says comes
from this table, in which η is the step size. The scale of a classifier of images is the one that suits data
set and machine: quick for the made-up set, small for CIFAR-10 on a CPU, paper on
a GPU; its step size is decayed at 50 % of the epochs.

` + catalog.TableOfDefaults(),
		Example: `  largestep train resnet18                                       a large step size, decayed half-way
  largestep train resnet18 --step-size 0.03                      a small constant one
  largestep train resnet18 --step-size 0.5 --decay-at 0.3        a tenth from 30 %, a hundredth from 90 % on
  largestep train resnet18 --phases "1.5@0,0.15@0.5,0.015@0.9"   any piecewise schedule
  largestep train least-squares --schedule inverse-sqrt:100      C/√(1 + t/100)
  largestep train resnet18 --sampling full --batch 250 --epochs 500 --eval-every 25   gradient descent
  largestep train resnet18 --out runs/a --resume                 go on after Ctrl-C or a crash
  largestep train diagonal --phases "0.985edge@0,0.29edge@0.3"   SGD on a diagonal linear network, at the edge of divergence
  largestep train diagonal --phases "0.2@0,0.06@0.3" --label-noise 0.2                noise on the labels, until the decay
  largestep train relu --widths 20,20 --step-size 0.1edge        at a tenth of the step size that diverges
  largestep train --config runs/a/config.json --out runs/b       the same again, to the last bit
  largestep train --config runs/a/config.json --seed 1           all but the seed
  largestep train resnet18 --momentum 0.9 --print-config         what it would train with, for a --config`,
	}
	return request.OrFromFile(request.PerNet(cmd, newTrainNet, catalog.Problems...))
}

func newTrainNet(p catalog.Problem) *cobra.Command {
	t := request.NewTraining(p)
	var print bool
	cmd := &cobra.Command{
		Long: fmt.Sprintf(`Trains %s: %s.
Its defaults are below; "largestep train --help" has examples.`, p.Name, p.About),
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, out, told := cmd.Flags(), cmd.OutOrStdout(), cmd.ErrOrStderr()
			if err := t.Prepare(cmd.Context(), f, told, print); err != nil {
				return err
			}
			defer t.Close()
			if print {
				return t.Config.Print(out)
			}
			return progress.Train(cmd.Context(), out, told, t.Options(), t.Again(f))
		},
	}
	t.Add(cmd.Flags())
	cmd.Flags().BoolVar(&print, "print-config", false, "print the settings as --config reads them, and train nothing")
	return cmd
}
