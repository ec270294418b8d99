package pass

import (
	"sync/atomic"

	"largestep/train/machine/cpu/pool"
)

// CountPositive returns how many elements of x (pixels × images × channels,
// layout HWNC; one pixel for a matrix of images × channels) are greater than 0
// in the images whose label is not negative.
func CountPositive(p *pool.Pool, x Matrix, pixels int, labels []int32) int64 {
	if pixels == 0 || x.len() == 0 {
		return 0
	}
	pixel := x.len() / pixels
	if pixel*pixels != x.len() || len(labels) == 0 || pixel%len(labels) != 0 {
		panic("pass: length is not pixels × images × channels")
	}
	runs := keptRuns(labels, pixel)
	group := max(1, chunk/pixel) // pixels in a task
	var total atomic.Int64       // integers add up the same in any order
	p.Do((pixels+group-1)/group, func(_, i int) {
		var count int64
		first, last := i*group*pixel, min((i+1)*group, pixels)*pixel
		if len(runs) == 1 && runs[0] == [2]int{0, pixel} {
			count = countAll(x, first, last)
		} else {
			for ; first < last; first += pixel {
				for _, run := range runs {
					count += countAll(x, first+run[0], first+run[1])
				}
			}
		}
		total.Add(count)
	})
	return total.Load()
}

// keptRuns returns the ranges of a pixel's floats that belong to kept images.
func keptRuns(labels []int32, pixel int) [][2]int {
	channels := pixel / len(labels)
	var runs [][2]int
	for n, label := range labels {
		switch last := len(runs) - 1; {
		case label < 0:
		case last >= 0 && runs[last][1] == n*channels:
			runs[last][1] += channels
		default:
			runs = append(runs, [2]int{n * channels, (n + 1) * channels})
		}
	}
	return runs
}

func countAll(x Matrix, lo, hi int) (count int64) {
	for b := rangeOf(lo, hi, blockFloats, x); b.next(); {
		x := b.in(0, x)
		n := len(x) &^ 15
		count += active.countPositive(x[:n]) + reference.countPositive(x[n:])
	}
	return count
}
