package pass

import (
	"math/rand/v2"
	"slices"
	"testing"

	"largestep/train/machine/cpu/bfloat"
	"largestep/train/machine/cpu/pool"
)

// shortly are the nearest of x in bfloat16, and the same in float32.
func shortly(x []float32) (short, exact Matrix) {
	short.Short, exact.Floats = make([]bfloat.Number, len(x)), make([]float32, len(x))
	bfloat.Round(short.Short, x)
	bfloat.Widen(exact.Floats, short.Short)
	return short, exact
}

func normals(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// sameRounded fails where short is not what rounding makes of exact.
func sameRounded(t *testing.T, what string, short, exact Matrix) {
	t.Helper()
	for i, b := range short.Short {
		if want := bfloat.Nearest(exact.Floats[i]); b != want {
			t.Fatalf("%s: element %d is %v, want %v", what, i, b.Float32(), want.Float32())
		}
	}
}

// A shortTest is operands in bfloat16, and the same numbers in float32.
type shortTest struct {
	*rand.Rand
	pool           *pool.Pool
	rows, channels int
}

// forEachShort calls f for matrices of several shapes.
func forEachShort(t *testing.T, f func(t *testing.T, s shortTest)) {
	p := pool.New(2)
	defer p.Close()
	for _, shape := range [][2]int{{2, 3}, {64, 5}, {5000, 16}, {999, 24}, {700, 600}, {33, 1030}} {
		f(t, shortTest{rand.New(rand.NewPCG(uint64(shape[0]), 7)), p, shape[0], shape[1]})
	}
}

func (s shortTest) matrix() (short, exact Matrix) { return shortly(normals(s.Rand, s.rows*s.channels)) }

func (s shortTest) zeros() (short, exact Matrix) { return shortly(make([]float32, s.rows*s.channels)) }

// params are random squares plus something.
func (s shortTest) params(add float32) []float32 {
	v := normals(s.Rand, s.channels)
	for i := range v {
		v[i] = v[i]*v[i] + add
	}
	return v
}

// TestShortBatchNorm: what is computed of bfloat16 is what is computed of the same
// numbers in float32, rounded; also in place.
func TestShortBatchNorm(t *testing.T) {
	forEachShort(t, func(t *testing.T, s shortTest) {
		x, exactX := s.matrix()
		residual, exactResidual := s.matrix()
		y, exactY := s.zeros()
		mean, variance := s.params(0), s.params(1)
		b := BatchNorm{
			X: x, Residual: residual, Y: y, ReLU: true, Gamma: s.params(1), Beta: s.params(-1),
			RunningMean: slices.Clone(mean), RunningVar: slices.Clone(variance),
			Mean: make([]float32, s.channels), InvStd: make([]float32, s.channels), Eps: 1e-5, Momentum: 0.1,
		}
		exact := b
		exact.X, exact.Residual, exact.Y = exactX, exactResidual, exactY
		exact.RunningMean, exact.RunningVar = mean, variance
		exact.Mean, exact.InvStd = make([]float32, s.channels), make([]float32, s.channels)
		b.Train(s.pool)
		exact.Train(s.pool)
		sameRounded(t, "y", y, exactY)
		sameBits(t, "mean", b.Mean, exact.Mean)
		sameBits(t, "running variance", b.RunningVar, exact.RunningVar)
		b.Infer(s.pool)
		exact.Infer(s.pool)
		sameRounded(t, "y in inference", y, exactY)
		b.Y = residual
		b.Infer(s.pool)
		sameRounded(t, "y in the residual's place", residual, exactY)
	})
}

func TestShortBatchNormGrad(t *testing.T) {
	forEachShort(t, func(t *testing.T, s shortTest) {
		x, exactX := s.matrix()
		y, exactY := s.matrix()
		dy, exactDY := s.matrix()
		g := BatchNormGrad{
			DY: dy, X: x, Y: y, Gamma: s.params(1), Mean: s.params(0), InvStd: s.params(1),
			DGamma: make([]float32, s.channels), DBeta: make([]float32, s.channels),
		}
		exact := g
		exact.DY, exact.X, exact.Y = exactDY, exactX, exactY
		exact.DGamma, exact.DBeta = make([]float32, s.channels), make([]float32, s.channels)
		g.DX, exact.DX = s.zeros()
		g.DResidual, exact.DResidual = s.zeros()
		g.Run(s.pool)
		exact.Run(s.pool)
		sameRounded(t, "dx", g.DX, exact.DX)
		sameRounded(t, "dresidual", g.DResidual, exact.DResidual)
		sameBits(t, "dgamma", g.DGamma, exact.DGamma)
		sameBits(t, "dbeta", g.DBeta, exact.DBeta)
		g.DX, g.DResidual = y, dy
		g.Run(s.pool)
		sameRounded(t, "dx in y's place", y, exact.DX)
		sameRounded(t, "dresidual in dy's place", dy, exact.DResidual)
	})
}

func TestShortOthers(t *testing.T) {
	forEachShort(t, func(t *testing.T, s shortTest) {
		x, exactX := s.matrix()
		y, exactY := s.matrix()
		z, exactZ := s.zeros()
		Add(s.pool, z, x, y)
		Add(s.pool, exactZ, exactX, exactY)
		sameRounded(t, "sum", z, exactZ)

		pooled, exactPooled := make([]float32, s.channels), make([]float32, s.channels)
		AveragePool(s.pool, pooled, x, s.rows)
		AveragePool(s.pool, exactPooled, exactX, s.rows)
		sameBits(t, "average", pooled, exactPooled)
		AveragePoolGrad(s.pool, z, pooled, s.rows)
		AveragePoolGrad(s.pool, exactZ, pooled, s.rows)
		sameRounded(t, "gradient of the average", z, exactZ)

		labels := []int32{0}
		if got, want := CountPositive(s.pool, x, s.rows, labels), CountPositive(s.pool, exactX, s.rows, labels); got != want {
			t.Errorf("%d positive, want %d", got, want)
		}
	})
}
