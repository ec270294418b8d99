package problem

import (
	"slices"
	"testing"

	"largestep/data"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/instances"
	"largestep/train/machine"
	"largestep/train/machine/cpu/cputest"
	"largestep/train/trainer"
)

// sparseRegression is a random instance of the paper's diagonal experiment.
func sparseRegression(t testing.TB, n, d, r int) Sample {
	p, err := instances.Diagonal(instances.Random, instances.DiagonalSize{N: n, D: d, R: r}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return Sample{X: p.Train.Inputs, Y: p.Train.Labels}
}

// Noise on a label moves the parameters by as much as another label would.
func TestLabelNoise(t *testing.T) {
	trained := func(shift, noise float64) []float64 {
		e := cputest.New(t, 1)
		vars := machine.NewVariables(e)
		p := &Vectors{Net: nets.Linear{}, Fit: op.Loss{Kind: op.Squared, Scale: 1}, Train: sparseRegression(t, 6, 4, 2), LabelNoise: true}
		p.Train.Y[3] += shift
		step, err := trainer.NewStep(vars, p, trainer.StepOptions{Batch: 2, Parts: 2})
		check(t, err)
		check(t, p.Upload(vars))
		check(t, step.Initialize(0))
		check(t, step.Run(trainer.MiniBatch{Index: []int32{0, 1, 2, 3}, LabelNoise: []float64{0, 0, 0, noise}}, 0.1))
		return download64(t, vars, step.Model.Parameters()[0].Name())
	}
	if got, want := trained(0, 0.5), trained(0.5, 0); !slices.Equal(got, want) || slices.Equal(got, trained(0, 0)) {
		t.Errorf("parameters %v, want %v", got, want)
	}
}

func download64(t *testing.T, vars *machine.Variables, name string) []float64 {
	t.Helper()
	spec, _ := vars.Spec(name)
	x := make([]float64, spec.Len())
	check(t, vars.Get(name, x))
	return x
}

// The target is 100,001 steps in 0.37 s on one core.
func BenchmarkDiagonalStep(b *testing.B) {
	e := cputest.New(b, 1)
	vars := machine.NewVariables(e)
	p := &Vectors{Net: nets.Diagonal{U: 0.1}, Fit: op.Loss{Kind: op.Squared, Scale: 0.5}, Train: sparseRegression(b, 80, 200, 20)}
	step, err := trainer.NewStep(vars, p, trainer.StepOptions{Batch: 1, Parts: 1})
	if err != nil {
		b.Fatal(err)
	}
	if err := p.Upload(vars); err != nil {
		b.Fatal(err)
	}
	if err := step.Initialize(0); err != nil {
		b.Fatal(err)
	}
	order := data.Order(0, 0, 80, data.WithReplacement)
	for i := 0; b.Loop(); i++ {
		if err := step.Run(trainer.MiniBatch{Index: order[i%80 : i%80+1]}, 0.1); err != nil {
			b.Fatal(err)
		}
	}
}
