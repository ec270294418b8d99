package sweep

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"largestep/train/experiment"
	"largestep/train/trainer"
)

// TaskVariable is the environment variable in which Slurm tells a task of a job array
// its number.
const TaskVariable = "SLURM_ARRAY_TASK_ID"

// Nth is a run by its number, from 0.
func (s *Sweep) Nth(n int) (Run, error) {
	runs := s.Runs()
	if n < 0 || n >= len(runs) {
		return Run{}, fmt.Errorf("run %d: there are %d, from 0", n, len(runs))
	}
	return runs[n], nil
}

// TrainTask trains one run of a sweep's experiment, as a task of a job array does. The
// signal that announces the end of its time, and the end of the context, save the run;
// a task of Slurm's then queues itself again, unless it was cancelled. Where it cannot,
// warn is told.
func TrainTask(ctx context.Context, e *experiment.Experiment, r Run, warn func(error)) error {
	limited, stop := signal.NotifyContext(ctx, limitSignals...)
	defer stop()
	err := e.TrainOne(limited, r.Name)
	if errors.Is(err, trainer.ErrInterrupted) && os.Getenv("SLURM_JOB_ID") != "" {
		if rerr := Requeue(context.WithoutCancel(ctx)); rerr != nil {
			warn(rerr)
		}
	}
	return err
}
