package run

import (
	"testing"

	"largestep/metrics/record"
)

// Slopes are taken over the rows of a plateau, not from a few alone, nor from the
// initial parameters.
func TestChanges(t *testing.T) {
	run := &record.Run{Table: record.Table{Own: []string{"rank"}}}
	for i := range 10 {
		run.Rows = append(run.Rows, record.Row{Step: 100 * i, Own: []float64{50 - float64(i)}})
	}
	if got, ok := changes(run, 150, 650)["rank"]; !ok || got < -10.0001 || got > -9.9999 {
		t.Errorf("five rows: %g, %v, want -10", got, ok)
	}
	run.Rows[0].Own = []float64{0}
	if got := changes(run, 0, 900)["rank"]; got < -10.0001 || got > -9.9999 {
		t.Errorf("from step 0: %g, want -10", got)
	}
	if got, ok := changes(run, 150, 550)["rank"]; ok {
		t.Errorf("four rows: %g", got)
	}
}
