package pass

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"largestep/train/machine/cpu/pool"
)

func TestBatchNorm(t *testing.T) {
	eachKernels(t, func(t *testing.T) {
		shapes(t, func(t *testing.T, rows, channels int) {
			for _, relu := range []bool{false, true} {
				for _, residual := range []bool{false, true} {
					testBatchNorm(t, rows, channels, relu, residual)
				}
			}
		})
	})
}

// newBatchNorm has inputs with means from 0 to 30 deviations.
func newBatchNorm(z *zone, rows, channels int, relu, residual bool) *BatchNorm {
	b := &BatchNorm{
		X: Floats(z.normal(rows*channels, 0, 1)), Y: Floats(z.alloc(rows * channels)), ReLU: relu,
		Gamma: z.normal(channels, 1, 0.3), Beta: z.normal(channels, 0, 1),
		RunningMean: z.normal(channels, 0, 1), RunningVar: z.normal(channels, 2, 0.1),
		Mean: z.alloc(channels), InvStd: z.alloc(channels),
		Eps: 1e-5, Momentum: 0.1,
	}
	for i := range b.X.Floats {
		b.X.Floats[i] += float32(i % channels % 4 * 10)
	}
	if residual {
		b.Residual = Floats(z.normal(rows*channels, 0, 1))
	}
	return b
}

func testBatchNorm(t *testing.T, rows, channels int, relu, residual bool) {
	z := newZone()
	b := newBatchNorm(z, rows, channels, relu, residual)
	want := naiveBatchNorm(b)
	runningMean, runningVar := z.clone(b.RunningMean), z.clone(b.RunningVar)
	b.Train(pool.New(1))
	want.check(t, b)
	withPools(t, func(t *testing.T, p *pool.Pool) {
		for _, alias := range []string{"none", "x", "residual"} {
			c := *b
			c.Y = Floats(z.alloc(rows * channels))
			c.RunningMean, c.RunningVar = z.clone(runningMean), z.clone(runningVar)
			switch {
			case alias == "x":
				c.X = c.Y
				copy(c.X.Floats, b.X.Floats)
			case alias == "residual" && residual:
				c.Residual = c.Y
				copy(c.Residual.Floats, b.Residual.Floats)
			}
			c.Train(p)
			what := fmt.Sprintf("alias %s, %d threads: ", alias, p.Threads())
			sameBits(t, what+"y", c.Y.Floats, b.Y.Floats)
			sameBits(t, what+"running mean", c.RunningMean, b.RunningMean)
			sameBits(t, what+"running variance", c.RunningVar, b.RunningVar)
		}
		testInference(t, p, b)
	})
	z.check(t)
}

type batchNormResult struct{ y, mean, invStd, runningMean, runningVar []float64 }

func naiveBatchNorm(b *BatchNorm) *batchNormResult {
	channels := len(b.Gamma)
	n := float64(b.X.len() / channels)
	r := &batchNormResult{y: make([]float64, b.X.len())}
	for c := range channels {
		var mean, variance float64
		for i := c; i < b.X.len(); i += channels {
			mean += float64(b.X.Floats[i]) / n
		}
		for i := c; i < b.X.len(); i += channels {
			variance += (float64(b.X.Floats[i]) - mean) * (float64(b.X.Floats[i]) - mean) / n
		}
		r.mean = append(r.mean, mean)
		r.invStd = append(r.invStd, 1/math.Sqrt(variance+float64(b.Eps)))
		r.runningMean = append(r.runningMean, 0.9*float64(b.RunningMean[c])+0.1*mean)
		r.runningVar = append(r.runningVar, 0.9*float64(b.RunningVar[c])+0.1*variance*n/(n-1))
	}
	for i := range r.y {
		r.y[i] = naiveOutput(b, i, r.mean[i%channels], r.invStd[i%channels])
	}
	return r
}

func naiveOutput(b *BatchNorm, i int, mean, invStd float64) float64 {
	c := i % len(b.Gamma)
	y := float64(b.Gamma[c])*(float64(b.X.Floats[i])-mean)*invStd + float64(b.Beta[c])
	if !b.Residual.none() {
		y += float64(b.Residual.Floats[i])
	}
	if b.ReLU {
		y = max(y, 0)
	}
	return y
}

