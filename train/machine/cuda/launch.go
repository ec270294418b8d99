package cuda

import (
	"fmt"
	"math"
)

// The sizes of blocks, as in kernels.cu.
const (
	lanes   = 8              // LANES
	depth   = 48             // DEPTH
	tile    = vector * lanes // TILE
	threads = 256            // THREADS
	side    = 16             // SIDE
	gram    = 4 * side       // GRAM
)

// maxTiles bounds the channels of a batch norm: an arrival counter for each
// tile.
const maxTiles = 1024

// grid is the shape of a launch.
type grid struct{ x, y, blockX, blockY int }

// flat is a grid for n independent items, with few enough blocks that each
// thread of a large launch has several.
func flat(n, multiprocessors int) grid {
	blocks := max(1, (n+threads-1)/threads)
	return grid{min(blocks, 16*multiprocessors), 1, threads, 1}
}

// tiled is a grid for an activation of rows by columns: the tiles of channels,
// and for each as many blocks as fill the card with two for a multiprocessor.
func tiled(rows, columns, multiprocessors int) grid {
	tiles := (columns + tile - 1) / tile
	blocks := max(1, min((rows+depth-1)/depth, 2*multiprocessors/tiles))
	return grid{tiles, blocks, lanes, depth}
}

// meeting is the same for a kernel whose blocks meet, one for a multiprocessor, so
// that all of them run; ok is false if there are too many tiles for that.
func meeting(rows, columns, multiprocessors int) (g grid, ok bool) {
	tiles := (columns + tile - 1) / tile
	blocks := max(1, min((rows+depth-1)/depth, multiprocessors/tiles))
	return grid{tiles, blocks, lanes, depth}, tiles*blocks <= multiprocessors
}

// partials is how many blocks at most have sums of their own in scratch memory.
func partials(multiprocessors int) int { return max(maxTiles, 2*multiprocessors) }

// slots packs the arguments of a kernel, each into 8 bytes, which is how
// cu.Function.Launch takes them; the kernel reads as many as its type has, at
// the beginning.
func slots(args ...any) []uint64 {
	s := make([]uint64, len(args))
	for i, a := range args {
		switch v := a.(type) {
		case address:
			s[i] = uint64(v)
		case int32: // int
			s[i] = uint64(uint32(v))
		case int: // size_t
			s[i] = uint64(v)
		case float32:
			s[i] = uint64(math.Float32bits(v))
		case float64:
			s[i] = math.Float64bits(v)
		case bool: // int
			if v {
				s[i] = 1
			}
		default:
			panic(fmt.Sprintf("cuda: argument %d is a %T", i, a))
		}
	}
	return s
}

// address is a place in the device's memory; 0 is none.
type address uint64

func (a address) String() string { return fmt.Sprintf("%#x", uint64(a)) }
