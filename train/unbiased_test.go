package train

import (
	"context"
	"testing"

	"largestep/data"
	"largestep/nets"
	"largestep/nets/op"
)

func TestUnbiased(t *testing.T) {
	p := &Vectors{Net: nets.Diagonal{U: 0.5, V: 0.2}, Fit: op.Loss{Kind: op.Squared, Scale: 0.5}, Train: sparseRegression(12, 5, 2)}
	u := Unbiased{Engine: op.Reference{}, Problem: p, Seed: 3, Repeats: 5000, Draws: []int{100, 10_000}, StepSize: 0.1}
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