func (r *batchNormResult) check(t *testing.T, got *BatchNorm) {
	t.Helper()
	near(t, "mean", got.Mean, r.mean, 1e-6, 1)
	near(t, "invstd", got.InvStd, r.invStd, 1e-5, 0)
	near(t, "running mean", got.RunningMean, r.runningMean, 1e-6, 1)
	near(t, "running variance", got.RunningVar, r.runningVar, 1e-5, 0)
	near(t, "y", got.Y.Floats, r.y, 1e-5, 1)
}

func testInference(t *testing.T, p *pool.Pool, b *BatchNorm) {
	t.Helper()
	z := newZone()
	c := *b
	c.Y = Floats(z.alloc(b.X.len()))
	if !b.Residual.none() {
		c.Residual = Floats(z.normal(b.X.len(), 0, 1))
	}
	c.Infer(p)
	want := make([]float64, c.X.len())
	for i := range want {
		channel := i % len(c.Gamma)
		want[i] = naiveOutput(&c, i, float64(c.RunningMean[channel]), 1/math.Sqrt(float64(c.RunningVar[channel])+1e-5))
	}
	near(t, "y in inference", c.Y.Floats, want, 1e-5, 1)
	z.check(t)
}

// A mean of a thousand deviations leaves float32 inputs with four digits of
// variation; the statistics must not lose more.
func TestBatchNormLargeMean(t *testing.T) {
	eachKernels(t, func(t *testing.T) {
		p := pool.New(2)
		defer p.Close()
		z := newZone()
		b := newBatchNorm(z, 5000, 6, false, false)
		for i := range b.X.Floats {
			b.X.Floats[i] = float32(1000 + z.NormFloat64())
		}
		b.X.Floats[0] = 1030 // an outlier in the first row
		want := naiveBatchNorm(b)
		b.Train(p)
		near(t, "mean", b.Mean, want.mean, 1e-7, 0)
		near(t, "invstd", b.InvStd, want.invStd, 1e-5, 0)
		near(t, "y", b.Y.Floats, want.y, 1e-5, 1)
	})
}

func TestBatchNormKeepsNaN(t *testing.T) {
	eachKernels(t, func(t *testing.T) {
		p := pool.New(1)
		z := newZone()
		b := newBatchNorm(z, 100, 16, true, true)
		b.X.Floats[16*50+3] = float32(math.NaN())
		b.Train(p)
		for i, v := range b.Y.Floats {
			if (v != v) != (i%16 == 3) {
				t.Fatalf("y[%d] = %v with a NaN in channel 3", i, v)
			}
		}
	})
}

func TestBatchNormGrad(t *testing.T) {
	eachKernels(t, func(t *testing.T) {
		shapes(t, func(t *testing.T, rows, channels int) {
			for _, relu := range []bool{false, true} {
				for _, residual := range []bool{false, true} {
					testBatchNormGrad(t, rows, channels, relu, residual)
				}
			}
		})
	})
}

func testBatchNormGrad(t *testing.T, rows, channels int, relu, residual bool) {
	z := newZone()
	n := rows * channels
	b := &BatchNormGrad{
		DY: Floats(z.normal(n, 0.1, 1)), X: Floats(z.normal(n, 3, 1)),
		Gamma: z.normal(channels, 1, 0.3), Mean: z.normal(channels, 3, 0.1), InvStd: z.normal(channels, 1, 0.1),
		DX: Floats(z.alloc(n)), DGamma: z.alloc(channels), DBeta: z.alloc(channels),
	}
	if relu {
		b.Y = Floats(z.normal(n, 0, 1))
		for i, v := range b.Y.Floats {
			b.Y.Floats[i] = max(v, 0)
		}
	}
	if residual {
		b.DResidual = Floats(z.alloc(n))
	}
	p := pool.New(1)
	b.Run(p)
	naiveBatchNormGrad(b).check(t, b)
	withPools(t, func(t *testing.T, p *pool.Pool) {
		c := *b
		c.DX, c.DGamma, c.DBeta, c.DY = Floats(z.alloc(n)), z.alloc(channels), z.alloc(channels), Floats(z.clone(b.DY.Floats))
		what := fmt.Sprintf("%d threads, in place", p.Threads())
		if residual {
			c.DResidual = c.DY
		} else {
			c.DX = c.DY
		}
		c.Run(p)
		sameBits(t, "dx, "+what, c.DX.Floats, b.DX.Floats)
		sameBits(t, "dgamma, "+what, c.DGamma, b.DGamma)
		sameBits(t, "dbeta, "+what, c.DBeta, b.DBeta)
		sameBits(t, "dresidual, "+what, c.DResidual.Floats, b.DResidual.Floats)
	})
	z.check(t)
}

