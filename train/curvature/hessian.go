package curvature

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"largestep/metrics/measure"
	"largestep/nets"
	"largestep/train/instances/numpy"
)

// Hessian is that of the mean loss of all mini-batches.
func (p *Probe) Hessian() measure.Operator {
	term := make([]float64, p.size)
	return func(dst, v []float64) error {
		clear(dst)
		for k := range p.batches {
			if err := p.Product(term, v, k); err != nil {
				return err
			}
			floats.AddScaled(dst, 1/float64(p.batches), term)
		}
		return nil
	}
}

// Eigenvalues are the largest of the Hessian. The search begins, where o has no
// Start, with the gradient, of which much lies among the first eigenvectors: that is
// as good a beginning as the eigenvectors of an epoch before, and needs no memory of
// them. A tenth of it is random, so that nothing is out of its reach.
func (p *Probe) Eigenvalues(o measure.EigenOptions) (*measure.Eigen, error) {
	if o.Start == nil {
		g, err := p.meanGradient()
		if err != nil {
			return nil, err
		}
		if norm := floats.Norm(g, 2); norm > 0 {
			rng := rand.New(rand.NewPCG(1, 1))
			for i := range g {
				g[i] += 0.1 * norm / math.Sqrt(float64(p.size)) * rng.NormFloat64()
			}
			o.Start = [][]float64{g}
		}
	}
	return measure.LargestEigenvalues(p.Hessian(), p.size, o)
}

func (p *Probe) meanGradient() ([]float64, error) {
	g, mean := make([]float64, p.size), make([]float64, p.size)
	for k := range p.batches {
		if _, err := p.Gradient(g, k); err != nil {
			return nil, err
		}
		floats.AddScaled(mean, 1/float64(p.batches), g)
	}
	return mean, nil
}

// TraceSeed draws the signs of Trace.
const TraceSeed = 1

// Trace is an estimate of the Hessian's trace from its products with random signs,
// always the same ones, and its standard error. They are those of numpy's
// RandomState(TraceSeed).random_sample(), +1 from 0.5 up, so that others can check it.
func (p *Probe) Trace(vectors int) (trace, standardError float64, err error) {
	rng := numpy.NewRandomState(TraceSeed)
	return measure.Trace(p.Hessian(), p.size, vectors, func(v []float64) {
		for i := range v {
			v[i] = -1
			if rng.Float64() >= 0.5 {
				v[i] = 1
			}
		}
	})
}

// Gradients is what the gradients of the mini-batches say together.
type Gradients struct {
	Norm float64 // of their mean
	// Noise is the trace of their covariance, 0 of one mini-batch; NoiseScale
	// that of single examples' relative to the squared Norm, the mini-batch size
	// beyond which noise no longer matters (McCandlish et al. 2018): Batch·Noise/Norm².
	Noise, NoiseScale float64
}

// Gradients goes through the mini-batches.
func (p *Probe) Gradients() (Gradients, error) {
	g, mean := make([]float64, p.size), make([]float64, p.size)
	squares, n := 0.0, float64(p.batches)
	for k := range p.batches {
		if _, err := p.Gradient(g, k); err != nil {
			return Gradients{}, err
		}
		floats.AddScaled(mean, 1/n, g)
		squares += floats.Dot(g, g) / n
	}
	r := Gradients{Norm: floats.Norm(mean, 2)}
	if p.batches > 1 {
		r.Noise = (squares - r.Norm*r.Norm) * n / (n - 1)
	}
	r.NoiseScale = float64(p.batch) * r.Noise / (r.Norm * r.Norm)
	return r, nil
}

// BatchSharpness is the mean over mini-batches of gᵀHg/‖g‖², with g and H of the
// same mini-batch (arXiv 2412.20553), those of which g is 0 left out.
func (p *Probe) BatchSharpness() (float64, error) {
	g, image := make([]float64, p.size), make([]float64, p.size)
	return p.meanCurvature(func(k int) (c float64, known bool, err error) {
		if _, err := p.Gradient(g, k); err != nil {
			return 0, false, err
		}
		square := floats.Dot(g, g)
		if square == 0 {
			return 0, false, nil
		}
		err = p.Product(image, g, k)
		return floats.Dot(g, image) / square, true, err
	})
}

// BatchSharpnessByLosses is BatchSharpness from the loss after a step of the size
// eta: right where the loss is quadratic as far as that. Mini-batches are left out of
// which rounding of the losses hides it. It needs no second derivatives.
func (p *Probe) BatchSharpnessByLosses(eta float64) (float64, error) {
	x, err := p.Point()
	if err != nil {
		return 0, err
	}
	g, moved := make([]float64, p.size), make([]float64, p.size)
	return p.meanCurvature(func(k int) (c float64, known bool, err error) {
		loss, err := p.Gradient(g, k)
		if err != nil {
			return 0, false, err
		}
		floats.AddScaledTo(moved, x, -eta, g)
		if err := p.Move(moved); err != nil {
			return 0, false, err
		}
		after, err := p.Loss(k)
		if err != nil {
			return 0, false, err
		}
		c, known = measure.CurvatureByLosses(loss, after, floats.Dot(g, g), eta, nets.Mantissa(p.model.Dtype))
		return c, known, p.Move(x)
	})
}

// meanCurvature is the mean over the mini-batches that have one, NaN if none has.
func (p *Probe) meanCurvature(of func(k int) (c float64, known bool, err error)) (mean float64, err error) {
	sum, n := 0.0, 0
	for k := range p.batches {
		c, known, err := of(k)
		if err != nil {
			return 0, err
		}
		if known {
			sum, n = sum+c, n+1
		}
	}
	return sum / float64(n), nil
}
