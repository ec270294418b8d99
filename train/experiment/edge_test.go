package experiment

import (
	"context"
	"math"
	"testing"

	"largestep/train/catalog"
	"largestep/train/instances"
	"largestep/train/machine/cpu/cputest"
	"largestep/train/run"
	"largestep/train/schedule"
	"largestep/train/trainer"
)

func edge(t *testing.T, c run.Config, steps int) float64 {
	t.Helper()
	c.Schedule = schedule.Constant(0.01)
	c.CountEpochs()
	p, c, err := must(catalog.Find(c.Net)).Make(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	e := cputest.New(t, 1)
	search := trainer.Edge{Engine: e, Problem: p, Config: c, Steps: steps, Tolerance: 0.005}
	eta, err := search.Find(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return eta
}

// The edge of SGD on a diagonal net is where a scan in steps of half a percent,
// by a plain loop, first meets divergence.
func TestEdgeAgainstScan(t *testing.T) {
	const steps = 2000
	c := small(t, "diagonal")
	c.MaxSteps, c.TrainSize, c.Dims, c.Order = steps, 40, 100, "paper"
	problem, err := instances.Diagonal(instances.Paper, instances.DiagonalGD, 0)
	if err != nil {
		t.Fatal(err)
	}
	order := make([][]int32, steps)
	for k := range order {
		order[k] = problem.Order[k : k+1]
	}
	got := edge(t, c, steps)
	first := math.NaN()
	for eta := 0.8 * got; math.IsNaN(first) && eta < 2*got; eta *= 1.005 {
		for _, loss := range diagonalLoop(problem.Train, func(int) float64 { return eta }, order) {
			if !(loss < 1e6) {
				first = eta
			}
		}
	}
	if !(math.Abs(got/first-1) < 0.02) {
		t.Errorf("edge %v, scan %v", got, first)
	}
}

// The paper's step size of 0.282 is close to the edge of its instance.
func TestEdgeOfPaper(t *testing.T) {
	if testing.Short() {
		t.Skip("a dozen runs of 100,001 steps")
	}
	t.Parallel()
	c := small(t, "diagonal")
	c.Order = "paper"
	if eta := edge(t, c, 100_001); !(eta >= 0.28 && eta <= 0.29) {
		t.Errorf("edge %v, want 0.28 to 0.29", eta)
	}
}

// The search for an edge has the seed and the precision of the run.
func TestEdgeIsOfTheRun(t *testing.T) {
	list, err := smallFigure(t, "teacher-2").settled(instances.Random, "fp64")
	if err != nil {
		t.Fatal(err)
	}
	r := smallFigure(t, "teacher-2").runs(list[1], 3)[2]
	if search := r.edge(); search.Config.Precision != "fp64" || search.Config.Seed != 2 {
		t.Errorf("search in %s from seed %d, run in fp64 from 2", search.Config.Precision, search.Config.Seed)
	}
}
