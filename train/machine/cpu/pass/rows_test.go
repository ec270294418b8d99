package pass

import (
	"fmt"
	"math"
	"testing"

	"largestep/train/machine/cpu/pool"
)

// apart returns a Matrix of the rows of x with NaNs behind each.
func (z *zone) apart(x []float32, rows int) Matrix {
	const gap = 48
	n := len(x) / rows
	m := Matrix{Floats: z.alloc(rows * (n + gap)), Rows: Rows{n, n + gap}}
	for i := range m.Floats {
		m.Floats[i] = float32(math.NaN())
	}
	for i := range rows {
		copy(m.Floats[i*m.Pitch:], x[i*n:][:n])
	}
	return m
}

// sameRows: got has the rows of want, and between them nothing was written.
func sameRows(t *testing.T, what string, z *zone, got Matrix, want []float32) {
	t.Helper()
	sameBits(t, what, got.Floats, z.apart(want, len(got.Floats)/got.Pitch).Floats)
}

func TestRowsApart(t *testing.T) {
	for _, c := range []struct {
		pixels, images, channels int
		apart                    bool
	}{
		{32, 64, 16, true}, {4, 64, 512, true}, {32, 64, 3, false}, {32, 61, 16, false}, {32, 64, 24, false},
		{1, 64, 16, true}, {2, 1, 512, false},
	} {
		r := RowsOf(c.pixels, c.images, c.channels)
		if r.apart() != c.apart || c.apart && r.Len != c.pixels*c.images*c.channels {
			t.Errorf("%+v: %+v", c, r)
		}
	}
	z := newZone()
	withPools(t, func(t *testing.T, p *pool.Pool) {
		x := z.normal(7*30, 0, 1)
		m, back := z.apart(x, 7), z.alloc(len(x))
		m.Load(p, back)
		sameBits(t, "loaded", back, x)
		stored := z.apart(z.alloc(len(x)), 7)
		stored.Store(p, x)
		sameRows(t, "stored", z, stored, x)
	})
}

// What lies between rows changes no bit, and is not written.
func TestGaps(t *testing.T) {
	eachKernels(t, func(t *testing.T) {
		for _, s := range [][3]int{{3, 256, 16}, {5, 12288, 64}, {40, 768, 48}, {4, 2048, 512}} { // rows, floats of each, channels
			t.Run(fmt.Sprint(s), func(t *testing.T) {
				withPools(t, func(t *testing.T, p *pool.Pool) {
					for _, residual := range []bool{false, true} {
						testGapsOfBatchNorm(t, p, s[0], s[1], s[2], residual)
					}
					testGapsOfOthers(t, p, s[0], s[1], s[2])
				})
			})
		}
		for _, c := range poolings {
			withPools(t, func(t *testing.T, p *pool.Pool) { testGapsOfMaxPool(t, p, c) })
		}
	})
}

func testGapsOfBatchNorm(t *testing.T, p *pool.Pool, rows, floats, channels int, residual bool) {
	z := newZone()
	n := rows * floats
	b := newBatchNorm(z, n/channels, channels, true, residual)
	b.Y = Floats(z.alloc(n))
	c := *b
	c.X, c.Y = z.apart(b.X.Floats, rows), z.apart(b.Y.Floats, rows)
	c.RunningMean, c.RunningVar = z.clone(b.RunningMean), z.clone(b.RunningVar)
	c.Mean, c.InvStd = z.alloc(channels), z.alloc(channels)
	if residual {
		c.Residual = z.apart(b.Residual.Floats, rows)
	}
	b.Train(p)
	c.Train(p)
	sameRows(t, "y", z, c.Y, b.Y.Floats)
	sameBits(t, "mean", c.Mean, b.Mean)
	sameBits(t, "invstd", c.InvStd, b.InvStd)

	g := BatchNormGrad{
		DY: Floats(z.normal(n, 0.1, 1)), X: b.X, Gamma: b.Gamma, Mean: b.Mean, InvStd: b.InvStd,
		DX: Floats(z.alloc(n)), DGamma: z.alloc(channels), DBeta: z.alloc(channels),
	}
	h := g
	h.DY, h.X, h.DX = z.apart(g.DY.Floats, rows), c.X, z.apart(g.DX.Floats, rows)
	h.DGamma, h.DBeta = z.alloc(channels), z.alloc(channels)
	if residual {
		g.Y, h.Y = b.Y, c.Y
		g.DResidual, h.DResidual = Floats(z.alloc(n)), h.DY
	} else {
		g.Beta, h.Beta = b.Beta, b.Beta
	}
	g.Run(p)
	h.Run(p)
	sameRows(t, "dx", z, h.DX, g.DX.Floats)
	sameBits(t, "dgamma", h.DGamma, g.DGamma)
	sameBits(t, "dbeta", h.DBeta, g.DBeta)
	if residual {
		sameRows(t, "dresidual", z, h.DResidual, g.DResidual.Floats)
	}
	b.Infer(p)
	c.Infer(p)
	sameRows(t, "y in inference", z, c.Y, b.Y.Floats)
	testGapsOfTangents(t, p, z, &g, c.X, rows)
	z.check(t)
}

