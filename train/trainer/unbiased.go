package trainer

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/data"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/machine"
)

// Unbiased checks, at a problem's first parameters, that the stochastic gradient
// ∇f_i is right on average: E[∇f_i] = ∇f.
type Unbiased struct {
	Engine  op.Engine
	Problem Problem
	Seed    uint64
	// Repeats is the number of epochs that the bias of their last steps is
	// averaged over, and Draws the sizes of the samples of examples.
	Repeats  int
	Draws    []int
	StepSize float64
}

// UnbiasedReport is what the check found; norms are Euclidean.
type UnbiasedReport struct {
	Gradient  float64 // ‖∇f‖
	Exact     float64 // ‖(1/n) Σ ∇f_i − ∇f‖
	Deviation float64 // √E‖∇f_i − ∇f‖², the noise of one example
	Samples   []SampleError
	Last      []LastStep
}

// SampleError is the error of the mean gradient of k examples drawn with
// replacement. Expected is its root mean square, Deviation/√k.
type SampleError struct {
	K               int
	Error, Expected float64
}

// LastStep is the mean over epochs of ∇f_i(x) − ∇f(x) at the last step of an
// epoch of SGD: zero up to its standard error with replacement, not without.
type LastStep struct {
	Sampling            data.Sampling
	Bias, StandardError float64
}

// Run does all checks.
func (u *Unbiased) Run(ctx context.Context) (*UnbiasedReport, error) {
	n := u.Problem.Examples()
	vars := machine.NewVariables(u.Engine)
	single, err := newGradient(vars, u.Problem, 1, "")
	if err != nil {
		return nil, err
	}
	all, err := newGradient(vars, u.Problem, n, "all/")
	if err != nil {
		return nil, err
	}
	step, err := NewStep(vars, u.Problem, StepOptions{Batch: 1, Parts: 1})
	if err != nil {
		return nil, err
	}
	if err := u.Problem.Upload(vars); err != nil {
		return nil, err
	}
	if err := step.Initialize(u.Seed); err != nil {
		return nil, err
	}
	r := &UnbiasedReport{}
	if err := u.samples(r, single, all); err != nil {
		return nil, err
	}
	for _, how := range []data.Sampling{data.WithReplacement, data.Shuffle} {
		last, err := u.lastStep(ctx, how, step, single, all)
		if err != nil {
			return nil, err
		}
		r.Last = append(r.Last, last)
	}
	return r, nil
}

// samples fills the report's exact part and its samples.
func (u *Unbiased) samples(r *UnbiasedReport, single, all *gradient) error {
	n := u.Problem.Examples()
	full, err := all.at(indices(n))
	if err != nil {
		return err
	}
	each := make([][]float64, n)
	mean := make([]float64, len(full))
	for i := range each {
		if each[i], err = single.at([]int32{int32(i)}); err != nil {
			return err
		}
		floats.AddScaled(mean, 1/float64(n), each[i])
		d := floats.Distance(each[i], full, 2)
		r.Deviation += d * d / float64(n)
	}
	r.Deviation = math.Sqrt(r.Deviation)
	r.Gradient = floats.Norm(full, 2)
	r.Exact = floats.Distance(mean, full, 2)
	for epoch, k := range u.Draws {
		sum := make([]float64, len(full))
		var draws []int32
		for j := range k {
			if j%n == 0 {
				draws = data.Order(u.Seed, epoch*1_000_000+j/n, n, data.WithReplacement)
			}
			floats.AddScaled(sum, 1/float64(k), each[draws[j%n]])
		}
		r.Samples = append(r.Samples, SampleError{k, floats.Distance(sum, full, 2), r.Deviation / math.Sqrt(float64(k))})
	}
	return nil
}

// lastStep averages the deviation of the stochastic gradient at the last step
// of many epochs from the same start, none of which may diverge.
func (u *Unbiased) lastStep(ctx context.Context, how data.Sampling, step *Step, single, all *gradient) (LastStep, error) {
	var mean []float64
	squares, diverged := 0.0, 0
	for epoch := range u.Repeats {
		if ctx.Err() != nil {
			return LastStep{}, ErrInterrupted
		}
		d, ok, err := u.epoch(step, data.Order(u.Seed, epoch, u.Problem.Examples(), how), single, all)
		if err != nil {
			return LastStep{}, err
		}
		if !ok {
			diverged++
			continue
		}
		if mean == nil {
			mean = make([]float64, len(d))
		}
		floats.AddScaled(mean, 1/float64(u.Repeats), d)
		squares += floats.Dot(d, d) / float64(u.Repeats)
	}
	if diverged > 0 {
		return LastStep{}, fmt.Errorf("%d of %d epochs diverged at step size %g: choose a smaller one", diverged, u.Repeats, u.StepSize)
	}
	bias := floats.Norm(mean, 2)
	return LastStep{how, bias, math.Sqrt(max(squares-bias*bias, 0) / float64(u.Repeats))}, nil
}

// epoch is SGD over the examples in order but for the last, of whose gradient it
// returns the deviation there; ok is false if it diverged.
func (u *Unbiased) epoch(step *Step, order []int32, single, all *gradient) (d []float64, ok bool, err error) {
	if err := step.Initialize(u.Seed); err != nil {
		return nil, false, err
	}
	last := len(order) - 1
	for _, i := range order[:last] {
		if err := step.Run(MiniBatch{Index: []int32{i}}, u.StepSize); err != nil {
			return nil, false, err
		}
	}
	losses, err := step.Losses()
	if err != nil {
		return nil, false, err
	}
	if d, err = single.at(order[last:]); err != nil {
		return nil, false, err
	}
	full, err := all.at(indices(len(order)))
	if err != nil {
		return nil, false, err
	}
	floats.Sub(d, full)
	sizes := append(losses, floats.Norm(d, 2))
	return d, !grown(sizes, sizes[0], divergedFactor), nil
}

func indices(n int) []int32 { return data.Order(0, 0, n, data.Sequential) }

// gradient is the gradient of a mini-batch's loss as a machine.
type gradient struct {
	vars    *machine.Variables
	machine *machine.Machine
	grads   gorgonia.Nodes
	index   string
}

func newGradient(vars *machine.Variables, p Problem, batch int, prefix string) (*gradient, error) {
	g := &gradient{vars: vars, index: prefix + varIndex}
	m := nets.NewModel(p.Dtype(), true)
	loss, err := p.Loss(m, m.Input(g.index, tensor.Int32, batch))
	if err != nil {
		return nil, err
	}
	if g.grads, err = gorgonia.Grad(loss, m.Parameters()...); err != nil {
		return nil, err
	}
	g.machine, err = machine.New(vars, g.grads...)
	return g, err
}

// at is the mean gradient of the examples that index lists.
func (g *gradient) at(index []int32) ([]float64, error) {
	if err := g.vars.Set(g.index, index); err != nil {
		return nil, err
	}
	if err := g.machine.RunAll(); err != nil {
		return nil, err
	}
	return g.machine.AppendFloats(nil, g.grads)
}
