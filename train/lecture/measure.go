package lecture

import (
	"context"
	"math"

	"gonum.org/v1/gonum/stat"
	"largestep/data"
	"largestep/nets/op"
	"largestep/train/schedule"
	"largestep/train/trainer"
)

// Number is what was measured, and what theory says.
type Number struct {
	Name             string
	Measured, Theory float64
}

// single is one example a step, by SGD.
var single = trainer.StepOptions{Batch: 1, Parts: 1}

// squares are the mean square distances from the optimum of several runs, after
// the steps that are noted.
type squares struct{ steps, distance []float64 }

// distances runs SGD with each seed from x0, and notes every step of the list.
func distances(ctx context.Context, q quadratic, how data.Sampling, s schedule.Schedule, x0 float64, total int, at []int, seeds int) (squares, error) {
	d, err := newDescent(q, single)
	if err != nil {
		return squares{}, err
	}
	n, best := len(q.b), q.optimum()
	out := squares{distance: make([]float64, len(at))}
	for _, step := range at {
		out.steps = append(out.steps, float64(step))
	}
	for seed := range seeds {
		if err := ctx.Err(); err != nil {
			return out, trainer.ErrInterrupted
		}
		if err := d.start(x0); err != nil {
			return out, err
		}
		var order []int32
		for t, k := 0, 0; t < total && k < len(at); t++ {
			if t%n == 0 {
				order = data.Order(uint64(seed), t/n, n, how)
			}
			x, err := d.run(order[t%n:t%n+1], s.StepSize(t, total))
			if err != nil {
				return out, err
			}
			if t+1 == at[k] {
				out.distance[k] += (x[0] - best) * (x[0] - best) / float64(seeds)
				k++
			}
		}
	}
	return out, nil
}

// slope is that of a line through the logarithms from the fraction from of the
// points on.
func slope(x, y []float64, from float64) float64 {
	var lx, ly []float64
	for i := int(from * float64(len(x))); i < len(x); i++ {
		lx, ly = append(lx, math.Log(x[i])), append(ly, math.Log(y[i]))
	}
	_, b := stat.LinearRegression(lx, ly, nil, false)
	return b
}

// spread are about so many steps up to total, evenly in their logarithms, each a
// multiple of unit.
func spread(total, unit, count int) (steps []int) {
	for k := range count {
		s := int(math.Pow(float64(total/unit), float64(k)/float64(count-1))) * unit
		if len(steps) == 0 || s > steps[len(steps)-1] {
			steps = append(steps, s)
		}
	}
	return steps
}

// neighbourhood is the mean square distance at which SGD of a constant step size
// stays, against the step size: η²σ²/(2ηh − η²·mean a⁴) with the variance σ² of the
// gradients at the optimum and the curvature h; about ησ²/2h.
func neighbourhood(ctx context.Context, q quadratic) (etas, measured, theory []float64, err error) {
	const total, from, seeds = 30_000, 5_000, 2
	var at []int
	for step := from; step <= total; step += 5 {
		at = append(at, step)
	}
	h, fourth, noise := q.curvature(), q.mean(func(a, _ float64) float64 { return a * a * a * a }), q.gradientNoise(q.optimum())
	for eta := 0.005; eta < 0.7; eta *= 2 {
		d, err := distances(ctx, q, data.WithReplacement, schedule.Constant(eta), q.optimum(), total, at, seeds)
		if err != nil {
			return nil, nil, nil, err
		}
		etas, measured = append(etas, eta), append(measured, stat.Mean(d.distance, nil))
		theory = append(theory, eta*eta*noise/(2*eta*h-eta*eta*fourth))
	}
	return etas, measured, theory, nil
}

// variances are those of the mini-batch gradient at x0 against the batch, with
// replacement and without: σ²/b, and σ²/b·(n − b)/(n − 1).
func variances(q quadratic, how data.Sampling) (batch, measured []float64, err error) {
	const draws, x0 = 4000, 3
	n := len(q.b)
	for b := 1; b < n; b *= 2 {
		d, err := newDescent(q, trainer.StepOptions{Batch: b, Parts: 1})
		if err != nil {
			return nil, nil, err
		}
		gradients := make([]float64, draws)
		for k := range gradients {
			if err := d.start(x0); err != nil {
				return nil, nil, err
			}
			x, err := d.run(data.Order(uint64(b), k, n, how)[:b], 1)
			if err != nil {
				return nil, nil, err
			}
			gradients[k] = x0 - x[0]
		}
		batch, measured = append(batch, float64(b)), append(measured, stat.Variance(gradients, nil))
	}
	return batch, measured, nil
}

// ravine is ½(x² + 100y²).
var ravine = quadratic{a: []float64{math.Sqrt2, 0, 0, 10 * math.Sqrt2}, b: []float64{0, 0}, dims: 2}

// ravineSteps is how long it is descended.
const ravineSteps = 150

// descendRavine is the distance from the optimum, step by step.
func descendRavine(eta, momentum float64) (distance []float64, err error) {
	d, err := newDescent(ravine, trainer.StepOptions{Batch: 2, Parts: 1, SGD: op.SGD{Momentum: momentum}})
	if err != nil {
		return nil, err
	}
	if err := d.start(1, 1); err != nil {
		return nil, err
	}
	for range ravineSteps {
		x, err := d.run([]int32{0, 1}, eta)
		if err != nil {
			return nil, err
		}
		distance = append(distance, math.Hypot(x[0], x[1]))
	}
	return distance, nil
}
