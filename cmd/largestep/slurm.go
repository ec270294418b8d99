package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"largestep/cmd/internal/flags"
	"largestep/cmd/internal/request"
	"largestep/cmd/internal/usage"
	"largestep/train/progress"
	"largestep/train/sweep"
)

// slurmOptions say where a sweep is trained, if not here.
type slurmOptions struct {
	on string
	sweep.Slurm
}

func (o *slurmOptions) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.on, "on", "", "slurm: submit an array job of which each task trains a run, instead of training here")
	f.StringVar(&o.Partition, "partition", "", "sbatch's, with --on slurm")
	f.StringVar(&o.Time, "time", "", "sbatch's time limit of a task, with --on slurm: before it, a run is saved and its task queued again")
	f.StringVar(&o.Gres, "gres", "", "sbatch's, with --on slurm, such as gpu:1")
	f.StringArrayVar(&o.More, "sbatch", nil, "any other option of sbatch, with --on slurm, such as --sbatch \"--mem=8G\"; may be repeated")
}

// submit submits a sweep to Slurm.
func (o *sweepOptions) submit(cmd *cobra.Command, s *sweep.Sweep) error {
	if err := s.Claim(o.out); err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(o.out)
	if err != nil {
		return err
	}
	o.slurm.Command = append([]string{program, "sweep", "task", dir}, request.Elsewhere(cmd.Flags())...)
	id, err := o.slurm.Submit(cmd.Context(), dir, len(s.Runs()))
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "job %s: %d runs in %s; see \"largestep sweep status %[3]s\", and then \"sweep collect\"\n", id, len(s.Runs()), o.out)
	return nil
}

// newSweepTask trains one run of a sweep, as a task of a job array does.
func newSweepTask() *cobra.Command {
	var o request.Sweeping
	cmd := &cobra.Command{
		Use:   "task DIR [N]",
		Short: "Train one run of a sweep, by its number: what a job array's tasks do",
		Long: `Trains one run of a sweep, by its number from 0, SLURM_ARRAY_TASK_ID unless it is
given, in the order of "sweep status". On SIGUSR1 or SIGTERM it saves the run; a task of Slurm then queues itself
again, unless it was cancelled.`,
		Args: usage.Args(1, "DIR", "N"),
		RunE: func(cmd *cobra.Command, args []string) error {
			number := os.Getenv(sweep.TaskVariable)
			if len(args) > 1 {
				number = args[1]
			}
			n, err := strconv.Atoi(number)
			if err != nil {
				return usage.Errorf("run %q: want its number, or %s to be set", number, sweep.TaskVariable)
			}
			return trainTask(cmd, &o, args[0], n)
		},
	}
	f := cmd.Flags()
	o.Engine.Add(f)
	f.DurationVar(&o.Save, "checkpoint-every", 30*time.Second, "least time between checkpoints")
	return cmd
}

func trainTask(cmd *cobra.Command, o *request.Sweeping, dir string, number int) error {
	s, err := sweep.Open(dir)
	if err != nil {
		return err
	}
	run, err := s.Nth(number)
	if err != nil {
		return err
	}
	out, told := cmd.OutOrStdout(), cmd.ErrOrStderr()
	e, err := o.Open(s, dir, told)
	if err != nil {
		return err
	}
	defer flags.CloseAll(e.Engines)
	w := &progress.Watcher{Out: out, Progress: told, Jobs: 1}
	e.Watcher = w
	return w.Told(sweep.TrainTask(cmd.Context(), e, run, func(err error) { fmt.Fprintf(told, "largestep: %v\n", err) }))
}
