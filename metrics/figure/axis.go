package figure

import (
	"math"

	"largestep/metrics/record"
)

// An Axis is what curves are drawn over; the zero value is the epoch.
type Axis struct {
	Label  string  // "Epoch" if empty
	Factor float64 // of the epoch or step; 1 if 0
	Steps  bool    // by step rather than by epoch
	Time   bool    // by the seconds that the training took
}

// Steps is the axis of steps.
var Steps = Axis{Label: "Step", Steps: true}

// Seconds is the axis of the time that the training took.
var Seconds = Axis{Label: "Seconds", Time: true}

// GradientEvaluations is the axis of gradients of single examples: n for each
// pass over a training set of n examples, however large the mini-batch.
func GradientEvaluations(n int) Axis {
	return Axis{Label: "Gradient evaluations", Factor: float64(n)}
}

func (a Axis) factor() float64 {
	if a.Factor == 0 {
		return 1
	}
	return a.Factor
}

// of is a row's place.
func (a Axis) of(r *record.Row) float64 {
	switch {
	case a.Time:
		return a.factor() * r.Seconds
	case a.Steps:
		return a.factor() * float64(r.Step)
	}
	return a.factor() * r.Epoch
}

// Extent returns the place at which a training ends as it was planned, and how
// much of the axis one step takes; that is 0 before the first step is recorded.
func (a Axis) Extent(r *record.Run) (end, perStep float64) {
	epochsPerStep := 0.0
	if n := len(r.Rows); n > 0 && r.Rows[n-1].Step > 0 {
		epochsPerStep = r.Rows[n-1].Epoch / float64(r.Rows[n-1].Step)
	}
	steps, epochs := float64(r.Config.Steps), r.Config.Epochs
	switch {
	case steps > 0 && epochsPerStep > 0:
		epochs = steps * epochsPerStep
	case steps == 0 && epochsPerStep > 0:
		steps = epochs / epochsPerStep
	}
	if a.Time { // as if all steps took as long
		perStep := 0.0
		if n := len(r.Rows); n > 0 && r.Rows[n-1].Step > 0 {
			perStep = r.Rows[n-1].Seconds / float64(r.Rows[n-1].Step)
		}
		return a.factor() * steps * perStep, a.factor() * perStep
	}
	if a.Steps {
		return a.factor() * steps, a.factor()
	}
	return a.factor() * epochs, a.factor() * epochsPerStep
}

// thousands shortens the numbers of an axis that reaches to high: the axis in
// units of 10³, 10⁶ or 10⁹, so labelled.
func (a Axis) thousands(high float64) Axis {
	if a.Label == "" {
		a.Label = "Epoch"
	}
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, "billions"}, {1e6, "millions"}, {1e3, "thousands"}} {
		if high >= 10*unit.size && high <= 1e6*unit.size {
			a.Label += " (" + unit.name + ")"
			a.Factor = a.factor() / unit.size
			return a
		}
	}
	return a
}

// end is where the axis ends: where the longest of the runs does, or the
// longest planned.
func (a Axis) end(list []*record.Run) float64 {
	high := 0.0
	for _, r := range list {
		planned, _ := a.Extent(r)
		high = max(high, planned)
		if n := len(r.Rows); n > 0 {
			high = max(high, a.of(&r.Rows[n-1]))
		}
	}
	if high == 0 { // steps that nothing is known of
		return 1
	}
	return min(high, math.MaxFloat64)
}
