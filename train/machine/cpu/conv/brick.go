package conv

import "largestep/train/machine/cpu/bfloat"

// A brick covers tiles of brickSide rows and as many lanes.
const brickSide = 16

// A brick tells a kernel of bfloat16 what to compute: the sums, in float32,
//
//	c[c0+i*ldc+j] = Σ_taps Σ_{k<steps*depth} a[a0+tap.a+i*lda+k] * b[b0+tap.b+paired(k,j)]
//	paired(k,j) = j/16*ldp + k/2*32 + j%16*2 + k%2
//
// for i < rows and j < lanes. Rows of a lie lda apart, their elements side by side; b
// is panels of 16 lanes, in which two elements of a lane lie side by side. With add,
// the sum is added to c instead. This is done for bricks that follow each other by
// rows rows, count times. In which order a kernel adds up is its own affair.
type brick struct {
	a, b          []bfloat.Number
	c             []float32
	taps          []tap
	a0, b0, c0    int
	lda, ldp, ldc int // elements from row to row of a, panel to panel of b, row to row of c
	depth         int // elements in a step: even, at most 32
	steps         int
	rows, lanes   int
	count         int
	add           bool
	tiles         tileConfig
}

// A tileConfig is what the instruction LDTILECFG loads: how many bytes a row of each
// of eight tiles has, and how many rows.
type tileConfig struct {
	palette  uint8
	_        [15]uint8
	rowBytes [8]uint16
	_        [8]uint16
	rows     [8]uint8
	_        [8]uint8
}

// compute fills a block of rows by lanes, described by t as if it were one brick.
func (s *tileSet) compute(t *brick, rows, lanes int) {
	a0, b0, c0 := t.a0, t.b0, t.c0
	for done := 0; done < lanes; done += t.lanes {
		t.lanes = min(2*brickSide, lanes-done)
		t.a0, t.b0, t.c0 = a0, b0+done/brickSide*t.ldp, c0+done
		s.column(t, rows)
	}
	t.a0, t.b0, t.c0 = a0, b0, c0
}

// column fills rows of as many lanes as bricks have, by the highest that there are.
// One whose last tile is not full is of three tiles at most.
func (s *tileSet) column(t *brick, rows int) {
	kernels := s.bricks[(t.lanes-1)/brickSide]
	highest := len(kernels) - 1
	for rows > 0 {
		high := min(highest, rows/brickSide)
		t.rows = high * brickSide
		if high < highest {
			t.rows = min(rows, 3*brickSide)
			high = (t.rows + brickSide - 1) / brickSide
		}
		t.count = rows / t.rows
		done := t.rows * t.count
		t.configure(high)
		kernels[high](t)
		t.a0 += done * t.lda
		t.c0 += done * t.ldc
		rows -= done
	}
}

// configure sets the tiles for a brick of so many tiles of rows: of one that is wide,
// c in tiles 0 to 3 by rows, a in 4 and 5, b in 6 and 7; of others, c in 0 to 3, a in
// 4 to 6 by turns, b in 7.
func (t *brick) configure(high int) {
	t.tiles = tileConfig{palette: 1}
	set := func(tile, rows, rowBytes int) {
		t.tiles.rows[tile], t.tiles.rowBytes[tile] = uint8(rows), uint16(rowBytes)
	}
	lanes := []int{t.lanes}
	if t.lanes > brickSide {
		lanes = []int{brickSide, t.lanes - brickSide}
	}
	for m := range high {
		rows := min(brickSide, t.rows-m*brickSide)
		for n, l := range lanes {
			set(m*len(lanes)+n, rows, 4*l)
		}
		set(4+m%3, rows, 2*t.depth)
	}
	for n, l := range lanes {
		set(8-len(lanes)+n, t.depth/2, 4*l)
	}
}

// A tileSet is kernels of bricks, and of what arranges numbers for them.
type tileSet struct {
	bricks [2][]func(*brick) // of one tile of lanes and of two, by tiles of rows
	// pair sets dst[k/2*32+j*2+k%2] to src[k*lds+j] for k < rows and j < lanes, of
	// 16; what lacks of a pair, and other lanes, become zero.
	pair func(dst, src []bfloat.Number, lds, rows, lanes int)
	// transpose sets dst[j*ldd+2*k+i] to src[k*32+2*j+i] for j < lanes, k < wide, i < 2.
	transpose func(dst []bfloat.Number, src *pairs, ldd, wide, lanes int)
}

// Pairs of 32 rows of 16 lanes.
type pairs [2 * brickSide * brickSide]bfloat.Number