// testGapsOfTangents has the tangents and the inference of g's batch norm.
func testGapsOfTangents(t *testing.T, p *pool.Pool, z *zone, g *BatchNormGrad, gapsX Matrix, rows int) {
	n, channels := g.X.len(), len(g.Gamma)
	y, dotX, dotDY, dy := z.normal(n, 0, 1), z.normal(n, 0, 1), z.normal(n, 0, 1), g.DY.Floats
	gaps := func(x []float32) []float32 { return z.apart(x, rows).Floats }
	per := func() []float32 { return z.alloc(channels) }
	for _, fixed := range []bool{false, true} {
		a := BatchNormTangent{
			X: g.X.Floats, Y: y, Gamma: g.Gamma, Mean: g.Mean, InvStd: g.InvStd, DotX: dotX, DotResidual: dotDY, ReLU: true, Fixed: fixed,
			ResultY: z.alloc(n), ResultMean: per(), ResultInvStd: per(),
		}
		b := a
		b.Rows, b.X, b.Y, b.DotX, b.DotResidual = gapsX.Rows, gapsX.Floats, gaps(y), gaps(dotX), gaps(dotDY)
		b.ResultY, b.ResultMean, b.ResultInvStd = gaps(a.ResultY), per(), per()
		a.Run(p)
		b.Run(p)
		sameBits(t, "mean's tangent", b.ResultMean, a.ResultMean)
		sameRows(t, "y's tangent", z, Matrix{Floats: b.ResultY, Rows: b.Rows}, a.ResultY)

		c := BatchNormGradTangent{
			DY: dy, X: g.X.Floats, Y: y, Gamma: g.Gamma, Mean: g.Mean, InvStd: g.InvStd, DotDY: dotDY, DotX: dotX, ReLU: true, Fixed: fixed,
			ResultX: z.alloc(n), ResultResidual: z.alloc(n), ResultGamma: per(), ResultBeta: per(),
		}
		d := c
		d.Rows, d.DY, d.X, d.Y, d.DotDY, d.DotX = gapsX.Rows, gaps(dy), gapsX.Floats, gaps(y), gaps(dotDY), gaps(dotX)
		d.ResultX, d.ResultResidual, d.ResultGamma, d.ResultBeta = gaps(c.ResultX), gaps(c.ResultResidual), per(), per()
		c.Run(p)
		d.Run(p)
		sameBits(t, "dgamma's tangent", d.ResultGamma, c.ResultGamma)
		sameRows(t, "dx's tangent", z, Matrix{Floats: d.ResultX, Rows: d.Rows}, c.ResultX)
		sameRows(t, "dresidual's tangent", z, Matrix{Floats: d.ResultResidual, Rows: d.Rows}, c.ResultResidual)
	}
	e := BatchNormInferGrad{
		DY: dy, X: g.X.Floats, Y: y, Gamma: g.Gamma, Mean: g.Mean, InvStd: g.InvStd, ReLU: true,
		DX: z.alloc(n), DResidual: z.alloc(n), DGamma: per(), DBeta: per(),
	}
	f := e
	f.Rows, f.DY, f.X, f.Y, f.DX, f.DResidual = gapsX.Rows, gaps(dy), gapsX.Floats, gaps(y), gaps(e.DX), gaps(e.DResidual)
	f.DGamma, f.DBeta = per(), per()
	e.Run(p)
	f.Run(p)
	sameBits(t, "dgamma in inference", f.DGamma, e.DGamma)
	sameRows(t, "dx in inference", z, Matrix{Floats: f.DX, Rows: f.Rows}, e.DX)
	sameRows(t, "dresidual in inference", z, Matrix{Floats: f.DResidual, Rows: f.Rows}, e.DResidual)
}

