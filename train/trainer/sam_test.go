package trainer_test

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"largestep/nets/op"
	"largestep/train/curvature"
	"largestep/train/machine"
	"largestep/train/machine/cpu"
	"largestep/train/machine/cpu/cputest"
	"largestep/train/problem"
	"largestep/train/trainer"
)

// both are the engines that every machine has.
func both(t *testing.T) []op.Engine {
	e := cpu.New(2)
	t.Cleanup(func() { e.Close() })
	return []op.Engine{e, op.Reference{}}
}

// values reads variables of an engine, one after the other.
func values(t *testing.T, vars *machine.Variables, names []string) (x []float64) {
	t.Helper()
	for _, name := range names {
		spec, _ := vars.Spec(name)
		if spec.Dtype.Size() == 8 {
			v := make([]float64, spec.Len())
			check(t, vars.Get(name, v))
			x = append(x, v...)
			continue
		}
		v := make([]float32, spec.Len())
		check(t, vars.Get(name, v))
		for _, f := range v {
			x = append(x, float64(f))
		}
	}
	return x
}

// Steps of SAM with momentum and weight decay are those of a plain loop in float64.
func TestSAMOfVectors(t *testing.T) {
	const n, d, rho, eta, mu, decay = 6, 4, 0.3, 0.05, 0.5, 0.01
	p, order := regression(n, d), []int32{3, 0, 5, 1, 1, 4, 2, 0}
	gradient := func(w []float64, index []int32) []float64 {
		g := make([]float64, d)
		for _, i := range index {
			x := p.Train.X[int(i)*d : int(i+1)*d]
			floats.AddScaled(g, 2*(floats.Dot(w, x)-p.Train.Y[i])/float64(len(index)), x)
		}
		return g
	}
	w, v := make([]float64, d), make([]float64, d)
	for k := 0; k < len(order); k += 2 {
		index := order[k : k+2]
		g := gradient(w, index)
		ascended := slices.Clone(w)
		floats.AddScaled(ascended, rho/floats.Norm(g, 2), g)
		g = gradient(ascended, index)
		floats.AddScaled(g, decay, w)
		floats.Scale(mu, v)
		floats.Add(v, g)
		floats.AddScaled(w, -eta, v)
	}
	for _, e := range both(t) {
		vars := machine.NewVariables(e)
		step, err := trainer.NewStep(vars, p, trainer.StepOptions{Batch: 2, Parts: 1, SAM: rho, SGD: op.SGD{Momentum: mu, WeightDecay: decay}})
		check(t, err)
		check(t, p.Upload(vars))
		check(t, step.Initialize(0))
		for k := 0; k < len(order); k += 2 {
			check(t, step.Run(trainer.MiniBatch{Index: order[k : k+2]}, eta))
		}
		if got := values(t, vars, []string{"linear.weight"}); !floats.EqualApprox(got, w, 1e-14) {
			t.Errorf("%s: parameters %v, want %v", e.Name(), got, w)
		}
		losses, err := step.Losses()
		if check(t, err); len(losses) != len(order)/2 {
			t.Errorf("%d losses of %d steps", len(losses), len(order)/2)
		}
	}
}

// Where the loss is flat, SAM stays.
func TestSAMWhereItIsFlat(t *testing.T) {
	p := regression(2, 2)
	p.Train.Y = make([]float64, 2) // which the first parameters, 0, fit
	vars := machine.NewVariables(cputest.New(t, 2))
	step, err := trainer.NewStep(vars, p, trainer.StepOptions{Batch: 2, Parts: 1, SAM: 1})
	check(t, err)
	check(t, p.Upload(vars))
	check(t, step.Initialize(0))
	check(t, step.Run(trainer.MiniBatch{Index: []int32{0, 1}}, 1))
	if got := values(t, vars, []string{"linear.weight"}); !slices.Equal(got, []float64{0, 0}) {
		t.Errorf("parameters %v", got)
	}
}

// A step of SAM on images is one with the gradient at the ascended parameters; batch
// norm's running statistics are those of a step without SAM, and so is the loss.
func TestSAMOfImages(t *testing.T) {
	const rho, eta, decay, batch = 0.1, 0.2, 5e-4, 8
	p := tinyImages(t, batch)
	for _, e := range both(t) {
		var after [2][]float64 // running statistics and loss, without SAM and with it
		var parameters, running []string
		for k, radius := range []float64{0, rho} {
			vars := machine.NewVariables(e)
			step, err := trainer.NewStep(vars, p, trainer.StepOptions{Batch: batch, Parts: 1, SAM: radius, SGD: op.SGD{WeightDecay: decay}})
			check(t, err)
			check(t, p.Upload(vars))
			check(t, step.Initialize(3))
			parameters, running = nil, nil
			for _, v := range step.Model.Variables {
				if v.Trained {
					parameters = append(parameters, v.Name)
				} else {
					running = append(running, v.Name)
				}
			}
			start := values(t, vars, parameters)
			want := slices.Clone(start)
			floats.AddScaled(want, -eta, samGradient(t, e, p, start, radius))
			floats.AddScaled(want, -eta*decay, start)
			check(t, step.Run(trainer.MiniBatch{Index: firstIndices(batch)}, eta))
			got := values(t, vars, parameters)
			floats.Sub(got, start)
			floats.Sub(want, start)
			if off := floats.Distance(got, want, 2) / floats.Norm(want, 2); !(off <= 1e-3) {
				t.Errorf("%s: with ρ = %g the step is off by %g of its length", e.Name(), radius, off)
			}
			losses, err := step.Losses()
			check(t, err)
			after[k] = append(values(t, vars, running), losses...)
			if k == 1 && floats.Distance(got, want, 2) == floats.Norm(want, 2) {
				t.Error("no step was taken")
			}
		}
		if !slices.Equal(after[0], after[1]) {
			t.Errorf("%s: running statistics or loss are not those of the first pass", e.Name())
		}
	}
}

// samGradient is the gradient after an ascent by ρ from the parameters x, of all
// examples.
func samGradient(t *testing.T, e op.Engine, p *problem.Images, x []float64, rho float64) []float64 {
	t.Helper()
	probe, err := curvature.New(machine.NewVariables(e), p, p.Examples(), curvature.Training)
	check(t, err)
	g := make([]float64, len(x))
	check(t, probe.Move(x))
	_, err = probe.Gradient(g, 0)
	check(t, err)
	ascended := slices.Clone(x)
	floats.AddScaled(ascended, rho/floats.Norm(g, 2), g)
	check(t, probe.Move(ascended))
	_, err = probe.Gradient(g, 0)
	check(t, err)
	if math.IsNaN(floats.Sum(g)) {
		t.Fatal("the gradient is not finite")
	}
	return g
}