// Without a residual the mask of ReLU follows from x: to the same bits as from the y that
// the saved statistics give, where that is 0 and where it is NaN, too.
func TestBatchNormGradOfX(t *testing.T) {
	eachKernels(t, func(t *testing.T) {
		shapes(t, func(t *testing.T, rows, channels int) {
			if rows < 2 {
				return
			}
			z := newZone()
			n := newBatchNorm(z, rows, channels, true, false)
			n.Beta[0], n.Gamma[channels-1], n.Beta[channels-1] = 0, 0, 0 // this channel's y is 0
			if channels > 2 {
				n.X.Floats[1] = float32(math.NaN())
			}
			p := pool.New(1)
			n.Train(p)
			scale := z.alloc(channels)
			for c := range scale {
				scale[c] = n.Gamma[c] * n.InvStd[c]
			}
			normalise(n.Y.Floats, n.X.Floats, nil, slices.Concat(n.Mean, scale, n.Beta), channels, 0)
			want := &BatchNormGrad{
				DY: Floats(z.normal(rows*channels, 0.1, 1)), X: n.X, Y: n.Y, Gamma: n.Gamma, Mean: n.Mean, InvStd: n.InvStd,
				DX: Floats(z.alloc(rows * channels)), DGamma: z.alloc(channels), DBeta: z.alloc(channels),
			}
			want.Run(p)
			withPools(t, func(t *testing.T, p *pool.Pool) {
				got := *want
				got.Y, got.Beta, got.DGamma, got.DBeta = Matrix{}, n.Beta, z.alloc(channels), z.alloc(channels)
				got.DY = Floats(z.clone(want.DY.Floats))
				got.DX = got.DY
				got.Run(p)
				sameBits(t, "dx in dy's place", got.DX.Floats, want.DX.Floats)
				sameBits(t, "dgamma", got.DGamma, want.DGamma)
				sameBits(t, "dbeta", got.DBeta, want.DBeta)
			})
			z.check(t)
		})
	})
}

type batchNormGradResult struct{ dx, g, dgamma, dbeta []float64 }

func naiveBatchNormGrad(b *BatchNormGrad) *batchNormGradResult {
	channels := len(b.Gamma)
	n := float64(b.X.len() / channels)
	r := &batchNormGradResult{dx: make([]float64, b.X.len()), g: wide(b.DY.Floats), dgamma: make([]float64, channels), dbeta: make([]float64, channels)}
	normalised := func(i int) float64 {
		return (float64(b.X.Floats[i]) - float64(b.Mean[i%channels])) * float64(b.InvStd[i%channels])
	}
	for i := range r.g {
		if !b.Y.none() && b.Y.Floats[i] <= 0 {
			r.g[i] = 0
		}
		r.dbeta[i%channels] += r.g[i]
		r.dgamma[i%channels] += r.g[i] * normalised(i)
	}
	for i := range r.dx {
		c := i % channels
		r.dx[i] = float64(b.Gamma[c]) * float64(b.InvStd[c]) * (r.g[i] - r.dbeta[c]/n - normalised(i)*r.dgamma[c]/n)
	}
	return r
}

func (r *batchNormGradResult) check(t *testing.T, got *BatchNormGrad) {
	t.Helper()
	size := math.Sqrt(float64(len(r.dx) / len(r.dbeta)))
	near(t, "dbeta", got.DBeta, r.dbeta, 1e-6, size)
	near(t, "dgamma", got.DGamma, r.dgamma, 1e-6, size)
	near(t, "dx", got.DX.Floats, r.dx, 2e-6, 1)
	if !got.DResidual.none() {
		near(t, "dresidual", got.DResidual.Floats, r.g, 1e-6, 1)
	}
}

func TestBatchNormDoesNotAllocate(t *testing.T) {
	p := pool.New(2)
	defer p.Close()
	b := newBatchNorm(newZone(), 4000, 16, true, true)
	g := BatchNormGrad{
		DY: b.Residual, X: b.X, Y: b.Y, Gamma: b.Gamma, Mean: b.Mean, InvStd: b.InvStd,
		DX: Floats(make([]float32, b.X.len())), DGamma: make([]float32, 16), DBeta: make([]float32, 16),
	}
	allocs := testing.AllocsPerRun(50, func() {
		b.Train(p)
		g.Run(p)
		Add(p, g.DX, g.DX, b.X)
	})
	if allocs >= 1 && !raceEnabled {
		t.Errorf("%v allocations", allocs)
	}
}
