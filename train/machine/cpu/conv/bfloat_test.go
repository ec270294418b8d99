package conv

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// nearest is the nearest bfloat16, of two the even one, found by looking at both.
func nearest(f float32) bfloat {
	down := bfloat(math.Float32bits(f) >> 16)
	lower, upper := float64(down.float()), float64((down + 1).float())
	if math.IsInf(upper, 0) { // the next power of two
		upper = math.Copysign(math.Ldexp(1, 128), lower)
	}
	switch middle := (lower + upper) / 2; {
	case math.Abs(float64(f)) > math.Abs(middle), float64(f) == middle && down%2 == 1:
		return down + 1
	}
	return down
}

func TestRounding(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	floats := []float32{0, 1, -1, 1 + 1./256, 1 + 3./256, -1 - 3./256, 1e-45, 3e-39, math.MaxFloat32, -math.MaxFloat32, 3.3953139e38}
	for range 1000 {
		floats = append(floats, math.Float32frombits(r.Uint32()&^(1<<30)))
	}
	for len(floats)%16 != 5 {
		floats = append(floats, float32(r.NormFloat64()))
	}
	for _, set := range bfloatSets() {
		got := make([]bfloat, len(floats))
		set.round(got, floats)
		for i, f := range floats {
			if got[i] != nearest(f) {
				t.Errorf("%s: %v becomes %v, want %v", set.name, f, got[i].float(), nearest(f).float())
			}
		}
		special := []float32{float32(math.Inf(1)), float32(math.Inf(-1)), math.Float32frombits(0x7fffffff), math.Float32frombits(0xffffffff), math.Float32frombits(0x7f800001)}
		got = got[:len(special)]
		set.round(got, special)
		if !slices.Equal(got[:2], []bfloat{0x7f80, 0xff80}) {
			t.Errorf("%s: infinities become %x", set.name, got[:2])
		}
		for i, b := range got[2:] {
			if f := b.float(); f == f {
				t.Errorf("%s: NaN %x becomes %v", set.name, math.Float32bits(special[2+i]), f)
			}
		}
	}
}

// TestArrangements: all sets arrange rows and lanes as the definitions say, and write
// nothing else.
func TestArrangements(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const untouched = 0x1234
	for range 300 {
		rows, lanes := 1+r.IntN(32), 1+r.IntN(brickSide)
		lds, wide := lanes+r.IntN(3), (rows+1)/2
		ldd := 2*wide + 2*r.IntN(3)
		src := randoms(r, (rows-1)*lds+lanes)
		for _, set := range bfloatSets() {
			var p pairs
			for i := range p {
				p[i] = untouched
			}
			set.pair(p[:], src, lds, rows, lanes)
			for k := range 2 * brickSide {
				for j := range brickSide {
					want := bfloat(0)
					switch {
					case k < rows && j < lanes:
						want = nearest(src[k*lds+j])
					case k >= 2*wide:
						want = untouched
					}
					if got := p[k/2*2*brickSide+2*j+k%2]; got != want {
						t.Fatalf("%s: %d rows of %d lanes: row %d, lane %d is %x, want %x", set.name, rows, lanes, k, j, got, want)
					}
				}
			}
			dst := make([]bfloat, brickSide*ldd)
			for i := range dst {
				dst[i] = untouched
			}
			set.transpose(dst, &p, ldd, wide, lanes)
			for i, got := range dst {
				j, k := i/ldd, i%ldd
				want := bfloat(untouched)
				if j < lanes && k < 2*wide {
					want = p[k/2*2*brickSide+2*j+k%2]
				}
				if got != want {
					t.Fatalf("%s: transposed, lane %d, row %d is %x, want %x", set.name, j, k, got, want)
				}
			}
		}
	}
}
