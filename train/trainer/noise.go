package trainer

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/stat"
	"gorgonia.org/gorgonia"
	"largestep/train/machine"
	"largestep/train/run"
)

// ErrNoCovariance is returned where a problem cannot weigh its terms.
var ErrNoCovariance = errors.New("the problem's terms cannot be weighed, as noise of their covariance needs")

// gradientNoise fills the variables that are added to the gradient.
type gradientNoise struct {
	run.GradientNoise
	vars       *machine.Variables
	parameters gorgonia.Nodes
	size       int                           // of the parameters together, or the number of examples
	weighted   func(weights []float64) error // of covariance noise; nil of isotropic
	still      bool                          // whether there is none in the variables
}

func newGradientNoise(vars *machine.Variables, p Problem, noise run.GradientNoise, parameters gorgonia.Nodes) (*gradientNoise, error) {
	n := &gradientNoise{GradientNoise: noise, vars: vars, parameters: parameters}
	if noise.Shape == run.Isotropic {
		for _, w := range parameters {
			n.size += w.Shape().TotalSize()
		}
		return n, nil
	}
	w, ok := p.(Weighted)
	if !ok {
		return nil, ErrNoCovariance
	}
	n.size = p.Examples()
	var err error
	n.weighted, err = w.WeightedGradient(vars, func(parameter string) string { return noisePrefix + parameter })
	return n, err
}

// NoiseLen is how many normal numbers MiniBatch.Noise has.
func (s *Step) NoiseLen() int {
	if s.noise == nil {
		return 0
	}
	return s.noise.size
}

// set draws the noise of a step with standard normal numbers z. With z one for each
// of n terms, (1/√n) Σ z_i (∇f_i − ∇f) has their covariance; it is the weighted sum of
// the ∇f_i with weights (z_i − z̄)/√n.
func (n *gradientNoise) set(z []float64) error {
	if z == nil {
		if n.still {
			return nil
		}
		n.still = true
		return n.fill(make([]float64, n.total()))
	}
	n.still = false
	scaled := make([]float64, len(z))
	if n.weighted == nil {
		for i, v := range z {
			scaled[i] = n.Deviation * v
		}
		return n.fill(scaled)
	}
	mean, scale := stat.Mean(z, nil), n.Deviation/math.Sqrt(float64(len(z)))
	for i, v := range z {
		scaled[i] = scale * (v - mean)
	}
	return n.weighted(scaled)
}

func (n *gradientNoise) total() (size int) {
	for _, w := range n.parameters {
		size += w.Shape().TotalSize()
	}
	return size
}

// fill sets the variables, one after the other.
func (n *gradientNoise) fill(x []float64) error {
	for _, w := range n.parameters {
		size := w.Shape().TotalSize()
		if err := n.vars.SetFloats(noisePrefix+w.Name(), x[:size]); err != nil {
			return err
		}
		x = x[size:]
	}
	return nil
}
