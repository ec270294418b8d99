package page

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"largestep/data"
	"largestep/metrics/record"
	"largestep/train/catalog"
	"largestep/train/run"
	"largestep/train/schedule"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A sample is a run to be made up.
type sample struct {
	stepSize float64
	seed     uint64
	net      string
	state    record.State
	rows     int
	plateau  bool
}

// write makes the run's folder: ten rows of 30 epochs, unless it says otherwise.
func (s sample) write(t testing.TB, dir string) {
	t.Helper()
	decay, err := schedule.Decay(s.stepSize, 0.3)
	check(t, err)
	c := run.Config{Net: "resnet18", Width: 8, Dataset: "made-up", TrainSize: 320, TestSize: 100, Sampling: data.Shuffle, Batch: 32, Epochs: 30,
		Schedule: decay, Seed: s.seed, EvalEvery: 3, Precision: "fp32", WeightDecay: 5e-4}
	own := []string{"active_1", "active_2", "parameter_norm"}
	if s.net != "" {
		c.Net = s.net
	}
	if s.rows == 0 {
		s.rows = 10
	}
	if s.state == "" {
		s.state = record.Finished
	}
	check(t, os.MkdirAll(dir, 0o777))
	check(t, run.WriteConfig(dir, c, run.Environment{Version: "v9", Command: "largestep train resnet18 </script>", TrainSHA256: "abc", Engine: "cpu"}))
	w, err := record.ResumeTable(filepath.Join(dir, record.TableFile), own, 0, "")
	check(t, err)
	for i := range s.rows {
		check(t, w.Append(s.row(i)))
	}
	check(t, w.Close())
	last := s.row(s.rows - 1)
	check(t, record.WriteStatus(dir, record.Status{State: s.state, Step: last.Step, Epoch: last.Epoch}))
	if s.plateau {
		check(t, record.WritePlateaus(dir, []record.Plateau{{Phase: "large", Start: 30, End: 80, Level: 0.5}}))
	}
}

func (s sample) row(i int) record.Row {
	t := float64(i)
	r := record.Row{Epoch: 3 * t, Step: 30 * i, Phase: "large", StepSize: s.stepSize, BatchLoss: math.Exp(-t / s.stepSize), TrainLoss: math.Exp(-t*s.stepSize) + float64(s.seed),
		TrainError: 0.5, TestLoss: 1, TestError: 0.25 + s.stepSize/100, Own: []float64{0.5, 0.25, 10}, ImagesPerSecond: 1000, Seconds: t}
	if i == 0 {
		r.BatchLoss = math.NaN()
	}
	if s.state == record.Diverged && i == s.rows-1 {
		r.TrainLoss = math.Inf(1)
	}
	return r
}

// opener reads what the samples wrote.
var opener = Opener{Open: catalog.OpenFrom, Published: func(r *record.Run) []record.Reference {
	if r.Config.Phases[0].StepSize != 0.5 {
		return nil
	}
	return []record.Reference{{Label: "paper", Note: "read from a figure", Finals: []map[string]float64{{"test_error": 0.123}}}}
}}

// samples are four runs of two settings.
func samples(t testing.TB) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, stepSize := range []float64{0.5, 1} {
		for seed := range uint64(2) {
			sample{stepSize: stepSize, seed: seed, plateau: true}.write(t, filepath.Join(dir, fmt.Sprintf("eta%g-seed%d", stepSize, seed)))
		}
	}
	return dir
}
