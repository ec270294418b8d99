package experiment

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"largestep/metrics/record"
	"largestep/train/catalog"
	"largestep/train/machine/cpu"
	"largestep/train/trainer"
)

// The four runs of figure diagonal, 100,001 steps each, on one core: what is
// reported is the time of their training, without evaluation.
func BenchmarkDiagonal(b *testing.B) {
	list := settings(b, "diagonal", 3)
	seconds := 0.0
	for n := range b.N {
		for i, s := range list {
			c := s.Runs[2].Config // an order that does not diverge
			c.LogSteps, c.EvalSteps = false, c.Steps()
			p, c, err := must(catalog.Find(c.Net)).Make(c, nil)
			if err != nil {
				b.Fatal(err)
			}
			e := cpu.New(1)
			var begun time.Time
			hooks := trainer.Hooks{Step: func(p trainer.Progress) {
				if p.Step == 0 {
					begun = time.Now()
				} else if p.Step == c.Steps() {
					seconds += time.Since(begun).Seconds()
				}
			}}
			dir := filepath.Join(b.TempDir(), fmt.Sprint(n, i))
			end, err := trainer.Run(b.Context(), trainer.Options{Config: c, Dir: dir, Problem: p, Engine: e, Hooks: hooks})
			if err != nil || end.State != record.Finished {
				b.Fatal(end, err)
			}
			e.Close()
		}
	}
	b.ReportMetric(seconds/float64(b.N), "s/4-runs")
	b.ReportMetric(0, "ns/op")
}
