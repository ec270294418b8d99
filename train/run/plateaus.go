package run

import (
	"context"
	"fmt"
	"path/filepath"

	"largestep/metrics/measure"
	"largestep/metrics/record"
)

// RecordPlateaus finds, in a run's records, where the mini-batch loss stood
// still, and what moved meanwhile, and leaves it in the run folder. It needs the
// losses of all steps. untaught bounds the loss of a net that has learnt nothing.
// It may take a second for a million steps; the context ends it.
func RecordPlateaus(ctx context.Context, dir string, end record.State, untaught float64) error {
	config, err := ReadConfig(dir)
	if err != nil {
		return err
	}
	run, err := Open(dir)
	if err != nil {
		return err
	}
	if !config.LogSteps {
		return nil
	}
	losses, err := record.OpenStepLosses(ctx, filepath.Join(dir, record.StepsFile))
	if err != nil {
		return err
	}
	defer losses.Close()
	var known measure.Series = losses
	if end == record.Diverged {
		known = beforeDivergence(losses)
	}
	schedule := config.Schedule
	var starts []int
	for i := range schedule.Phases {
		if at := schedule.Start(i, config.Steps()); at < known.Len() {
			starts = append(starts, at)
		}
	}
	if len(run.Rows) > 0 && run.Rows[0].Step == 0 && config.InitSHA256 == "" {
		untaught = min(untaught, run.Rows[0].TrainLoss)
	}
	var found []record.Plateau
	for _, p := range measure.Plateaus(known, starts) {
		if p.Level > untaught/2 { // it has yet to fall: nothing has stabilised
			continue
		}
		found = append(found, record.Plateau{
			Phase: schedule.Phases[p.Phase].Name, Index: p.Phase, Start: p.Start, End: p.End, Level: p.Level,
			Change: changes(run, p.Start, p.End),
		})
	}
	if err := losses.Err(); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, record.StepsFile), err)
	}
	if err := record.WritePlateaus(dir, found); err != nil {
		return fmt.Errorf("plateaus: %w", err)
	}
	return nil
}

// beforeDivergence cuts off the final growth: what follows the last loss that is
// not above the median.
func beforeDivergence(losses measure.Series) measure.Series {
	n := losses.Len()
	if n == 0 {
		return losses
	}
	median := measure.Select(losses, 0, n, n/2)
	end, k := 0, 0
	for l := range losses.From(0, n) {
		if k++; l <= median {
			end = k
		}
	}
	return beginning{losses, end}
}

// beginning is a series cut short.
type beginning struct {
	measure.Series
	length int
}

func (b beginning) Len() int { return b.length }

// leastRows are needed for a slope: a line through fewer is mostly noise.
const leastRows = 5

// changes are the slopes of the net's own columns, per 1,000 steps, over the
// rows from step start to end but for the one before all training; none if there
// are too few.
func changes(run *record.Run, start, end int) map[string]float64 {
	change := map[string]float64{}
	for k, column := range run.Own {
		var x, y []float64
		for _, row := range run.Rows {
			if row.Step >= max(start, 1) && row.Step <= end {
				x = append(x, float64(row.Step)/1000)
				y = append(y, row.Own[k])
			}
		}
		if len(x) >= leastRows {
			change[column] = measure.Trend(x, y)
		}
	}
	return change
}
