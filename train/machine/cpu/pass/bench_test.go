package pass

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"largestep/train/machine/cpu/pool"
)

// sizes are of ResNet-18's stages at width 64, batch 64, and of the first and the
// last at width 8, batch 32.
var sizes = []struct{ rows, channels int }{{32 * 32 * 64, 64}, {16 * 16 * 64, 128}, {8 * 8 * 64, 256}, {4 * 4 * 64, 512}, {32 * 32 * 32, 8}, {4 * 4 * 32, 64}}

// bench reports the bandwidth of pass over the given number of tensors read or
// written, beside which copy is what memory gives.
func bench(b *testing.B, name string, tensors int, pass func(p *pool.Pool, x [][]float32, channels int) func()) {
	defer func(before *kernels) { active = before }(active)
	for _, size := range sizes {
		for _, threads := range []int{1, 2} {
			for _, active = range available() {
				b.Run(fmt.Sprintf("%s/%dx%d/threads=%d/%s", name, size.rows, size.channels, threads, active.name), func(b *testing.B) {
					p := pool.New(threads)
					defer p.Close()
					x := make([][]float32, 5)
					for i := range x {
						x[i] = make([]float32, size.rows*size.channels)
						for k := range x[i] {
							x[i][k] = rand.Float32() - 0.5
						}
					}
					run := pass(p, x, size.channels)
					run()
					b.SetBytes(int64(4 * tensors * size.rows * size.channels))
					b.ResetTimer()
					for b.Loop() {
						run()
					}
				})
			}
		}
	}
}

func BenchmarkPass(b *testing.B) {
	params := func(n int) []float32 { return append(make([]float32, n-1), 1) }
	bench(b, "Copy", 2, func(p *pool.Pool, x [][]float32, _ int) func() {
		parts := (len(x[0]) + chunk - 1) / chunk
		f := func(_, i int) { copy(x[1][i*chunk:min((i+1)*chunk, len(x[0]))], x[0][i*chunk:]) }
		return func() { p.Do(parts, f) }
	})
	bench(b, "Add", 3, func(p *pool.Pool, x [][]float32, _ int) func() {
		return func() { Add(p, Floats(x[2]), Floats(x[0]), Floats(x[1])) }
	})
	bench(b, "Train", 4, func(p *pool.Pool, x [][]float32, c int) func() { // reads x twice
		n := BatchNorm{X: Floats(x[0]), Residual: Floats(x[1]), Y: Floats(x[2]), ReLU: true, Gamma: params(c), Beta: params(c),
			RunningMean: params(c), RunningVar: params(c), Mean: params(c), InvStd: params(c), Eps: 1e-5, Momentum: 0.1}
		return func() { n.Train(p) }
	})
	bench(b, "Infer", 2, func(p *pool.Pool, x [][]float32, c int) func() {
		n := BatchNorm{X: Floats(x[0]), Y: Floats(x[2]), ReLU: true, Gamma: params(c), Beta: params(c),
			RunningMean: params(c), RunningVar: params(c), Eps: 1e-5}
		return func() { n.Infer(p) }
	})
	bench(b, "Grad", 5, func(p *pool.Pool, x [][]float32, c int) func() { // reads x and dy twice
		g := BatchNormGrad{X: Floats(x[0]), DY: Floats(x[2]), DX: Floats(x[3]), Gamma: params(c), Beta: params(c), Mean: params(c),
			InvStd: params(c), DGamma: params(c), DBeta: params(c)}
		return func() { g.Run(p) }
	})
	bench(b, "GradResidual", 7, func(p *pool.Pool, x [][]float32, c int) func() { // reads x, y, dy, then g and x
		g := BatchNormGrad{X: Floats(x[0]), Y: Floats(x[1]), DY: Floats(x[2]), DX: Floats(x[3]), DResidual: Floats(x[4]), Gamma: params(c), Mean: params(c),
			InvStd: params(c), DGamma: params(c), DBeta: params(c)}
		return func() { g.Run(p) }
	})
	bench(b, "SGDMomentum", 5, func(p *pool.Pool, x [][]float32, _ int) func() {
		return func() { SGDMomentum(p, x[0], x[1], x[2], 1e-9, 0, 0.5) }
	})
	bench(b, "CountPositive", 1, func(p *pool.Pool, x [][]float32, c int) func() {
		labels := make([]int32, len(x[0])/(16*c))
		return func() { CountPositive(p, Floats(x[0]), 16, labels) }
	})
}

func BenchmarkGather(b *testing.B) {
	s := Images{Pixels: make([]byte, 1000*3*32*32), Channels: 3, Height: 32, Width: 32}
	index, window := make([]int32, 64), make([]int32, 192)
	for i := range index {
		index[i] = int32(i * 13)
		window[3*i] = int32(i % 9)
	}
	x := make([]float32, 64*3*32*32)
	p := pool.New(2)
	defer p.Close()
	for b.Loop() {
		s.Gather(p, 4, x, index, window)
	}
}

func BenchmarkLinear(b *testing.B) {
	const n, in, out = 64, 512, 10
	x, w, bias, y := make([]float32, n*in), make([]float32, out*in), make([]float32, out), make([]float32, n*out)
	p := pool.New(2)
	defer p.Close()
	b.Run("Forward", func(b *testing.B) {
		for b.Loop() {
			Linear(p, y, x, w, bias)
		}
	})
	b.Run("Backward", func(b *testing.B) {
		dx, dw := make([]float32, n*in), make([]float32, out*in)
		for b.Loop() {
			LinearGrad(p, dx, dw, bias, y, x, w)
		}
	})
}
