package cuda

import (
	"math"
	"slices"
	"testing"
)

func TestSlots(t *testing.T) {
	got := slots(address(0x7f0011223344), int32(-1), int(1)<<40, float32(1.5), 2.5, true, false)
	want := []uint64{0x7f0011223344, 0xffffffff, 1 << 40, uint64(math.Float32bits(1.5)), math.Float64bits(2.5), 1, 0}
	if !slices.Equal(got, want) {
		t.Errorf("slots %#x, want %#x", got, want)
	}
	defer func() {
		if recover() == nil {
			t.Error("an argument of a type that no kernel has was packed")
		}
	}()
	slots("text")
}

func TestGrids(t *testing.T) {
	for _, c := range []struct{ n, blocks int }{{0, 1}, {1, 1}, {256, 1}, {257, 2}, {1 << 30, 16 * 132}} {
		if g := flat(c.n, 132); g.x != c.blocks || g.blockX != threads {
			t.Errorf("flat(%d) = %+v, want %d blocks", c.n, g, c.blocks)
		}
	}
	for _, c := range []struct{ rows, columns, x, y int }{
		{262144, 64, 1, 264}, {4096, 512, 8, 33}, {24, 8, 1, 1}, {100, 72, 2, 3}, {64, tile * maxTiles, maxTiles, 1},
	} {
		g := tiled(c.rows, c.columns, 132)
		if g.x != c.x || g.y != c.y {
			t.Errorf("tiled(%d, %d) = %+v, want %d × %d blocks", c.rows, c.columns, g, c.x, c.y)
		}
		if g.x*g.y > partials(132) {
			t.Errorf("tiled(%d, %d): %d blocks have sums, there is memory for %d", c.rows, c.columns, g.x*g.y, partials(132))
		}
	}
	for _, c := range []struct {
		rows, columns, x, y int
		fits                bool
	}{
		{262144, 64, 1, 132, true}, {4096, 512, 8, 16, true}, {24, 8, 1, 1, true}, {100, 72, 2, 3, true}, {64, tile * 132, 132, 1, true}, {64, tile*132 + 8, 133, 1, false},
	} {
		if g, fits := meeting(c.rows, c.columns, 132); g.x != c.x || g.y != c.y || fits != c.fits {
			t.Errorf("meeting(%d, %d) = %+v, %t, want %d × %d blocks", c.rows, c.columns, g, fits, c.x, c.y)
		}
	}
}
