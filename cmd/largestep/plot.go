package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"largestep/metrics"
	"largestep/metrics/figure"
)

func newPlot() *cobra.Command {
	var files []string
	var o figure.Options
	cmd := &cobra.Command{
		Use:   "plot RUN… -o FILE",
		Short: "Draw the curves of recorded runs",
		Example: `  largestep plot runs/a runs/b -o compare.png
  largestep plot runs/* -o blocks.pdf --columns train_loss,active_4
  largestep plot runs/a -o a.png -o a.svg`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("no run folders to plot")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(files) == 0 {
				return usageError{errors.New("where to? give a file with -o, such as -o curves.png")}
			}
			var runs []*metrics.Run
			for _, dir := range args {
				run, err := metrics.OpenRun(dir)
				if err != nil {
					return err
				}
				runs = append(runs, run)
			}
			if err := figure.Curves(runs, o, files...); err != nil {
				return err
			}
			for _, f := range files {
				fmt.Fprintln(cmd.OutOrStdout(), f)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringArrayVarP(&files, "output", "o", nil, "file to draw: .png, .svg or .pdf; may be repeated")
	f.StringSliceVar(&o.Columns, "columns", nil, "columns of metrics.csv, a panel each (default train_loss and test_error, or test_loss where there is no error)")
	f.StringVar(&o.Title, "title", "", "title (default: net and data set)")
	return cmd
}
