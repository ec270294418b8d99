package figure

import (
	"fmt"
	"math"
	"math/rand/v2"

	"largestep/metrics"
)

// diagonalRun makes up a run of a diagonal net of 100,001 steps with 80 examples
// in the manner of the paper's: a noisy plateau until the decay, then a fall. A
// negative divergeAt is never.
func diagonalRun(stepSize, decayAt float64, seed uint64, divergeAt int) *metrics.Run {
	const total, every, n = 100_001, 500, 80
	r := &metrics.Run{Dir: fmt.Sprintf("runs/%g-%g-%d", stepSize, decayAt, seed)}
	r.Status = metrics.Status{State: metrics.Finished, Step: total, Epoch: float64(total) / n}
	r.Config = metrics.Config{Net: "diagonal", Dataset: "paper", StepSize: stepSize, DecayAt: decayAt, Epochs: 1, Steps: total}
	r.Config.Phases = []metrics.Phase{{Name: "constant", StepSize: stepSize}}
	if decayAt > 0 {
		r.Config.Phases = []metrics.Phase{{Name: "large", StepSize: stepSize}, {Name: "small", Start: decayAt, StepSize: stepSize / 4}}
		r.Plateaus = []metrics.Plateau{{Phase: "large", Start: 2000, End: int(total * decayAt), Level: 0.01}}
	}
	r.Net = []string{"l0", "l1", "rank", "imbalance"}
	rng := rand.New(rand.NewPCG(seed, uint64(100*decayAt)))
	for step := 0; step <= total; step += every {
		t := float64(step) / total
		loss, test, l0 := 0.3*math.Exp(-12*t)+2e-6, 0.4*math.Exp(-6*t)+8e-3*(1+0.2*float64(seed%3)), 200.0
		if decayAt > 0 {
			large := min(t, decayAt)
			l0 = 60 + 140*math.Exp(-5*large)
			test = 0.3*math.Exp(-9*large)*math.Exp(0.4*rng.NormFloat64()) + 1e-4
			loss = 0.01*math.Exp(0.6*rng.NormFloat64()) + 0.3*math.Exp(-60*t)
			if t > decayAt {
				loss = 6e-5 * math.Exp(0.1*rng.NormFloat64()+5*math.Exp(-40*(t-decayAt)))
				test = 0.1*math.Exp(-9*large)*math.Exp(0.05*rng.NormFloat64()) + 1e-4*float64(1+seed%4)
			}
		}
		row := metrics.Row{Epoch: float64(step) / n, Step: step, StepSize: stepSize, TrainLoss: loss, TestLoss: test,
			TrainError: math.NaN(), TestError: math.NaN()}
		if d := step - divergeAt; divergeAt >= 0 && d > 0 {
			row.TrainLoss, row.TestLoss = loss*math.Exp(float64(d)/100), test*math.Exp(float64(d)/100)
		}
		row.Net = []float64{math.Round(l0 + 4*rng.NormFloat64()*float64(step)/total), 3 * math.Exp(-t), math.Round(l0 * 0.8), math.Exp(-100 * t * decayAt)}
		r.Rows = append(r.Rows, row)
		if divergeAt >= 0 && step > divergeAt+2000 {
			r.Rows[len(r.Rows)-1].TrainLoss = math.Inf(1)
			r.Status = metrics.Status{State: metrics.Diverged, Step: step, Epoch: row.Epoch}
			break
		}
	}
	return r
}

// diagonalGroups are the paper's four settings; of the runs of the last two, one
// and two diverge, where there are several.
func diagonalGroups(seeds uint64) (groups []Group) {
	for i, decayAt := range []float64{0, 0.1, 0.3, 0.5} {
		stepSize := []float64{0.25, 0.282}[min(i, 1)]
		g := Group{Label: schedule(diagonalRun(stepSize, decayAt, 0, -1).Config)}
		for seed := range seeds {
			divergeAt := -1
			if seed > 0 && int(seed) < i {
				divergeAt = int(seed) * 12_000
			}
			g.Runs = append(g.Runs, diagonalRun(stepSize, decayAt, seed, divergeAt))
		}
		groups = append(groups, g)
	}
	return groups
}
