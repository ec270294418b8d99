package paper

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"largestep/metrics"
	"largestep/train"
	"largestep/train/machine/cpu"
)

// The four runs of figure diagonal, 100,001 steps each, on one core: what is
// reported is the time of their training, without evaluation.
func BenchmarkDiagonal(b *testing.B) {
	list, err := smallFigureNamed("diagonal").Settings("paper")
	if err != nil {
		b.Fatal(err)
	}
	seconds := 0.0
	for n := range b.N {
		for i, s := range list {
			c := s.Runs(3)[2].Config // an order that does not diverge
			c.LogSteps, c.EvalSteps = false, c.Steps()
			p, err := Problem(&c)
			if err != nil {
				b.Fatal(err)
			}
			e := cpu.New(1)
			var begun time.Time
			hooks := train.Hooks{Step: func(p train.Progress) {
				if p.Step == 0 {
					begun = time.Now()
				} else if p.Step == c.Steps() {
					seconds += time.Since(begun).Seconds()
				}
			}}
			dir := filepath.Join(b.TempDir(), fmt.Sprint(n, i))
			end, err := train.Run(b.Context(), train.Options{Config: c, Dir: dir, Problem: p, Engine: e, Hooks: hooks})
			if err != nil || end.State != metrics.Finished {
				b.Fatal(end, err)
			}
			e.Close()
		}
	}
	b.ReportMetric(seconds/float64(b.N), "s/4-runs")
	b.ReportMetric(0, "ns/op")
}
