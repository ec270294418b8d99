package run

import (
	"fmt"
	"slices"

	"largestep/metrics/measure"
	"largestep/metrics/record"
)

// RecordPlateaus finds, in a run's records, where the mini-batch loss stood
// still, and what moved meanwhile, and leaves it in the run folder. It needs the
// losses of all steps. untaught bounds the loss of a net that has learnt nothing.
func RecordPlateaus(dir string, end record.State, untaught float64) error {
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
	steps, err := run.Steps()
	if err != nil {
		return err
	}
	losses := make([]float64, len(steps))
	for i, s := range steps {
		losses[i] = s.BatchLoss
	}
	if end == record.Diverged {
		losses = beforeDivergence(losses)
	}
	schedule := config.Schedule
	var starts []int
	for i := range schedule.Phases {
		if at := schedule.Start(i, config.Steps()); at < len(losses) {
			starts = append(starts, at)
		}
	}
	if len(run.Rows) > 0 && run.Rows[0].Step == 0 && config.Init == "" {
		untaught = min(untaught, run.Rows[0].TrainLoss)
	}
	var found []record.Plateau
	for _, p := range measure.Plateaus(losses, starts) {
		if p.Level > untaught/2 { // it has yet to fall: nothing has stabilised
			continue
		}
		found = append(found, record.Plateau{
			Phase: schedule.Phases[p.Phase].Name, Index: p.Phase, Start: p.Start, End: p.End, Level: p.Level,
			Change: changes(run, p.Start, p.End),
		})
	}
	if err := record.WritePlateaus(dir, found); err != nil {
		return fmt.Errorf("plateaus: %w", err)
	}
	return nil
}

// beforeDivergence cuts off the final growth: what follows the last loss that is
// not above the median.
func beforeDivergence(losses []float64) []float64 {
	if len(losses) == 0 {
		return nil
	}
	ordered := slices.Sorted(slices.Values(losses)) // NaN first
	median := ordered[len(ordered)/2]
	for len(losses) > 0 && !(losses[len(losses)-1] <= median) {
		losses = losses[:len(losses)-1]
	}
	return losses
}

// leastRows are needed for a slope: a line through fewer is mostly noise.
const leastRows = 5

// changes are the slopes of the net's own columns, per 1,000 steps, over the
// rows from step start to end but for the one before all training; none if there
// are too few.
func changes(run *record.Run, start, end int) map[string]float64 {
	change := map[string]float64{}
	for k, column := range run.Net {
		var x, y []float64
		for _, row := range run.Rows {
			if row.Step >= max(start, 1) && row.Step <= end {
				x = append(x, float64(row.Step)/1000)
				y = append(y, row.Net[k])
			}
		}
		if len(x) >= leastRows {
			change[column] = measure.Trend(x, y)
		}
	}
	return change
}
