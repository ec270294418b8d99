package train

import (
	"math"
	"testing"

	"largestep/metrics"
)

// A net that has yet to learn stands still, but nothing has stabilised, however
// large its loss was before the first step.
func TestNoPlateauAtChance(t *testing.T) {
	c := small()
	c.Epochs, c.StepSize, c.Phases, c.Seed = 25, 4, Constant(4), 4
	o := options(t, c)
	p, err := c.Images(o.Data)
	check(t, err)
	o.Problem = p
	runAll(t, o)
	run, err := metrics.OpenRun(o.Dir)
	check(t, err)
	if first := run.Rows[0].TrainLoss; first < 2*math.Log(10) {
		t.Fatalf("an initial loss of %g tests nothing: take another seed", first)
	}
	if len(run.Plateaus) > 0 {
		t.Errorf("plateaus at chance level: %+v", run.Plateaus)
	}
}

// Slopes are taken over the rows of a plateau, not from a few alone, nor from the
// initial parameters.
func TestChanges(t *testing.T) {
	run := &metrics.Run{Table: metrics.Table{Net: []string{"rank"}}}
	for i := range 10 {
		run.Rows = append(run.Rows, metrics.Row{Step: 100 * i, Net: []float64{50 - float64(i)}})
	}
	if got, ok := changes(run, 150, 650)["rank"]; !ok || got < -10.0001 || got > -9.9999 {
		t.Errorf("five rows: %g, %v, want -10", got, ok)
	}
	run.Rows[0].Net = []float64{0}
	if got := changes(run, 0, 900)["rank"]; got < -10.0001 || got > -9.9999 {
		t.Errorf("from step 0: %g, want -10", got)
	}
	if got, ok := changes(run, 150, 550)["rank"]; ok {
		t.Errorf("four rows: %g", got)
	}
}
