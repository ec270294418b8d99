package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"largestep/cmd/internal/usage"
	"largestep/metrics/figure"
	"largestep/metrics/record"
	"largestep/train/catalog"
)

// plotOptions are the flags of plot.
type plotOptions struct {
	figure.Options
	files           []string
	median          bool
	log, linear     bool
	x, size         string
	xRange, yRange  string
	labels, heatMap []string
	scatter         []string
	value           string
}

func newPlot() *cobra.Command {
	var o plotOptions
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
		Args: someRuns,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(o.files) == 0 {
				return usage.Errorf("where to? give a file with -o, such as -o curves.png")
			}
			if err := o.parse(); err != nil {
				return usage.Wrap(err)
			}
			runs, err := catalog.OpenAll(args)
			if err != nil {
				return err
			}
			if err := o.CheckLabels(runs); err != nil {
				return fmt.Errorf("--label: %w", err)
			}
			if err := o.draw(runs); err != nil {
				return err
			}
			for _, f := range o.files {
				fmt.Fprintln(cmd.OutOrStdout(), f)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringArrayVarP(&o.files, "output", "o", nil, "file to draw: .png, .svg or .pdf; may be repeated")
	f.StringSliceVar(&o.Columns, "columns", nil, "columns of metrics.csv, a panel each (default train_loss and test_error, or test_loss where there is no error)")
	f.StringVar(&o.Title, "title", "", "title (default: net and data set)")
	f.BoolVar(&o.median, "median", false, "draw medians of runs that differ in their seeds alone, with a band between the quartiles")
	f.StringVar(&o.x, "x", "epoch", "what to draw over: epoch, step or seconds")
	f.StringVar(&o.xRange, "x-range", "", "part of the horizontal axis, such as 0,50")
	f.StringVar(&o.yRange, "y-range", "", "part of the vertical axis, such as 1e-3,10; in percent where the axis is")
	f.BoolVar(&o.log, "log", false, "logarithmic vertical axes")
	f.BoolVar(&o.linear, "linear", false, "linear vertical axes")
	f.IntVar(&o.Smooth, "smooth", 0, "draw the mean of so many rows in the place of each")
	f.StringArrayVar(&o.labels, "label", nil, "RUN=TEXT for the legend; may be repeated")
	f.StringVar(&o.size, "size", "", "width and height in inches, such as 7x4")
	f.StringSliceVar(&o.heatMap, "heatmap", nil, "draw a cell for each pair of two options, such as step_size,batch")
	f.StringVar(&o.value, "value", "", "column of a heat map (default the last of --columns)")
	f.StringSliceVar(&o.scatter, "scatter", nil, "draw a point for each run at two columns, such as sparsity_4,test_error")
	return cmd
}

// parse checks the flags.
func (o *plotOptions) parse() (err error) {
	switch {
	case o.log && o.linear:
		return errors.New("--log and --linear: choose one")
	case o.Smooth < 0:
		return fmt.Errorf("--smooth %d: want 0 or more", o.Smooth)
	case len(o.heatMap) > 0 && len(o.scatter) > 0:
		return errors.New("--heatmap and --scatter are two pictures: leave one out")
	case len(o.heatMap) != 0 && len(o.heatMap) != 2:
		return errors.New("--heatmap: want two options, such as step_size,batch")
	case len(o.scatter) != 0 && len(o.scatter) != 2:
		return errors.New("--scatter: want two columns, such as sparsity_4,test_error")
	case o.value != "" && len(o.heatMap) == 0:
		return errors.New("--value is of --heatmap: give that too")
	case o.log:
		o.Scale = figure.Log
	case o.linear:
		o.Scale = figure.Linear
	}
	if o.X, err = figure.ParseAxis(o.x); err != nil {
		return fmt.Errorf("--x %s: %w", o.x, err)
	}
	if o.XRange, err = figure.ParseRange(o.xRange); err != nil {
		return fmt.Errorf("--x-range %s: %w", o.xRange, err)
	}
	if o.YRange, err = figure.ParseRange(o.yRange); err != nil {
		return fmt.Errorf("--y-range %s: %w", o.yRange, err)
	}
	if o.log && o.yRange != "" && o.YRange.Low <= 0 {
		return fmt.Errorf("--y-range %s: a log axis begins above 0", o.yRange)
	}
	if o.Size, err = figure.ParseSize(o.size); err != nil {
		return fmt.Errorf("--size %s: %w", o.size, err)
	}
	if o.Labels, err = figure.ParseLabels(o.labels); err != nil {
		return fmt.Errorf("--label %w", err)
	}
	return nil
}

func (o *plotOptions) draw(runs []*record.Run) error {
	switch {
	case len(o.heatMap) > 0:
		value := o.value
		if value == "" && len(o.Columns) > 0 {
			value = o.Columns[len(o.Columns)-1]
		}
		return figure.HeatMap(runs, [2]string(o.heatMap), value, o.Options, o.files...)
	case len(o.scatter) > 0:
		return figure.Scatter(runs, o.scatter[0], o.scatter[1], o.Options, o.files...)
	case o.median:
		return figure.Medians(runs, o.Options, o.files...)
	}
	return figure.Curves(runs, o.Options, o.files...)
}
