package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"largestep/cmd/internal/flags"
	"largestep/cmd/internal/usage"
	"largestep/train/catalog"
)

func newPlot() *cobra.Command {
	var p flags.Picture
	cmd := &cobra.Command{
		Use:   "plot RUN… -o FILE",
		Short: "Draw the curves of recorded runs",
		Long: `Draws the curves of recorded runs of one net. A folder of run folders stands for
all of its runs. Colours tell apart what varies; runs that differ in their seeds
alone are thin lines of one colour, with their median or, with --median, a median
with a band between the quartiles. --heatmap and --scatter draw how runs ended
instead.`,
		Example: `  largestep plot runs/a runs/b -o compare.png
  largestep plot runs/resnet18* -o blocks.pdf --columns train_loss,active_4
  largestep plot figures/diagonal -o diagonal.png --median
  largestep plot runs/a runs/b -o ab.svg --label runs/a=small --label runs/b=large --x step --x-range 0,5000 --log --smooth 5
  largestep plot sweep -o heat.png --heatmap step_size,batch --value test_error
  largestep plot sweep -o scatter.png --scatter sparsity_4,test_error`,
		Args: usage.SomeRuns,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.Check(); err != nil {
				return err
			}
			runs, err := catalog.OpenAll(args)
			if err != nil {
				return err
			}
			if err := p.Draw(runs); err != nil {
				return err
			}
			for _, f := range p.Files {
				fmt.Fprintln(cmd.OutOrStdout(), f)
			}
			return nil
		},
	}
	p.Add(cmd.Flags())
	return cmd
}
