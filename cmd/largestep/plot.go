package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"largestep/metrics/figure"
	"largestep/metrics/record"
	"largestep/train/catalog"
)

func newPlot() *cobra.Command {
	var files []string
	var o figure.Options
	var median bool
	cmd := &cobra.Command{
		Use:   "plot RUN… -o FILE",
		Short: "Draw the curves of recorded runs",
		Long: `Draws the curves of recorded runs of one net. A folder of run folders stands for
all of its runs; with --median, runs that differ in their seeds alone become
a median with a band between the quartiles.`,
		Example: `  largestep plot runs/a runs/b -o compare.png
  largestep plot runs/resnet18* -o blocks.pdf --columns train_loss,active_4
  largestep plot figures/diagonal -o diagonal.png --median
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
			runs, err := openRuns(args)
			if err != nil {
				return err
			}
			draw := figure.Curves
			if median {
				draw = figure.Medians
			}
			if err := draw(runs, o, files...); err != nil {
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
	f.BoolVar(&median, "median", false, "draw medians of runs that differ in their seeds alone")
	return cmd
}

// openRuns reads the runs that the arguments name, which must be of one net.
func openRuns(args []string) ([]*record.Run, error) {
	dirs, err := runFolders(args)
	if err != nil {
		return nil, err
	}
	var runs []*record.Run
	for _, dir := range dirs {
		run, err := catalog.Open(dir)
		if err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	return runs, checkOneNet(runs)
}

// runFolders expands folders of run folders, and leaves out files, which a
// pattern such as figures/main-quick/* names as well.
func runFolders(args []string) (dirs []string, err error) {
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			continue
		}
		entries, err := os.ReadDir(arg)
		if err != nil {
			return nil, err
		}
		var inside []string
		for _, e := range entries {
			if dir := filepath.Join(arg, e.Name()); holdsRun(dir) {
				inside = append(inside, dir)
			}
		}
		if holdsRun(arg) || len(inside) == 0 { // OpenRun says what it lacks
			inside = []string{arg}
		}
		dirs = append(dirs, inside...)
	}
	if len(dirs) == 0 {
		return nil, fmt.Errorf("no run folders, only files: %s", strings.Join(args, ", "))
	}
	return dirs, nil
}

func holdsRun(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, record.ConfigFile))
	return err == nil
}

// checkOneNet refuses runs of different nets: neither their epochs nor their
// losses compare.
func checkOneNet(runs []*record.Run) error {
	var nets []string
	of := map[string][]string{}
	for _, r := range runs {
		net := r.Config.Net
		if !slices.Contains(nets, net) {
			nets = append(nets, net)
		}
		of[net] = append(of[net], r.Dir)
	}
	if len(nets) < 2 {
		return nil
	}
	var which []string
	for _, net := range nets {
		list := of[net]
		if n := len(list); n > 4 {
			list = append(list[:3], fmt.Sprintf("and %d more", n-3))
		}
		which = append(which, fmt.Sprintf("%s (%s)", net, strings.Join(list, ", ")))
	}
	return fmt.Errorf("runs of different nets do not compare: %s: plot those of one net", strings.Join(which, ", "))
}
