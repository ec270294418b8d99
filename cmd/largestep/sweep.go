package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"largestep/cmd/internal/flags"
	"largestep/cmd/internal/request"
	"largestep/cmd/internal/usage"
	"largestep/train/catalog"
	"largestep/train/progress"
	"largestep/train/sweep"
)

func newSweep() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sweep",
		Short: "Train the product of lists of settings, here or on a cluster",
		RunE:  usage.Subcommand("what of a sweep? \"largestep sweep train NET\" trains one"),
	}
	cmd.AddCommand(newSweepTrain(), newSweepTask(), newSweepStatus(), newSweepCollect())
	return cmd
}

func newSweepTrain() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "train NET",
		Short: "Train the product of all lists",
		Long: `Trains a run for each element of the product of all lists: flags that take lists
are those of "largestep train NET". Values that have commas themselves (--phases,
--widths, --measure) are given by repeating the flag.

With --config, a YAML file says the same: lists are axes; under zip are lists that
go together, the first values, the second ones, and so on; the schedule may be a
list of several, each a rule, or settings that make one:

  net: resnet18
  step_size: [0.05, 0.2, 0.5]
  seeds: 3
  zip: {width: [8, 16], batch: [32, 64]}
  schedule: [cosine, {step_size: 1, decay_at: 0.3}]

Finished runs are kept, cut ones go on; the same command goes on with a sweep.
Another sweep may not use the folder, unless it has all of its runs: a sweep may
grow. Two sweeps at once on one folder share the work. What runs of equal
settings and schedules have in common at their beginning is trained once.`,
		Example: `  largestep sweep train resnet18 --step-size 0.05,0.2,0.5,1 --batch 32,64 --seeds 3 --jobs 2 --out sweep
  largestep sweep train resnet18 --step-size 0.5 --decay-at 0.1,0.3,0.5 --out decays      one beginning, three ends
  largestep sweep train --config sweep.yaml --gpus 0,1,2,3 --out sweep
  largestep sweep train diagonal --step-size 0.5edge,0.9edge --seeds 8 --out s --on slurm --partition long --time 1:00:00
  largestep sweep train svm --batch 1,4 --out s --print | parallel`,
	}
	return request.OrFromFile(request.PerNet(cmd, newSweepNet, catalog.Problems...))
}

// sweepOptions are the flags of sweep train NET.
type sweepOptions struct {
	request.Sweeping
	lists *request.Lists
	print bool
	out   string
	slurm slurmOptions
}

func newSweepNet(p catalog.Problem) *cobra.Command {
	o := &sweepOptions{lists: request.NewLists(p)}
	cmd := &cobra.Command{
		Long: fmt.Sprintf("Trains the product of lists of settings of %s (%s).", p.Title, p.About),
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	f := cmd.Flags()
	o.Engine.Add(f)
	o.lists.Add(f)
	f.BoolVar(&o.print, "print", false, "print a command for each run, a line each, and train nothing")
	f.StringVar(&o.out, "out", "", "folder of the sweep (required)")
	f.DurationVar(&o.Save, "checkpoint-every", 30*time.Second, "least time between checkpoints, which are taken after evaluations")
	o.Jobs.Add(f)
	o.slurm.addFlags(f)
	return cmd
}

func (o *sweepOptions) run(cmd *cobra.Command) error {
	if o.out == "" {
		return usage.Errorf("where to? give a folder with --out, such as --out sweep")
	}
	if o.Save < 0 {
		return fmt.Errorf("a checkpoint every %v: want 0 or more", o.Save)
	}
	s, err := o.lists.Sweep(cmd.Flags())
	if err = cmp.Or(err, o.check(cmd.Flags())); err != nil {
		return err
	}
	if !o.print && o.slurm.on == "" {
		return o.train(cmd, s)
	}
	if _, err := o.Resolve(s, o.out, cmd.ErrOrStderr()); err != nil { // says what is wrong
		return err
	}
	if !o.print {
		return o.submit(cmd, s)
	}
	for _, r := range s.Runs() {
		fmt.Fprintln(cmd.OutOrStdout(), request.Command(s, r, o.out, request.Elsewhere(cmd.Flags())))
	}
	return nil
}

// check refuses flags that would do nothing.
func (o *sweepOptions) check(f *pflag.FlagSet) error {
	if on := o.slurm.on; on != "" && on != "slurm" {
		return usage.Errorf("--on %s: only slurm is known; --print gives commands for others", on)
	}
	return cmp.Or(
		usage.Refuse(f, o.print, "trains, and --print does not: give one of them", "on"),
		usage.Refuse(f, o.print || o.slurm.on != "", "is of a sweep that is trained here, without --print and --on", "jobs", "gpus"),
		usage.Refuse(f, o.slurm.on == "", "goes with --on slurm", "partition", "time", "gres", "sbatch"),
	)
}

// train trains the sweep here.
func (o *sweepOptions) train(cmd *cobra.Command, s *sweep.Sweep) error {
	e, err := o.Open(s, o.out, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	defer flags.CloseAll(e.Engines)
	if err := s.Claim(o.out); err != nil {
		return err
	}
	w := &progress.Watcher{Out: cmd.OutOrStdout(), Progress: cmd.ErrOrStderr(), Brief: !e.Problem.Reads(), Jobs: len(e.Engines), Failures: true}
	e.Watcher = w
	failed := w.Told(e.Train(cmd.Context()))
	if errors.Is(failed, progress.ErrTold) {
		return failed
	}
	if err := collect(cmd.OutOrStdout(), s, o.out, nil); err != nil && failed == nil {
		return err
	}
	return failed
}

// collect tabulates a sweep.
func collect(w io.Writer, s *sweep.Sweep, dir string, columns []string) error {
	text, picture, err := s.Collect(dir, columns)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s\ntable: %s (.csv)\n", text, filepath.Join(dir, "sweep.txt"))
	if picture != "" {
		fmt.Fprintf(w, "heat map: %s\n", picture)
	}
	return nil
}

func newSweepCollect() *cobra.Command {
	var columns []string
	cmd := &cobra.Command{
		Use: "collect DIR", Short: "Tabulate the runs of a sweep, as far as they are", Args: usage.ExactArgs("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := sweep.Open(args[0])
			if err != nil {
				return err
			}
			return collect(cmd.OutOrStdout(), s, args[0], columns)
		},
	}
	cmd.Flags().StringSliceVar(&columns, "columns", nil, "columns of metrics.csv (default train_loss and test_error, or test_loss where there is no error)")
	return cmd
}

func newSweepStatus() *cobra.Command {
	return &cobra.Command{
		Use: "status DIR", Short: "Tell how the runs of a sweep stand", Args: usage.ExactArgs("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := sweep.Open(args[0])
			if err != nil {
				return err
			}
			return s.Status(cmd.OutOrStdout(), args[0])
		},
	}
}
