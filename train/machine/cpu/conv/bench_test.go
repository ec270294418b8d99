package conv

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"largestep/train/machine/cpu/hugepage"
	"largestep/train/machine/cpu/isa"
	"largestep/train/machine/cpu/pool"
)

// resnet18 lists the different convolutions of a ResNet-18 on 32×32 images.
func resnet18(width, n int) []Shape {
	shapes := []Shape{{N: n, C: 3, H: 32, W: 32, OC: width, K: 3, Stride: 1, Pad: 1}}
	for c, size := width, 32; size >= 4; c, size = 2*c, size/2 {
		shapes = append(shapes, Shape{N: n, C: c, H: size, W: size, OC: c, K: 3, Stride: 1, Pad: 1})
		if size > 4 {
			shapes = append(shapes,
				Shape{N: n, C: c, H: size, W: size, OC: 2 * c, K: 3, Stride: 2, Pad: 1},
				Shape{N: n, C: c, H: size, W: size, OC: 2 * c, K: 1, Stride: 2})
		}
	}
	return shapes
}

// peak returns what one core can do.
var peak = sync.OnceValue(func() float64 { return Peak(pool.New(1)) })

func BenchmarkResNet18(b *testing.B) {
	for _, net := range []struct{ width, n int }{{64, 64}, {16, 64}, {8, 32}} {
		for _, threads := range []int{1, 2} {
			for _, s := range resnet18(net.width, net.n) {
				name := fmt.Sprintf("width=%d/threads=%d/%d@%dx%d-%d-k%ds%d", net.width, threads,
					s.C, s.H, s.W, s.OC, s.K, s.Stride)
				b.Run("direct/"+name, func(b *testing.B) { benchmark(b, s, threads, kernelSets()[0], planDirect) })
				if s.suitsWinogradFilter() {
					b.Run("winograd/"+name, func(b *testing.B) { benchmark(b, s, threads, kernelSets()[0], winogradPlan) })
				}
				if isa.AMX() {
					b.Run("short/"+name, func(b *testing.B) { benchmarkShort(b, s, threads) })
				}
			}
		}
	}
}

// BenchmarkKernelSets compares the instruction sets that this processor has; the
// peak is that of the best.
func BenchmarkKernelSets(b *testing.B) {
	for _, kernels := range kernelSets() {
		for _, c := range []int{8, 16, 64} {
			s := Shape{N: 32, C: c, H: 16, W: 16, OC: c, K: 3, Stride: 1, Pad: 1}
			b.Run(fmt.Sprintf("%s/%d@16x16", kernels.name, c), func(b *testing.B) { benchmark(b, s, 1, kernels, planDirect) })
		}
	}
}

// BenchmarkFetch compares convolutions whose kernels fetch with the same that do not, in
// turn, with the caches emptied before each run: medians.
func BenchmarkFetch(b *testing.B) {
	fetches := kernelSets()[0]
	if !fetches.fetches {
		b.Skip("these kernels do not fetch")
	}
	without := *fetches
	without.fetches = false
	for _, s := range []Shape{
		{C: 3, H: 32, W: 32, OC: 64, K: 3, Stride: 1, Pad: 1},
		{C: 3, H: 32, W: 32, OC: 16, K: 3, Stride: 1, Pad: 1},
		{C: 64, H: 32, W: 32, OC: 128, K: 1, Stride: 2},
		{C: 32, H: 32, W: 32, OC: 64, K: 1, Stride: 2},
		{C: 64, H: 16, W: 16, OC: 128, K: 1, Stride: 2},
		{C: 16, H: 32, W: 32, OC: 16, K: 3, Stride: 1, Pad: 1},
		{C: 64, H: 32, W: 32, OC: 64, K: 3, Stride: 1, Pad: 1},
		{C: 128, H: 16, W: 16, OC: 128, K: 3, Stride: 1, Pad: 1},
		{C: 256, H: 8, W: 8, OC: 256, K: 3, Stride: 1, Pad: 1},
		{C: 512, H: 4, W: 4, OC: 512, K: 3, Stride: 1, Pad: 1},
	} {
		s.N = 64
		const gap = 128 // as the engine has it
		s.InPitch, s.OutPitch = s.W*s.N*s.C+gap, s.outW()*s.N*s.OC+gap
		b.Run(fmt.Sprintf("%d@%dx%d-%d-k%d", s.C, s.H, s.W, s.OC, s.K), func(b *testing.B) { benchmarkFetch(b, s, &without, fetches) })
	}
}

