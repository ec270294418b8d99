package trainer_test

import (
	"context"
	"math"
	"testing"

	"gonum.org/v1/gonum/floats"
	"largestep/data"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/instances"
	"largestep/train/problem"
	"largestep/train/trainer"
)

func TestUnbiased(t *testing.T) {
	p := &problem.Vectors{Net: nets.Diagonal{U: 0.5, V: 0.2}, Fit: op.Loss{Kind: op.Squared, Scale: 0.5}, Train: sparseRegression(t, 12, 5, 2)}
	u := trainer.Unbiased{Engine: op.Reference{}, Problem: p, Seed: 3, Repeats: 5000, Draws: []int{100, 10_000}, StepSize: 0.1}
	r, err := u.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if r.Exact > 1e-13*r.Gradient {
		t.Errorf("the mean of all ∇f_i is off by %g of ‖∇f‖ = %g", r.Exact, r.Gradient)
	}
	for _, s := range r.Samples {
		if s.Error > 3*s.Expected || s.Error < s.Expected/30 {
			t.Errorf("%d draws: error %g, expected about %g", s.K, s.Error, s.Expected)
		}
	}
	if a, b := r.Samples[0].Expected, r.Samples[1].Expected; a/b < 9.9 || a/b > 10.1 {
		t.Errorf("expected errors %g and %g do not shrink as 1/√k", a, b)
	}
	for _, l := range r.Last {
		biased := l.Bias > 5*l.StandardError
		if want := l.Sampling == data.Shuffle; biased != want {
			t.Errorf("%s: bias of the last step %g ± %g", l.Sampling, l.Bias, l.StandardError)
		}
	}
}

// diagonalGradient is that of ½(⟨u⊙v, x⟩ − y)², averaged over the given examples.
func diagonalGradient(w []float64, s problem.Sample, examples ...int) []float64 {
	d := len(w) / 2
	g := make([]float64, len(w))
	for _, i := range examples {
		x := s.X[i*d : (i+1)*d]
		r := -s.Y[i]
		for j := range d {
			r += w[j] * w[d+j] * x[j]
		}
		for j := range d {
			g[j] += r * w[d+j] * x[j] / float64(len(examples))
			g[d+j] += r * w[j] * x[j] / float64(len(examples))
		}
	}
	return g
}

// Of three examples there are six orders, which give the bias exactly.
func TestBiasOfTheLastStep(t *testing.T) {
	const d, eta = 4, 0.3
	s := sparseRegression(t, 3, d, 2)
	bias := make([]float64, 2*d)
	for _, order := range [][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		w := []float64{0.5, 0.5, 0.5, 0.5, 0.2, 0.2, 0.2, 0.2}
		for _, i := range order[:2] {
			floats.AddScaled(w, -eta, diagonalGradient(w, s, i))
		}
		floats.AddScaled(bias, 1./6, diagonalGradient(w, s, order[2]))
		floats.AddScaled(bias, -1./6, diagonalGradient(w, s, 0, 1, 2))
	}
	p := &problem.Vectors{Net: nets.Diagonal{U: 0.5, V: 0.2}, Fit: op.Loss{Kind: op.Squared, Scale: 0.5}, Train: s}
	u := trainer.Unbiased{Engine: op.Reference{}, Problem: p, Seed: 3, Repeats: 4000, StepSize: eta}
	r, err := u.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	last := r.Last[1]
	if want := floats.Norm(bias, 2); !(math.Abs(last.Bias-want) <= 3*last.StandardError) || last.StandardError > want/30 {
		t.Errorf("%s: bias of the last step %g ± %g, want %g", last.Sampling, last.Bias, last.StandardError, want)
	}
}

// sparseRegression is a random instance of the paper's diagonal experiment.
func sparseRegression(t testing.TB, n, d, r int) problem.Sample {
	p, err := instances.Diagonal(instances.Random, instances.DiagonalSize{N: n, D: d, R: r}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return problem.Sample{X: p.Train.Inputs, Y: p.Train.Labels}
}
