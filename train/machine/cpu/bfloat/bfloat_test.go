package bfloat

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// nearest is the nearest number, of two the even one, found by looking at both.
func nearest(f float32) Number {
	down := Number(math.Float32bits(f) >> 16)
	lower, upper := float64(down.Float32()), float64((down + 1).Float32())
	if math.IsInf(upper, 0) { // what would be the next power of two
		upper = math.Copysign(math.Ldexp(1, 128), lower)
	}
	switch middle := (lower + upper) / 2; {
	case math.Abs(float64(f)) > math.Abs(middle), float64(f) == middle && down%2 == 1:
		return down + 1
	}
	return down
}

func TestNearest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	floats := []float32{0, 1, -1, 1 + 1./256, 1 + 3./256, -1 - 3./256, 1e-45, 3e-39, math.MaxFloat32, -math.MaxFloat32, 3.3953139e38}
	for range 1000 {
		floats = append(floats, math.Float32frombits(r.Uint32()&^(1<<30)))
	}
	for len(floats)%16 != 5 {
		floats = append(floats, float32(r.NormFloat64()))
	}
	for _, s := range sets() {
		got := make([]Number, len(floats))
		s.roundRows[0](got, floats, 0, 0, 1, len(got))
		for i, f := range floats {
			if got[i] != nearest(f) {
				t.Errorf("%s: %v becomes %v, want %v", s.name, f, got[i].Float32(), nearest(f).Float32())
			}
		}
		special := []float32{float32(math.Inf(1)), float32(math.Inf(-1)), math.Float32frombits(0x7fffffff), math.Float32frombits(0xffffffff), math.Float32frombits(0x7f800001)}
		got = got[:len(special)]
		s.roundRows[0](got, special, 0, 0, 1, len(got))
		if !slices.Equal(got[:2], []Number{0x7f80, 0xff80}) {
			t.Errorf("%s: infinities become %x", s.name, got[:2])
		}
		for i, b := range got[2:] {
			if f := b.Float32(); f == f {
				t.Errorf("%s: NaN %x becomes %v", s.name, math.Float32bits(special[2+i]), f)
			}
		}
	}
}

// TestRows: rows of any length become numbers, and nothing else is touched; and come
// back as they were.
func TestRows(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		rows, lanes := 1+r.IntN(5), 1+r.IntN(50)
		ldd, lds := lanes+r.IntN(4), lanes+r.IntN(4)
		src, before := make([]float32, rows*lds), make([]Number, rows*ldd)
		for i := range src {
			src[i] = float32(r.NormFloat64())
		}
		for i := range before {
			before[i] = nearest(float32(r.NormFloat64()))
		}
		for _, s := range sets() {
			for add, f := range s.roundRows {
				dst := slices.Clone(before)
				f(dst, src, ldd, lds, rows, lanes)
				for i, got := range dst {
					want, row, lane := before[i], i/ldd, i%ldd
					if lane < lanes {
						want = nearest(src[row*lds+lane] + float32(add)*before[i].Float32())
					}
					if got != want {
						t.Fatalf("%s, add %d, %d rows of %d lanes: row %d, lane %d is %x, want %x", s.name, add, rows, lanes, row, lane, got, want)
					}
				}
				wide := make([]float32, len(dst)+1)
				wide[len(dst)] = 7
				s.widen(wide[:len(dst)], dst)
				for i, f := range wide[:len(dst)] {
					if math.Float32bits(f) != uint32(dst[i])<<16 {
						t.Fatalf("%s: %x becomes %v", s.name, dst[i], f)
					}
				}
				if wide[len(dst)] != 7 {
					t.Fatalf("%s: written behind the end", s.name)
				}
			}
		}
	}
}
