package conv

import (
	"slices"

	"largestep/train/machine/cpu/isa"
)

// A family is kernels of one number of lanes, by their number of rows.
type family struct {
	lanes   int
	min     int // fewest lanes that it is the choice for
	kernels []func(*tile)
}

// A kernelSet is the kernels of one instruction set, families by falling
// number of lanes.
type kernelSet struct {
	name       string
	nn, tn     []family
	transpose  func(dst, src []float32, ldd, lds int) // see transpose8Go
	transforms *transforms                            // of F(4×4, 3×3)
	phases     *transforms                            // of F(4×4, 2×2)
	fetches    bool                                   // whether kernels ask for what a queue says
	limits     limits                                 // of Winograd's blocks
}

// goKernels run anywhere.
var goKernels = &kernelSet{
	name:       isa.Go,
	nn:         []family{{lanes: maxLanes, min: 1, kernels: goFamily(nnGo)}},
	tn:         []family{{lanes: maxLanes, min: 1, kernels: goFamily(tnGo)}},
	transpose:  transpose8Go,
	transforms: newTransforms(matrices3, 1),
	phases:     newTransforms(matrices2, 1),
	limits:     goLimits,
}

// kernelSets returns the sets that this processor runs, the fastest first.
func kernelSets() (sets []*kernelSet) {
	for _, s := range append(slices.Clone(assembly), goKernels) {
		if slices.Contains(isa.Available(), s.name) {
			sets = append(sets, s)
		}
	}
	return sets
}

// active is the set in use.
var active = func() *kernelSet {
	sets := kernelSets()
	return sets[slices.IndexFunc(sets, func(s *kernelSet) bool { return s.name == isa.Chosen() })]
}()

// goFamily returns kernels of one row: plain Go gains nothing from more.
func goFamily(f func(t *tile, rows int)) []func(*tile) {
	return []func(*tile){nil, func(t *tile) { f(t, 1) }}
}

// computeBlock fills a block of rows by lanes, described by t as if it were one tile.
func computeBlock(families []family, t *tile, rows, lanes, aStep int) {
	a0, b0, c0 := t.a0, t.b0, t.c0
	for done := 0; done < lanes; {
		f := choose(families, lanes-done)
		t.lanes = min(f.lanes, lanes-done)
		t.a0, t.b0, t.c0 = a0, b0+done, c0+done
		f.run(t, rows, aStep)
		done += t.lanes
	}
	t.a0, t.b0, t.c0 = a0, b0, c0
}

// choose returns the family for the next columns of a block.
func choose(families []family, lanes int) *family {
	for i := range families {
		if lanes >= families[i].min {
			return &families[i]
		}
	}
	panic("conv: no lanes")
}

// run divides rows among as few tiles as can be, of heights that differ by one
// at most. From row to row, a advances by aStep.
func (f *family) run(t *tile, rows, aStep int) {
	highest := len(f.kernels) - 1
	tiles := (rows + highest - 1) / highest
	low, high := rows/tiles, rows%tiles
	if high > 0 {
		t.count = high
		f.kernels[low+1](t)
		t.a0 += high * (low + 1) * aStep
		t.c0 += high * (low + 1) * t.ldc
	}
	t.count = tiles - high
	f.kernels[low](t)
}

// transpose8Go sets dst[j*ldd+i] = src[i*lds+j] for i, j < 8.
func transpose8Go(dst, src []float32, ldd, lds int) {
	for i := range 8 {
		for j, v := range src[i*lds:][:8] {
			dst[j*ldd+i] = v
		}
	}
}