func benchmarkFetch(b *testing.B, s Shape, sets ...*kernelSet) {
	p := pool.New(1)
	defer p.Close()
	memory := func(n int) []float32 {
		m := make([]float32, n)
		hugepage.Advise(m)
		return m
	}
	x, y, w, dw, other := memory(s.inLen()), memory(s.outLen()), memory(s.FilterLen()), memory(s.FilterLen()), memory(16<<20)
	var scratch Scratch
	times := map[string][]float64{}
	for b.Loop() {
		for i, kernels := range sets {
			c := newConv(p, s, &scratch, kernels)
			if s.K == 1 || s.C == 3 {
				planDirect(c)
			} else {
				winogradPlan(c)
			}
			for name, f := range map[string]func(){
				"forward": func() { c.Forward(y, x, w) },
				"data":    func() { c.BackwardData(x, y, w, false) },
				"filter":  func() { c.BackwardFilter(dw, y, x) },
			} {
				f() // takes its memory
				for j := range other {
					other[j]++
				}
				start := time.Now()
				f()
				name += "-ms-" + []string{"without", "with"}[i]
				times[name] = append(times[name], time.Since(start).Seconds()*1e3)
			}
		}
	}
	for name, t := range times {
		slices.Sort(t)
		b.ReportMetric(t[len(t)/2], name)
	}
	b.ReportMetric(0, "ns/op")
}

func planDirect(c *Conv) {
	c.planDirectData()
	c.planDirectFilter()
}

func winogradPlan(c *Conv) {
	c.planWinogradData(c.kernels.limits)
	c.planWinogradFilter(c.kernels.limits)
}

func benchmark(b *testing.B, s Shape, threads int, kernels *kernelSet, plan func(*Conv)) {
	p := pool.New(threads)
	defer p.Close()
	r := rand.New(rand.NewPCG(1, 2))
	aligned := func(n int) []float32 { return append([]float32(nil), randoms(r, n)...) }
	x, y := aligned(s.inLen()), aligned(s.outLen())
	w, dw := aligned(s.FilterLen()), aligned(s.FilterLen())
	c := newConv(p, s, new(Scratch), kernels)
	plan(c)
	directions(b, s, threads, [3]func(){
		func() { c.Forward(y, x, w) }, func() { c.BackwardData(x, y, w, false) }, func() { c.BackwardFilter(dw, y, x) },
	})
}

func benchmarkShort(b *testing.B, s Shape, threads int) {
	p := pool.New(threads)
	defer p.Close()
	r := rand.New(rand.NewPCG(1, 2))
	x, y := numbers(randoms(r, s.inLen())), numbers(randoms(r, s.outLen()))
	w, dw := randoms(r, s.FilterLen()), make([]float32, s.FilterLen())
	c := NewShort(p, s, new(Scratch))
	directions(b, s, threads, [3]func(){
		func() { c.Forward(y, x, w) }, func() { c.BackwardData(x, y, w, false) }, func() { c.BackwardFilter(dw, y, x) },
	})
}

func directions(b *testing.B, s Shape, threads int, f [3]func()) {
	for i, name := range []string{"forward", "data", "filter"} {
		b.Run(name, func(b *testing.B) {
			best := time.Hour
			for b.Loop() {
				start := time.Now()
				f[i]()
				best = min(best, time.Since(start))
			}
			rate := s.flop() / best.Seconds()
			b.ReportMetric(rate/1e9, "GFLOP/s")
			b.ReportMetric(100*rate/peak()/float64(threads), "%peak")
			b.ReportMetric(0, "ns/op")
		})
	}
}
