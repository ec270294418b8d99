package trainer_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"largestep/data"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/machine"
	"largestep/train/machine/cpu/cputest"
	"largestep/train/problem"
	"largestep/train/run"
	"largestep/train/trainer"
)

// regression is least squares on random vectors.
func regression(n, d int) *problem.Vectors {
	rng := rand.New(rand.NewPCG(1, 2))
	p := &problem.Vectors{Net: nets.Linear{}, Fit: op.Loss{Kind: op.Squared, Scale: 1}}
	for range n {
		for range d {
			p.Train.X = append(p.Train.X, rng.NormFloat64())
		}
		p.Train.Y = append(p.Train.Y, rng.NormFloat64())
	}
	return p
}

// noiseOf is what the noise of normal numbers z adds to the gradient of a step from
// the first parameters, where ∇f_i are the gradients of single examples.
func noiseOf(t *testing.T, e op.Engine, p *problem.Vectors, how run.GradientNoise, parts int, z []float64) (noise []float64, single [][]float64) {
	t.Helper()
	const eta = 0.125
	n := p.Examples()
	move := func(o trainer.StepOptions, b trainer.MiniBatch) []float64 {
		vars := machine.NewVariables(e)
		step, err := trainer.NewStep(vars, p, o)
		check(t, err)
		check(t, p.Upload(vars))
		check(t, step.Initialize(5))
		if len(b.Noise) != step.NoiseLen() && b.Noise != nil {
			t.Fatalf("%d normal numbers, want %d", len(b.Noise), step.NoiseLen())
		}
		var names []string
		for _, w := range step.Model.Parameters() {
			names = append(names, w.Name())
		}
		start := values(t, vars, names)
		check(t, step.Run(b, eta))
		moved := values(t, vars, names)
		floats.Sub(moved, start)
		floats.Scale(-1/eta, moved)
		return moved
	}
	all := trainer.StepOptions{Batch: n / parts, Parts: parts, Noise: how}
	quiet := move(all, trainer.MiniBatch{Index: firstIndices(n)})
	noise = move(all, trainer.MiniBatch{Index: firstIndices(n), Noise: z})
	floats.Sub(noise, quiet)
	for i := range n {
		single = append(single, move(trainer.StepOptions{Batch: 1, Parts: 1}, trainer.MiniBatch{Index: []int32{int32(i)}}))
	}
	mean := make([]float64, len(quiet))
	for _, g := range single {
		floats.AddScaled(mean, 1/float64(n), g)
	}
	if !floats.EqualApprox(mean, quiet, 1e-12) {
		t.Errorf("%v: without noise the gradient is %v, want %v", how, quiet, mean)
	}
	for i := range single {
		floats.Sub(single[i], mean)
	}
	return noise, single
}

// Noise of the covariance of single terms is (σ/√n) Σ z_i (∇f_i − ∇f), whatever the
// net and the loss, and so has that covariance.
func TestCovarianceNoise(t *testing.T) {
	const n, d, sigma = 6, 3, 0.5
	hidden := &nets.ReLU{Widths: []int{4}, Bias: []bool{true, true}}
	base := regression(n, d)
	for name, change := range map[string]func(p *problem.Vectors){
		"squared":  func(p *problem.Vectors) {},
		"diagonal": func(p *problem.Vectors) { p.Net, p.Fit.Scale = nets.Diagonal{U: 0.1}, 0.5 },
		"relu":     func(p *problem.Vectors) { p.Net = hidden },
		"hinge": func(p *problem.Vectors) {
			p.Fit, p.Norm, p.Train.Y = op.Loss{Kind: op.Hinge, Scale: 2}, 1, []float64{1, -1, 1, 1, -1, -1}
		},
		"logistic": func(p *problem.Vectors) {
			p.Fit, p.Net, p.Train.Y = op.Loss{Kind: op.Logistic, Scale: 1}, hidden, []float64{1, -1, 1, 1, -1, -1}
		},
	} {
		p := *base
		change(&p)
		z := data.GradientNoise(1, 2, 3, n)
		for _, e := range both(t) {
			for _, parts := range []int{1, 3} {
				got, single := noiseOf(t, e, &p, run.GradientNoise{Shape: run.Covariance, Deviation: sigma}, parts, z)
				want := make([]float64, len(got))
				for i, g := range single {
					floats.AddScaled(want, sigma/math.Sqrt(n)*z[i], g)
				}
				if !floats.EqualApprox(got, want, 1e-12) || floats.Norm(want, 2) == 0 {
					t.Errorf("%s, %s, %d parts: noise %v, want %v", name, e.Name(), parts, got, want)
				}
			}
		}
	}
}

