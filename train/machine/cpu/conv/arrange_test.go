package conv

import (
	"math/rand/v2"
	"testing"

	"largestep/train/machine/cpu/bfloat"
)

// TestArrangements: all sets arrange rows and lanes as the definitions say, and write
// nothing else.
func TestArrangements(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const untouched = 0x1234
	for range 300 {
		rows, lanes := 1+r.IntN(32), 1+r.IntN(brickSide)
		lds, wide := lanes+r.IntN(3), (rows+1)/2
		ldd := 2*wide + 2*r.IntN(3)
		src := numbers(randoms(r, (rows-1)*lds+lanes))
		for name, set := range tileSets() {
			var p pairs
			for i := range p {
				p[i] = untouched
			}
			set.pair(p[:], src, lds, rows, lanes)
			for k := range 2 * brickSide {
				for j := range brickSide {
					want := bfloat.Number(0)
					switch {
					case k < rows && j < lanes:
						want = src[k*lds+j]
					case k >= 2*wide:
						want = untouched
					}
					if got := p[k/2*2*brickSide+2*j+k%2]; got != want {
						t.Fatalf("%s: %d rows of %d lanes: row %d, lane %d is %x, want %x", name, rows, lanes, k, j, got, want)
					}
				}
			}
			dst := make([]bfloat.Number, brickSide*ldd)
			for i := range dst {
				dst[i] = untouched
			}
			set.transpose(dst, &p, ldd, wide, lanes)
			for i, got := range dst {
				j, k := i/ldd, i%ldd
				want := bfloat.Number(untouched)
				if j < lanes && k < 2*wide {
					want = p[k/2*2*brickSide+2*j+k%2]
				}
				if got != want {
					t.Fatalf("%s: transposed, lane %d, row %d is %x, want %x", name, j, k, got, want)
				}
			}
		}
	}
}
