package figure

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"

	"largestep/metrics/record"
)

// run makes a noisy run up in the manner of the paper's: a plateau until the
// decay, then a fall.
func run(stepSize, decayAt, epochs float64) *record.Run {
	r := &record.Run{Dir: fmt.Sprintf("runs/%g-%g", stepSize, decayAt), Status: record.Status{State: record.Finished, Epoch: epochs}}
	r.Config = record.Config{Net: "resnet18", NetTitle: "ResNet-18", Dataset: "cifar10", DatasetTitle: "CIFAR-10", Epochs: epochs, Part: "stage", Pool: 5,
		Options: map[string]any{"epochs": json.Number(fmt.Sprint(epochs)), "seed": json.Number("0")}}
	r.Config.Schedule = fmt.Sprintf("η = %g", stepSize)
	r.Config.Phases = []record.Phase{{Name: "constant", StepSize: stepSize}}
	if decayAt > 0 {
		r.Config.Schedule += fmt.Sprintf(", decay at %g %%", 100*decayAt)
		r.Config.Phases = []record.Phase{{Name: "large", StepSize: stepSize},
			{Name: "small", Start: decayAt, StepSize: stepSize / 10}, {Name: "final", Start: 0.9, StepSize: stepSize / 100}}
	}
	r.Config.Exact = fmt.Sprint(r.Config.Phases)
	r.Own = []string{"active_1", "active_2", "active_3", "active_4", "active_5"}
	rng := rand.New(rand.NewPCG(uint64(1000*stepSize), uint64(100*decayAt)))
	for e := 0.0; e <= epochs; e++ {
		t := e / epochs
		loss, testError := 2.3*math.Exp(-8*t)+1e-3, 0.353+0.54*math.Exp(-30*t)
		if decayAt > 0 && t <= decayAt {
			loss = 0.35 + 1.9*math.Exp(-12*t) + 0.12*rng.Float64()
			testError = 0.3 + 0.5*math.Exp(-12*t) + 0.15*rng.Float64()*rng.Float64()
		} else if decayAt > 0 {
			loss = 0.3*math.Exp(-40*(t-decayAt)) + 1.2e-3 + 2e-4*rng.Float64()
			testError = 0.145 - 0.05*decayAt + 0.02*math.Exp(-20*(t-decayAt)) + 0.002*rng.Float64()
		}
		row := record.Row{Epoch: e, Step: int(195 * e), StepSize: stepSize, TrainLoss: loss, TestError: testError, TestLoss: loss * 1.5}
		row.Own = []float64{0.7, 0.65, 0.64 - 0.1*t, 0.64 - t*0.25*math.Sqrt(decayAt), 0.99}
		r.Rows = append(r.Rows, row)
	}
	return r
}

func paperRuns() []*record.Run {
	return []*record.Run{run(0.007, 0, 100), run(1.5, 0.1, 100), run(1.5, 0.3, 100), run(1.5, 0.5, 100)}
}

func paperGroups() []Group { return bySchedule(paperRuns()...) }

// bySchedule makes a group of every run.
func bySchedule(runs ...*record.Run) []Group { return each(runs, scheduleLabels(runs)) }
