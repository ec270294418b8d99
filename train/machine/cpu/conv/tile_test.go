package conv

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestKernels runs every kernel on every number of lanes it may get, against
// the reference.
func TestKernels(t *testing.T) {
	forEachKernelSet(t, func(t *testing.T, kernels *kernelSet) {
		for _, f := range kernels.nn {
			checkFamily(t, "nn", &f, nnGo, kernels.fetches)
		}
		for _, f := range kernels.tn {
			checkFamily(t, "tn", &f, tnGo, kernels.fetches)
		}
	})
}

func checkFamily(t *testing.T, name string, f *family, reference func(*tile, int), fetches bool) {
	r := rand.New(rand.NewPCG(7, 8))
	for rows := 1; rows < len(f.kernels); rows++ {
		for lanes := f.min; lanes <= f.lanes; lanes++ {
			for _, steps := range []int{0, 1, 3, 4, 9} {
				checkKernel(t, r, fmt.Sprintf("%s, %d rows, %d of %d lanes, %d steps", name, rows, lanes, f.lanes, steps),
					f.kernels[rows], reference, rows, lanes, steps, fetches)
			}
		}
	}
}

// checkKernel compares a kernel with its reference on two taps and three tiles.
// What they may not read is NaN, and they must not write over it in c. Those that fetch ask
// for four cache lines in four steps, or in a tap of fewer.
func checkKernel(t *testing.T, r *rand.Rand, name string, kernel func(*tile), reference func(*tile, int), rows, lanes, steps int, fetches bool) {
	t.Helper()
	const count = 3
	wide := max(steps, rows*count) + 2
	tall := max(steps, rows*count)
	taps := []tap{{a: 0, b: 0}, {a: tall * wide, b: (steps + 1) * (lanes + 1)}}
	got := tile{
		a: randoms(r, 2*tall*wide), b: guarded(2 * (steps + 1) * (lanes + 1)), c: guarded(rows * count * (lanes + 1)),
		taps: taps[:1+r.IntN(2)], lda: wide, ldb: lanes + 1, ldc: lanes + 1,
		steps: steps, lanes: lanes, count: count, add: r.IntN(2) == 0, queue: new(queue),
	}
	got.queue.add(make([]float32, 5*16))
	got.queue.add(make([]float32, 8*16))
	for _, tap := range taps {
		fillLanes(r, got.b[tap.b:], steps, lanes)
	}
	fillLanes(r, got.c, rows*count, lanes)
	want := got
	want.c = append([]float32(nil), got.c...)
	asks := slices.Clone(got.queue.asks)
	if r.IntN(4) == 0 {
		got.queue = nil
	}
	kernel(&got)
	if fetches && got.queue != nil {
		next := ask4(asks, len(got.taps)*count*max(steps/4, 1))
		if got.queue.next != next || !slices.Equal(got.queue.asks, asks) {
			t.Fatalf("%s: fetched up to %d, %v, want %d, %v", name, got.queue.next, got.queue.asks, next, asks)
		}
	}
	reference(&want, rows)
	for i, v := range want.c {
		bothNaN := v != v && got.c[i] != got.c[i]
		if !bothNaN && !(math.Abs(float64(v-got.c[i])) <= 1e-5*(1+math.Abs(float64(v)))) {
			t.Fatalf("%s, add %v: row %d, lane %d is %v, want %v", name, got.add, i/(lanes+1), i%(lanes+1), got.c[i], v)
		}
	}
	checkGuards(t, name, got.c)
}

// ask4 asks for four lines, so many times, and returns what comes next.
func ask4(asks []ask, times int) (next int) {
	for range times {
		if next == len(asks) {
			break
		}
		asks[next].from += 4 * 64
		if asks[next].from >= asks[next].to {
			next++
		}
	}
	return next
}

// fillLanes fills all but the last of lanes+1 columns.
func fillLanes(r *rand.Rand, s []float32, rows, lanes int) {
	for i := range rows * (lanes + 1) {
		if i%(lanes+1) < lanes {
			s[i] = float32(r.NormFloat64())
		}
	}
}

func TestTransposition(t *testing.T) {
	forEachKernelSet(t, func(t *testing.T, kernels *kernelSet) {
		const ldd, lds = 9, 11
		src, dst := guarded(8*lds), guarded(8*ldd)
		fillLanes(rand.New(rand.NewPCG(9, 9)), src, 8, lds-1)
		kernels.transpose(dst, src, ldd, lds)
		for i := range 8 {
			for j := range 8 {
				if dst[j*ldd+i] != src[i*lds+j] {
					t.Fatalf("row %d, column %d is %v, want %v", j, i, dst[j*ldd+i], src[i*lds+j])
				}
			}
			if v := dst[i*ldd+8]; v == v {
				t.Errorf("%v was written behind row %d", v, i)
			}
		}
	})
}
