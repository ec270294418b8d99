package problem

import (
	"gorgonia.org/gorgonia"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/machine"
)

// WeightedGradient takes Σ w_i ∇f_i as the gradient of Σ c_i h(x_i), in which the c_i
// = w_i l'(h(x_i), y_i) are constants; the norm of the weights drops out, as the sum of
// the w_i is 0. Targets are without label noise.
func (p *Vectors) WeightedGradient(vars *machine.Variables, sum func(parameter string) string) (func(weights []float64) error, error) {
	predictions, err := p.newSampleLoss(vars, "train", p.Train)
	if err != nil {
		return nil, err
	}
	outputs, err := p.weighted(sum)
	if err != nil {
		return nil, err
	}
	gradient, err := machine.New(vars, outputs...)
	if err != nil {
		return nil, err
	}
	return func(weights []float64) error {
		if err := predictions.machine.RunAll(); err != nil {
			return err
		}
		h, err := predictions.machine.Floats(predictions.h)
		if err != nil {
			return err
		}
		c := make([]float64, len(h))
		for i, w := range weights {
			c[i] = w * p.Fit.Slope(h[i], p.Train.Y[i])
		}
		if err := vars.SetFloats(varCoefficients, c); err != nil {
			return err
		}
		return gradient.RunAll()
	}, nil
}

const varCoefficients = "weighted/coefficients"

// weighted is the gradient of Σ c_i h(x_i), left in variables.
func (p *Vectors) weighted(sum func(parameter string) string) ([]*gorgonia.Node, error) {
	m := nets.NewModel(p.Dtype(), true)
	n := p.Examples()
	h, err := p.Net.Output(m, m.Input("train/x", m.Dtype, n, p.Train.Dims()))
	if err != nil {
		return nil, err
	}
	if h, err = op.Multiply(h, m.Input(varCoefficients, m.Dtype, h.Shape()...)); err != nil {
		return nil, err
	}
	total, err := op.MeanLoss(op.Loss{Kind: op.Prediction, Scale: float64(n)}, h, m.Input("train/y", m.Dtype, n))
	if err != nil {
		return nil, err
	}
	grads, err := gorgonia.Grad(total, m.Parameters()...)
	if err != nil {
		return nil, err
	}
	var sums gorgonia.Nodes
	for _, w := range m.Parameters() {
		sums = append(sums, m.Input(sum(w.Name()), m.Dtype, w.Shape()...))
	}
	zero := m.Input("weighted/decay", m.Dtype) // never set
	return op.Accumulate(sums, grads, zero, 1)
}
