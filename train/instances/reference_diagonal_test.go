package instances

import (
	"fmt"
	"testing"

	"largestep/metrics/measure"
)

// diagonalRun trains ⟨u ⊙ v, x⟩ on ‖Xβ − y‖²/(2n) by plain loops, independently
// of the trainer: on one example a step in the problem's order, or on the whole
// gradient. The step size is divided by the factor from the fraction decayAt of
// the steps on.
type diagonalRun struct {
	p        *Problem
	u, v     []float64
	stepSize float64
	decayAt  float64
	factor   float64
	full     bool
}

func newDiagonalRun(p *Problem, stepSize, decayAt, factor float64) *diagonalRun {
	return &diagonalRun{
		p: p, stepSize: stepSize, decayAt: decayAt, factor: factor,
		u: append([]float64(nil), p.Student[0].Values...),
		v: append([]float64(nil), p.Student[1].Values...),
	}
}

func (r *diagonalRun) train(steps int) (losses []float64) {
	losses = make([]float64, 0, steps)
	for step := range steps {
		eta := r.stepSize
		if float64(step) >= r.decayAt*float64(steps) {
			eta /= r.factor
		}
		if r.full {
			losses = append(losses, r.gradientStep(eta))
		} else {
			losses = append(losses, r.stochasticStep(eta, int(r.p.Order[step])))
		}
	}
	return losses
}

func (r *diagonalRun) stochasticStep(eta float64, example int) (loss float64) {
	d := len(r.u)
	x := r.p.Train.Inputs[example*d : (example+1)*d]
	h := 0.0
	for j, xj := range x {
		h += float64(r.u[j] * r.v[j] * xj)
	}
	residual := h - r.p.Train.Labels[example]
	for j, xj := range x {
		g := eta * residual * xj
		r.u[j], r.v[j] = r.u[j]-float64(g*r.v[j]), r.v[j]-float64(g*r.u[j])
	}
	return residual * residual / 2
}

func (r *diagonalRun) gradientStep(eta float64) (loss float64) {
	n, d := r.p.Train.N, len(r.u)
	beta, g := make([]float64, d), make([]float64, d)
	for j := range beta {
		beta[j] = r.u[j] * r.v[j]
	}
	for i := range n {
		x := r.p.Train.Inputs[i*d : (i+1)*d]
		residual := dot(x, beta) - r.p.Train.Labels[i]
		loss += residual * residual / 2 / float64(n)
		for j, xj := range x {
			g[j] += float64(residual * xj)
		}
	}
	for j := range g {
		c := eta / float64(n) * g[j]
		r.u[j], r.v[j] = r.u[j]-float64(c*r.v[j]), r.v[j]-float64(c*r.u[j])
	}
	return loss
}

// loss is ‖Xβ − y‖²/(2n) on the examples.
func (r *diagonalRun) loss(e Examples) (loss float64) {
	for i := range e.N {
		h := 0.0
		for j := range r.u {
			h += r.u[j] * r.v[j] * e.Inputs[i*e.D+j]
		}
		loss += (h - e.Labels[i]) * (h - e.Labels[i]) / 2 / float64(e.N)
	}
	return loss
}

// rank is that of the Jacobian [x ⊙ v, x ⊙ u] on as many test inputs as there
// are parameters.
func (r *diagonalRun) rank(t testing.TB) int {
	d := len(r.u)
	var jacobian []float64
	for i := range 2 * d {
		x := r.p.Test.Inputs[i*d : (i+1)*d]
		for j := range x {
			jacobian = append(jacobian, x[j]*r.v[j])
		}
		for j := range x {
			jacobian = append(jacobian, x[j]*r.u[j])
		}
	}
	s, err := measure.SingularValues(jacobian, 2*d, 2*d)
	if err != nil {
		t.Fatal(err)
	}
	return measure.Rank(s, measure.RankToleranceDiagonal)
}

// The wanted numbers are those of the authors' code in NumPy on the same data
// and order. At the large step size another order of summation is another run,
// which may end with another test loss, or diverge after a longer large phase.
func TestDiagonalSGD(t *testing.T) {
	p, err := Diagonal(Paper, DiagonalSGD, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		stepSize, decayAt, factor float64
		leastTest, mostTest       float64
		l0, rank                  float64
	}{
		{0.25, 1, 1, 3.55e-3, 3.65e-3, 200, 200},
		{0.282, 0.1, 4.8, 1e-4, 1e-3, 154, 102},
	} {
		r := newDiagonalRun(p, c.stepSize, c.decayAt, c.factor)
		losses := r.train(diagonalSteps)
		test, l0, rank := r.loss(p.Test), measure.L0(r.u, r.v), r.rank(t)
		t.Logf("step size %v, decay at %v: train %.2e, test %.2e, ℓ0 %d, rank %d", c.stepSize, c.decayAt, r.loss(p.Train), test, l0, rank)
		if !(test > c.leastTest && test < c.mostTest) {
			t.Errorf("step size %v, decay at %v: test loss %.2e, want %.2e to %.2e", c.stepSize, c.decayAt, test, c.leastTest, c.mostTest)
		}
		if !within(0.15, float64(l0), c.l0) || !within(0.15, float64(rank), c.rank) {
			t.Errorf("step size %v, decay at %v: ℓ0 %d, rank %d; want about %v, %v", c.stepSize, c.decayAt, l0, rank, c.l0, c.rank)
		}
		// The loss stands still under the large step size alone.
		plateau, ok := measure.FindPlateau(losses[:int(c.decayAt*diagonalSteps)])
		if large := c.stepSize > 0.25; ok != large || large && !(plateau.Level > 0.03 && plateau.Level < 0.1) {
			t.Errorf("step size %v, decay at %v: plateau %+v, %v", c.stepSize, c.decayAt, plateau, ok)
		}
	}
}

// Published: the paper's numbers for gradient descent.
func TestDiagonalGD(t *testing.T) {
	if testing.Short() {
		t.Skip("runs for seconds")
	}
	p, err := Diagonal(Paper, DiagonalGD, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		stepSize, decayAt, factor, test, l0 float64
	}{
		{2, 1, 1, .168, 100},
		{3.53, 0.1, 4.8, .449, 86},
		{3.53, 0.3, 3.4, .438, 80},
		{3.53, 0.5, 1.5, .497, 78},
	} {
		t.Run(fmt.Sprint(c.stepSize, " until ", c.decayAt), func(t *testing.T) {
			t.Parallel()
			r := newDiagonalRun(p, c.stepSize, c.decayAt, c.factor)
			r.full = true
			r.train(diagonalSteps)
			test, l0 := r.loss(p.Test), measure.L0(r.u, r.v)
			t.Logf("train %.2e, test %.3f, ℓ0 %d", r.loss(p.Train), test, l0)
			if !(test > c.test/1.5 && test < c.test*1.5) || !within(0.15, float64(l0), c.l0) {
				t.Errorf("test loss %.3f, ℓ0 %d; want about %.3f, %v", test, l0, c.test, c.l0)
			}
		})
	}
}

func BenchmarkDiagonalSGD(b *testing.B) {
	p, err := Diagonal(Paper, DiagonalSGD, 0)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		newDiagonalRun(p, 0.25, 1, 1).train(diagonalSteps)
	}
}

func BenchmarkDiagonalProblem(b *testing.B) {
	for b.Loop() {
		Diagonal(Paper, DiagonalSGD, 0)
	}
}
