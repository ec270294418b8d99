package conv

import (
	"largestep/train/machine/cpu/bfloat"
	"largestep/train/machine/cpu/isa"
)

// brickGo is the reference.
func brickGo(t *brick) {
	for i := range t.rows * t.count {
		for j := range t.lanes {
			var sum float32
			for _, tap := range t.taps {
				a := t.a[t.a0+tap.a+i*t.lda:]
				b := t.b[t.b0+tap.b+j/brickSide*t.ldp+j%brickSide*2:]
				for k := range t.steps * t.depth {
					sum += a[k].Float32() * b[k/2*2*brickSide+k%2].Float32()
				}
			}
			if c := &t.c[t.c0+i*t.ldc+j]; t.add {
				*c += sum
			} else {
				*c = sum
			}
		}
	}
}

// plainTiles is the reference.
var plainTiles = &tileSet{
	bricks: [2][]func(*brick){
		{nil, brickGo, brickGo, brickGo, brickGo},
		{nil, brickGo, brickGo},
	},
	pair:      pairGo,
	transpose: transposePairsGo,
}

// tileSets returns those that this processor runs, by name.
func tileSets() map[string]*tileSet {
	sets := map[string]*tileSet{"plain": plainTiles}
	if isa.AMX() {
		sets["amx"] = amxTiles
	}
	return sets
}

func pairGo(dst, src []bfloat.Number, lds, rows, lanes int) {
	clear(dst[:(rows+1)/2*2*brickSide])
	for k := range rows {
		for j, b := range src[k*lds:][:lanes] {
			dst[k/2*2*brickSide+2*j+k%2] = b
		}
	}
}

func transposePairsGo(dst []bfloat.Number, src *pairs, ldd, wide, lanes int) {
	for j := range lanes {
		for k := range wide {
			copy(dst[j*ldd+2*k:][:2], src[(k*brickSide+j)*2:])
		}
	}
}