// Isotropic noise is σz.
func TestIsotropicNoise(t *testing.T) {
	p := regression(4, 3)
	z := []float64{1, -2, 0.5}
	got, _ := noiseOf(t, cputest.New(t, 2), p, run.GradientNoise{Shape: run.Isotropic, Deviation: 0.5}, 1, z)
	if want := []float64{0.5, -1, 0.25}; !floats.EqualApprox(got, want, 1e-12) {
		t.Errorf("noise %v, want %v", got, want)
	}
}

// Noise ends with the mini-batches that have none.
func TestNoiseEnds(t *testing.T) {
	p := regression(4, 3)
	for _, how := range []run.GradientNoise{{Shape: run.Isotropic, Deviation: 1}, {Shape: run.Covariance, Deviation: 1}} {
		vars := machine.NewVariables(cputest.New(t, 2))
		step, err := trainer.NewStep(vars, p, trainer.StepOptions{Batch: 4, Parts: 1, Noise: how})
		check(t, err)
		check(t, p.Upload(vars))
		one := func(z []float64) []float64 {
			check(t, step.Initialize(0))
			check(t, step.Run(trainer.MiniBatch{Index: firstIndices(4), Noise: z}, 0.1))
			return values(t, vars, []string{"linear.weight"})
		}
		first := one(nil)
		if noisy := one(data.GradientNoise(0, 0, 0, step.NoiseLen())); slices.Equal(noisy, first) || !slices.Equal(one(nil), first) {
			t.Errorf("%v: it does nothing, or does not end", how)
		}
	}
}

// Problems of terms that cannot be weighed have no such noise.
func TestNoiseThatAProblemLacks(t *testing.T) {
	net, err := nets.NewResNet18(4, 10)
	check(t, err)
	p := &problem.Images{Net: net, Data: data.MadeUp(1, 8, 1)}
	o := trainer.StepOptions{Batch: 4, Parts: 1, Noise: run.GradientNoise{Shape: run.Covariance, Deviation: 1}}
	if _, err := trainer.NewStep(machine.NewVariables(cputest.New(t, 2)), p, o); !errors.Is(err, trainer.ErrNoCovariance) {
		t.Errorf("error %v", err)
	}
}

// Noise on the labels of images takes the step of other labels, and of ±1 that of the
// other sign; with probability 0 that of their own.
func TestLabelNoiseOfClasses(t *testing.T) {
	const batch, seed = 16, 7
	index := firstIndices(batch)
	images := func(p float64) []float64 {
		net, err := nets.NewResNet18(4, 10)
		check(t, err)
		set := data.MadeUp(1, batch, 1)
		problem := &problem.Images{Net: net, Data: set, LabelNoise: p >= 0}
		b := trainer.MiniBatch{Index: index}
		if p >= 0 {
			problem.DrawLabelNoise(&b, p, seed, 1, 2)
		} else if p == flipped {
			for i, flip := range data.LabelFlips(seed, 1, 2, batch, 10, 0.5) {
				set.Train.Labels[i] = (set.Train.Labels[i] + flip) % 10
			}
		}
		return trainedOn(t, problem, b, batch)
	}
	signs := func(p float64) []float64 {
		problem := regression(batch, 3)
		problem.Fit, problem.LabelNoise = op.Loss{Kind: op.Hinge, Scale: 1}, p >= 0
		for i := range problem.Train.Y {
			problem.Train.Y[i] = float64(1 - 2*(i%2))
		}
		b := trainer.MiniBatch{Index: index}
		if p >= 0 {
			problem.DrawLabelNoise(&b, p, seed, 1, 2)
		} else if p == flipped {
			for i, flip := range data.LabelFlips(seed, 1, 2, batch, 2, 0.5) {
				problem.Train.Y[i] *= float64(1 - 2*flip)
			}
		}
		return trainedOn(t, problem, b, batch)
	}
	for name, after := range map[string]func(p float64) []float64{"images": images, "signs": signs} {
		if got, want := after(0.5), after(flipped); !slices.Equal(got, want) {
			t.Errorf("%s: noise takes another step than other labels", name)
		}
		if got, want := after(0), after(own); !slices.Equal(got, want) || slices.Equal(got, after(0.5)) {
			t.Errorf("%s: with probability 0 it takes another step than their own labels, or that of half of them flipped", name)
		}
	}
}

// Instead of a probability: labels that are flipped beforehand, or left.
const flipped, own = -1, -2

// trainedOn are the parameters after a step.
func trainedOn(t *testing.T, p trainer.Problem, b trainer.MiniBatch, batch int) []float64 {
	t.Helper()
	vars := machine.NewVariables(cputest.New(t, 2))
	step, err := trainer.NewStep(vars, p, trainer.StepOptions{Batch: batch, Parts: 1})
	check(t, err)
	check(t, p.Upload(vars))
	check(t, step.Initialize(0))
	check(t, step.Run(b, 0.1))
	var names []string
	for _, w := range step.Model.Parameters() {
		names = append(names, w.Name())
	}
	return values(t, vars, names)
}
