package pass

import (
	"math/rand/v2"
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

func normals(n int) []float32 {
	r := rand.New(rand.NewPCG(uint64(n), 7))
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

// TestShort: what is computed of bfloat16 is what is computed of the same numbers in
// float32, rounded.
func TestShort(t *testing.T) {
	p := pool.New(2)
	defer p.Close()
	for _, shape := range [][2]int{{2, 3}, {64, 5}, {5000, 16}, {999, 24}, {700, 600}, {33, 1030}} {
		rows, channels := shape[0], shape[1]
		n := rows * channels
		nothing := func() (short, exact Matrix) { return shortly(make([]float32, n)) }
		x, exactX := shortly(normals(n))
		residual, exactResidual := shortly(normals(n)[:n:n])
		y, exactY := nothing()
		params := func(add float32) []float32 {
			v := normals(channels)
			for i := range v {
				v[i] = v[i]*v[i] + add
			}
			return v
		}
		b := BatchNorm{
			X: x, Residual: residual, Y: y, ReLU: true, Gamma: params(1), Beta: params(-1), RunningMean: params(0), RunningVar: params(1),
			Mean: make([]float32, channels), InvStd: make([]float32, channels), Eps: 1e-5, Momentum: 0.1,
		}
		exact := b
		exact.X, exact.Residual, exact.Y = exactX, exactResidual, exactY
		exact.RunningMean, exact.RunningVar = params(0), params(1)
		exact.Mean, exact.InvStd = make([]float32, channels), make([]float32, channels)
		b.Train(p)
		exact.Train(p)
		sameRounded(t, "y", b.Y, exact.Y)
		sameBits(t, "mean", b.Mean, exact.Mean)
		sameBits(t, "running variance", b.RunningVar, exact.RunningVar)

		dy, exactDY := shortly(normals(n))
		g := BatchNormGrad{DY: dy, X: x, Y: y, Gamma: b.Gamma, Mean: b.Mean, InvStd: b.InvStd, DGamma: make([]float32, channels), DBeta: make([]float32, channels)}
		exactG := g
		exactG.DY, exactG.X = exactDY, exactX
		exactG.Y.Short, exactG.Y.Floats = nil, make([]float32, n)
		bfloat.Widen(exactG.Y.Floats, y.Short)
		exactG.DGamma, exactG.DBeta = make([]float32, channels), make([]float32, channels)
		g.DX, exactG.DX = nothing()
		g.DResidual, exactG.DResidual = nothing()
		g.Run(p)
		exactG.Run(p)
		sameRounded(t, "dx", g.DX, exactG.DX)
		sameRounded(t, "dresidual", g.DResidual, exactG.DResidual)
		sameBits(t, "dgamma", g.DGamma, exactG.DGamma)

		b.Infer(p)
		exact.RunningMean, exact.RunningVar = b.RunningMean, b.RunningVar
		exact.Infer(p)
		sameRounded(t, "y in inference", b.Y, exact.Y)

		z, exactZ := nothing()
		Add(p, z, x, dy)
		Add(p, exactZ, exactX, exactDY)
		sameRounded(t, "sum", z, exactZ)

		pooled, exactPooled := make([]float32, channels), make([]float32, channels)
		AveragePool(p, pooled, x, rows)
		AveragePool(p, exactPooled, exactX, rows)
		sameBits(t, "average", pooled, exactPooled)
		AveragePoolGrad(p, z, pooled, rows)
		AveragePoolGrad(p, exactZ, pooled, rows)
		sameRounded(t, "gradient of the average", z, exactZ)

		labels := []int32{0}
		if got, want := CountPositive(p, x, rows, labels), CountPositive(p, exactX, rows, labels); got != want {
			t.Errorf("%d positive, want %d", got, want)
		}
	}
}
