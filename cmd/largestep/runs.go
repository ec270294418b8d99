package main

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"
	"largestep/cmd/internal/usage"
	"largestep/metrics/figure"
	"largestep/train/catalog"
	"largestep/train/run"
)

func newRuns() *cobra.Command {
	return &cobra.Command{
		Use: "runs [DIR]", Short: "List the runs below a folder", Args: usage.Args(0, "DIR"),
		Long: `Lists the runs below a folder, runs/ unless another is given: state, net, what
differs between those of a net, the last numbers, and the time that it took.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "runs"
			if len(args) > 0 {
				dir = args[0]
			}
			runs, bad, err := catalog.FindRuns(dir)
			if err != nil {
				return err
			}
			if err := figure.List(cmd.OutOrStdout(), runs); err != nil {
				return err
			}
			for _, err := range bad {
				fmt.Fprintf(cmd.ErrOrStderr(), "largestep: %v\n", err)
			}
			return nil
		},
	}
}

func newTable() *cobra.Command {
	var files, by, columns []string
	cmd := &cobra.Command{
		Use:   "table RUN…",
		Short: "Tabulate how runs ended, over their seeds",
		Long: `Prints a row for each setting: medians of the values with which its finished runs
ended, with the quartiles where there are several, and how many diverged. A folder of
run folders stands for all of its runs.

Settings are told apart by all in which the runs differ but for seeds; --by names
options instead, as config.json does, or step_size (the first), decay_at (where the
second phase begins) and schedule.`,
		Example: `  largestep table sweep
  largestep table sweep --by step_size,batch -o table.tex -o table.md
  largestep table runs/a runs/b --columns test_error,sparsity_4`,
		Args: usage.SomeRuns,
		RunE: func(cmd *cobra.Command, args []string) error {
			runs, err := catalog.OpenAll(args)
			if err != nil {
				return err
			}
			table, err := figure.Summarize(runs, by, columns)
			if err = cmp.Or(err, run.Spare(files...)); err != nil {
				return err
			}
			if len(files) == 0 {
				return table.Write(cmd.OutOrStdout(), ".txt")
			}
			for _, file := range files {
				if err := table.Save(file); err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), file)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringArrayVarP(&files, "output", "o", nil, "file to write: .txt, .md, .csv or .tex; may be repeated (default: the terminal)")
	f.StringSliceVar(&by, "by", nil, "options of which rows differ (default: all that differ, but for seeds)")
	f.StringSliceVar(&columns, "columns", nil, "columns of metrics.csv (default train_loss and test_error, or test_loss where there is no error)")
	return cmd
}
