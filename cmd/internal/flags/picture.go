package flags

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
	"largestep/cmd/internal/usage"
	"largestep/metrics/figure"
	"largestep/metrics/record"
	"largestep/train/run"
)

// Picture are the flags that say what is drawn of recorded runs, and how.
type Picture struct {
	Files []string

	options         figure.Options
	median          bool
	log, linear     bool
	x, size         string
	xRange, yRange  string
	labels, heatMap []string
	scatter         []string
	value           string
}

// Add adds them to a command's.
func (p *Picture) Add(f *pflag.FlagSet) {
	f.StringArrayVarP(&p.Files, "output", "o", nil, "file to draw: .png, .svg or .pdf; may be repeated")
	f.StringSliceVar(&p.options.Columns, "columns", nil, "columns of metrics.csv, a panel each (default train_loss and test_error, or test_loss where there is no error)")
	f.StringVar(&p.options.Title, "title", "", "title (default: net and data set)")
	f.BoolVar(&p.median, "median", false, "draw medians of runs that differ in their seeds alone, with a band between the quartiles")
	f.StringVar(&p.x, "x", "epoch", "what to draw over: epoch, step or seconds")
	f.StringVar(&p.xRange, "x-range", "", "part of the horizontal axis, such as 0,50")
	f.StringVar(&p.yRange, "y-range", "", "part of the vertical axis, such as 1e-3,10; in percent where the axis is")
	f.BoolVar(&p.log, "log", false, "logarithmic vertical axes")
	f.BoolVar(&p.linear, "linear", false, "linear vertical axes")
	f.IntVar(&p.options.Smooth, "smooth", 0, "draw the mean of so many rows in the place of each")
	f.StringArrayVar(&p.labels, "label", nil, "RUN=TEXT for the legend; may be repeated")
	f.StringVar(&p.size, "size", "", "width and height in inches, such as 7x4")
	f.StringSliceVar(&p.heatMap, "heatmap", nil, "draw a cell for each pair of two options, such as step_size,batch")
	f.StringVar(&p.value, "value", "", "column of a heat map (default the last of --columns)")
	f.StringSliceVar(&p.scatter, "scatter", nil, "draw a point for each run at two columns, such as sparsity_4,test_error")
}

// Check refuses flags that make no picture; the error is of usage.
func (p *Picture) Check() error {
	if err := p.check(); err != nil {
		return usage.Wrap(err)
	}
	return nil
}

func (p *Picture) check() (err error) {
	o := &p.options
	if len(p.Files) == 0 {
		return errors.New("where to? give a file with -o, such as -o curves.png")
	}
	if o.X, err = figure.ParseAxis(p.x); err != nil {
		return fmt.Errorf("--x %s: %w", p.x, err)
	}
	switch {
	case p.log && p.linear:
		return errors.New("--log and --linear: choose one")
	case o.Smooth < 0:
		return fmt.Errorf("--smooth %d: want 0 or more", o.Smooth)
	case len(p.heatMap) > 0 && len(p.scatter) > 0:
		return errors.New("--heatmap and --scatter are two pictures: leave one out")
	case len(p.heatMap) != 0 && len(p.heatMap) != 2:
		return errors.New("--heatmap: want two options, such as step_size,batch")
	case len(p.scatter) != 0 && len(p.scatter) != 2:
		return errors.New("--scatter: want two columns, such as sparsity_4,test_error")
	case p.value != "" && len(p.heatMap) == 0:
		return errors.New("--value is of --heatmap: give that too")
	case p.log:
		o.Scale = figure.Log
	case p.linear:
		o.Scale = figure.Linear
	}
	if o.XRange, err = figure.ParseRange(p.xRange); err != nil {
		return fmt.Errorf("--x-range %s: %w", p.xRange, err)
	}
	if o.YRange, err = figure.ParseRange(p.yRange); err != nil {
		return fmt.Errorf("--y-range %s: %w", p.yRange, err)
	}
	if o.Size, err = figure.ParseSize(p.size); err != nil {
		return fmt.Errorf("--size %s: %w", p.size, err)
	}
	if o.Labels, err = figure.ParseLabels(p.labels); err != nil {
		return fmt.Errorf("--label %w", err)
	}
	return nil
}

// Draw draws the picture of runs into its files.
func (p *Picture) Draw(runs []*record.Run) error {
	o := p.options
	if err := run.Spare(p.Files...); err != nil {
		return err
	}
	if err := o.CheckLabels(runs); err != nil {
		return fmt.Errorf("--label: %w", err)
	}
	switch {
	case len(p.heatMap) > 0:
		value := p.value
		if value == "" && len(o.Columns) > 0 {
			value = o.Columns[len(o.Columns)-1]
		}
		return figure.HeatMap(runs, [2]string(p.heatMap), value, o, p.Files...)
	case len(p.scatter) > 0:
		return figure.Scatter(runs, p.scatter[0], p.scatter[1], o, p.Files...)
	case p.median:
		return figure.Medians(runs, o, p.Files...)
	}
	return figure.Curves(runs, o, p.Files...)
}
