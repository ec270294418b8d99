// Package lecture shows on problems of one or two variables what theory says of
// finite sums: where gradient descent and SGD go, how far SGD stays from the
// optimum, and how fast it comes there. All of it is measured on trainings, by the
// training step of package trainer, and set beside the theory.
package lecture

import (
	"math/rand/v2"

	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/machine"
	"largestep/train/problem"
	"largestep/train/trainer"
)

// quadratic is the mean of f_i(x) = ½(⟨a_i, x⟩ − b_i)².
type quadratic struct {
	a    []float64 // row-major, len(b) × dims
	b    []float64
	dims int
}

// scalarProblem draws n terms of one variable: a_i from 0.5 to 1.5, b_i about a_i.
func scalarProblem(n int) quadratic {
	rng := rand.New(rand.NewPCG(1, 1))
	q := quadratic{dims: 1}
	for range n {
		a := 0.5 + rng.Float64()
		q.a, q.b = append(q.a, a), append(q.b, a+0.5*rng.NormFloat64())
	}
	return q
}

// curvature is the mean of a_i², optimum Σ a_i b_i / Σ a_i², of one variable.
func (q quadratic) curvature() float64 { return q.mean(func(a, _ float64) float64 { return a * a }) }

func (q quadratic) optimum() float64 {
	return q.mean(func(a, b float64) float64 { return a * b }) / q.curvature()
}

// gradientNoise is the variance of f_i′ at x.
func (q quadratic) gradientNoise(x float64) float64 {
	mean := q.mean(func(a, b float64) float64 { return a * (a*x - b) })
	return q.mean(func(a, b float64) float64 { g := a*(a*x-b) - mean; return g * g })
}

func (q quadratic) mean(of func(a, b float64) float64) (sum float64) {
	for i, b := range q.b {
		sum += of(q.a[i], b) / float64(len(q.b))
	}
	return sum
}

// confusion is [min b_i/a_i, max b_i/a_i], between whose ends the terms' gradients
// have different signs.
func (q quadratic) confusion() (low, high float64) {
	low, high = q.b[0]/q.a[0], q.b[0]/q.a[0]
	for i, b := range q.b {
		low, high = min(low, b/q.a[i]), max(high, b/q.a[i])
	}
	return low, high
}

// descent is a training of a quadratic that can start over.
type descent struct {
	vars *machine.Variables
	step *trainer.Step
	x    []float64
}

const parameter = "linear.weight"

func newDescent(q quadratic, o trainer.StepOptions) (*descent, error) {
	p := &problem.Vectors{
		Net: nets.Linear{}, Fit: op.Loss{Kind: op.Squared, Scale: 0.5}, Train: problem.Sample{X: q.a, Y: q.b},
	}
	d := &descent{vars: machine.NewVariables(op.Reference{}), x: make([]float64, q.dims)}
	var err error
	if d.step, err = trainer.NewStep(d.vars, p, o); err != nil {
		return nil, err
	}
	if err := p.Upload(d.vars); err != nil {
		return nil, err
	}
	return d, d.step.Initialize(0)
}

// start puts the parameters to x, at rest.
func (d *descent) start(x ...float64) error {
	if err := d.step.Initialize(0); err != nil {
		return err
	}
	copy(d.x, x)
	return d.vars.SetFloats(parameter, d.x)
}

// run takes a step of the size eta on a mini-batch, and returns the parameters.
func (d *descent) run(batch []int32, eta float64) ([]float64, error) {
	if err := d.step.Run(trainer.MiniBatch{Index: batch}, eta); err != nil {
		return nil, err
	}
	return d.x, d.vars.Get(parameter, d.x)
}
