package main

import (
	"bytes"
	"cmp"
	"fmt"

	"github.com/spf13/cobra"
	"largestep/cmd/internal/usage"
	"largestep/metrics/atomicfile"
	"largestep/metrics/page"
	"largestep/train/catalog"
	"largestep/train/experiment"
	"largestep/train/run"
)

// pages are how report and serve read runs.
var pages = page.Opener{Open: catalog.OpenFrom, Published: experiment.Compared}

// programName is what pages say that they are made by.
func programName() string { return "largestep " + run.Version() }

func newReport() *cobra.Command {
	var file, title string
	cmd := &cobra.Command{
		Use:   "report RUN… -o FILE",
		Short: "Make a page of recorded runs for a browser, in one file",
		Long: `Makes one HTML file of recorded runs that needs no network and no server: curves
of all that was recorded, with shared hover and zoom; step-size phases; plateaus of
the loss; runs switched on and off and grouped by settings; the final values beside
published ones, for runs that have the settings of a figure of the paper; settings,
and how to train each run again. A folder of run folders stands for all of its runs.`,
		Example: `  largestep report runs/a runs/b -o report.html
  largestep report figures/main-quick -o main.html --title "Main figure, quick"
  largestep report sweep -o sweep.html`,
		Args: usage.SomeRuns,
		RunE: func(cmd *cobra.Command, args []string) error {
			if file == "" {
				return usage.Errorf("where to? give a file with -o, such as -o report.html")
			}
			dirs, err := catalog.Folders(args)
			if err = cmp.Or(err, run.Spare(file)); err != nil {
				return err
			}
			snapshot, err := pages.Read(dirs)
			if err != nil {
				return err
			}
			snapshot.Program = programName()
			if title != "" {
				snapshot.Title = title
			}
			var b bytes.Buffer
			if err := snapshot.WriteReport(&b); err != nil {
				return err
			}
			if err := atomicfile.WriteFile(file, b.Bytes()); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), file)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVarP(&file, "output", "o", "", "file to write, such as report.html")
	f.StringVar(&title, "title", "", "title (default: net and data set)")
	return cmd
}