// testGapsOfOthers has two pixels in a row.
func testGapsOfOthers(t *testing.T, p *pool.Pool, rows, floats, channels int) {
	z := newZone()
	n, pixels := rows*floats, 2*rows
	x, y := z.normal(n, 0, 1), z.normal(n, 0, 1)
	gapsX, gapsY := z.apart(x, rows), z.apart(y, rows)

	sum, gapsSum := z.alloc(n), z.apart(z.alloc(n), rows)
	Add(p, Floats(sum), Floats(x), Floats(y))
	Add(p, gapsSum, gapsX, gapsY)
	for i := range gapsSum.Floats { // it may add gaps, too
		if i%gapsSum.Pitch >= gapsSum.Len {
			gapsSum.Floats[i] = float32(math.NaN())
		}
	}
	sameRows(t, "sum", z, gapsSum, sum)

	mean, gapsMean := z.alloc(floats/2), z.alloc(floats/2)
	AveragePool(p, mean, Floats(x), pixels)
	AveragePool(p, gapsMean, gapsX, pixels)
	sameBits(t, "average", gapsMean, mean)
	AveragePoolGrad(p, Floats(sum), mean, pixels)
	AveragePoolGrad(p, gapsSum, mean, pixels)
	sameRows(t, "gradient of the average", z, gapsSum, sum)

	labels := make([]int32, floats/2/channels)
	for range 2 {
		if got, want := CountPositive(p, gapsX, pixels, labels), CountPositive(p, Floats(x), pixels, labels); got != want {
			t.Errorf("%d positive, want %d", got, want)
		}
		labels[0] = -1
	}
	units := []int32{0, int32(pixels - 1), -1, int32(channels*pixels - 1), int32(pixels + 1)}
	selected, gapsSelected := z.alloc(len(labels)*len(units)), z.alloc(len(labels)*len(units))
	Select(p, Floats(selected), Floats(x), pixels, units, labels)
	Select(p, Floats(gapsSelected), gapsX, pixels, units, labels)
	sameBits(t, "selected", gapsSelected, selected)
	z.check(t)
}

func testGapsOfMaxPool(t *testing.T, p *pool.Pool, c [4]int) {
	const columns = poolColumns + 33
	z := newZone()
	m := MaxPool{Height: c[0], Width: c[1], Size: c[2], Stride: c[3]}
	x, out := z.normal(m.Height*m.Width*columns, 0, 1), m.outHeight()*m.outWidth()*columns
	y, dy, dx := z.alloc(out), z.normal(out, 0, 1), z.alloc(len(x))
	gapsX, gapsY, gapsDX := z.apart(x, m.Height), z.apart(y, m.outHeight()), z.apart(dx, m.Height)
	gapsDY, gapsTangent := z.apart(dy, m.outHeight()), z.apart(y, m.outHeight())
	tangent := z.alloc(out)
	m.Forward(p, y, x)
	m.Grad(p, dx, dy, x, y)
	m.Tangent(p, tangent, dx, x)
	m.In, m.Out = gapsX.Rows, gapsY.Rows
	m.Forward(p, gapsY.Floats, gapsX.Floats)
	m.Grad(p, gapsDX.Floats, gapsDY.Floats, gapsX.Floats, gapsY.Floats)
	m.Tangent(p, gapsTangent.Floats, gapsDX.Floats, gapsX.Floats)
	sameRows(t, "y", z, gapsY, y)
	sameRows(t, "dx", z, gapsDX, dx)
	sameRows(t, "tangent", z, gapsTangent, tangent)
	z.check(t)
}
