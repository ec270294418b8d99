package trainer_test

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"largestep/data"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/curvature"
	"largestep/train/machine"
	"largestep/train/problem"
	"largestep/train/trainer"
)

// tinyImages is a narrow ResNet-18 on n made-up images.
func tinyImages(t *testing.T, n int) *problem.Images {
	t.Helper()
	net, err := nets.NewResNet18(4, 10)
	check(t, err)
	return &problem.Images{Net: net, Data: data.MadeUp(1, n, 1)}
}

// A step that measures the curvature along its gradient ends where one does that
// measures nothing, to the bit, with running statistics and the loss.
func TestCurvatureChangesNoStep(t *testing.T) {
	const batch = 6
	p := tinyImages(t, batch)
	for _, e := range both(t) {
		var after [2][]float64
		for k, measured := range []bool{false, true} {
			vars := machine.NewVariables(e)
			step, err := trainer.NewStep(vars, p, trainer.StepOptions{Batch: batch, Parts: 1, Curvature: measured, SGD: op.SGD{Momentum: 0.5, WeightDecay: 5e-4}})
			check(t, err)
			check(t, p.Upload(vars))
			check(t, step.Initialize(3))
			for i := range 3 {
				check(t, step.Run(trainer.MiniBatch{Index: firstIndices(batch), Curvature: measured && i != 1}, 0.1))
			}
			var names []string
			for _, v := range step.Model.Variables {
				names = append(names, v.Name)
			}
			losses, err := step.Losses()
			check(t, err)
			after[k] = append(values(t, vars, names), losses...)
		}
		if !slices.Equal(after[0], after[1]) {
			t.Errorf("%s: measuring changes the steps", e.Name())
		}
	}
}

// On a parabola the curvature is that of the Hessian whatever the step size.
func TestCurvatureOfVectors(t *testing.T) {
	const n, d, batch = 6, 4, 2
	p := regression(n, d)
	for _, e := range both(t) {
		vars := machine.NewVariables(e)
		step, err := trainer.NewStep(vars, p, trainer.StepOptions{Batch: batch, Parts: 1, Curvature: true})
		check(t, err)
		check(t, p.Upload(vars))
		check(t, step.Initialize(0))
		for k := range 3 {
			index := []int32{int32(2 * k), int32(2*k + 1)}
			w, g, want := values(t, vars, []string{"linear.weight"}), make([]float64, d), 0.0
			for _, i := range index {
				x := p.Train.X[int(i)*d : int(i+1)*d]
				floats.AddScaled(g, 2*(floats.Dot(w, x)-p.Train.Y[i])/batch, x)
			}
			for _, i := range index {
				along := floats.Dot(g, p.Train.X[int(i)*d:int(i+1)*d])
				want += 2 * along * along / batch / floats.Dot(g, g)
			}
			check(t, step.Run(trainer.MiniBatch{Index: index, Curvature: true}, 0.3))
			if got := step.Curvature(); !(math.Abs(got-want) <= 1e-12*want) {
				t.Errorf("%s, step %d: curvature %g, want %g", e.Name(), k, got, want)
			}
		}
	}
}

// A step measures what a probe does at the same parameters.
func TestCurvatureOfImages(t *testing.T) {
	const batch = 8
	p := tinyImages(t, batch)
	for _, e := range both(t) {
		vars := machine.NewVariables(e)
		step, err := trainer.NewStep(vars, p, trainer.StepOptions{Batch: batch, Parts: 1, Curvature: true})
		check(t, err)
		probe, err := curvature.New(vars.Beside(), p, batch, curvature.Training)
		check(t, err)
		check(t, p.Upload(vars))
		check(t, step.Initialize(3))
		check(t, step.Run(trainer.MiniBatch{Index: firstIndices(batch)}, 0.1))
		check(t, probe.Load(func(name string) ([]float64, error) { return values(t, vars, []string{name}), nil }))
		want, err := probe.BatchSharpnessByLosses(0.05)
		check(t, err)
		check(t, step.Run(trainer.MiniBatch{Index: firstIndices(batch), Curvature: true}, 0.05))
		if got := step.Curvature(); !(math.Abs(got-want) <= 1e-3*math.Abs(want)) {
			t.Errorf("%s: curvature %g, want %g", e.Name(), got, want)
		}
	}
}

// Where the loss is flat there is no curvature.
func TestCurvatureWhereItIsFlat(t *testing.T) {
	p := regression(2, 2)
	p.Train.Y = make([]float64, 2) // which the first parameters, 0, fit
	for _, e := range both(t) {
		vars := machine.NewVariables(e)
		step, err := trainer.NewStep(vars, p, trainer.StepOptions{Batch: 2, Parts: 1, Curvature: true})
		check(t, err)
		check(t, p.Upload(vars))
		check(t, step.Initialize(0))
		check(t, step.Run(trainer.MiniBatch{Index: []int32{0, 1}, Curvature: true}, 1))
		if got := step.Curvature(); !math.IsNaN(got) {
			t.Errorf("%s: curvature %g", e.Name(), got)
		}
	}
}
