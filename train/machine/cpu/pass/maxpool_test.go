package pass

import (
	"fmt"
	"math"
	"testing"

	"largestep/train/machine/cpu/pool"
)

// poolings are heights, widths, sizes and strides.
var poolings = [][4]int{{2, 2, 2, 2}, {5, 7, 2, 2}, {4, 6, 3, 2}, {7, 5, 2, 3}, {3, 4, 3, 1}, {2, 3, 1, 1}}

func TestMaxPool(t *testing.T) {
	eachKernels(t, func(t *testing.T) {
		for _, p := range poolings {
			m := MaxPool{Height: p[0], Width: p[1], Size: p[2], Stride: p[3]}
			for _, columns := range []int{1, 15, 7 * 24, poolColumns, 2*poolColumns + 33} {
				t.Run(fmt.Sprintf("%+v/%d", m, columns), func(t *testing.T) { testMaxPool(t, m, columns) })
			}
		}
	})
}

// testMaxPool has few different numbers, so that there are ties, and NaN.
func testMaxPool(t *testing.T, m MaxPool, columns int) {
	z := newZone()
	x := z.alloc(m.Height * m.Width * columns)
	for i := range x {
		x[i] = []float32{-1, 0, 1, 2, 2, 2, 1, float32(math.Inf(-1)), float32(math.Inf(-1)), float32(math.NaN())}[z.IntN(10)]
	}
	n := m.outHeight() * m.outWidth() * columns
	dy := z.normal(n, 0, 1)
	y, dx := naiveMaxPool(m, columns, x, dy)
	withPools(t, func(t *testing.T, p *pool.Pool) {
		gotY, gotDX := z.alloc(n), z.alloc(len(x))
		m.Forward(p, gotY, x)
		for i := range y {
			if gotY[i] != y[i] && (gotY[i] == gotY[i] || y[i] == y[i]) {
				t.Fatalf("y[%d] = %g, want %g", i, gotY[i], y[i])
			}
		}
		m.Grad(p, gotDX, dy, x, gotY)
		near(t, "dx", gotDX, dx, 1e-6, 1)
	})
	z.check(t)
}

func naiveMaxPool(m MaxPool, columns int, x, dy []float32) (y []float32, dx []float64) {
	dx = make([]float64, len(x))
	for row := 0; row+m.Size <= m.Height; row += m.Stride {
		for column := 0; column+m.Size <= m.Width; column += m.Stride {
			for c := range columns {
				best := -1
				for h := row; h < row+m.Size; h++ {
					for w := column; w < column+m.Size; w++ {
						at := (h*m.Width+w)*columns + c
						switch {
						case best < 0, x[at] > x[best], math.IsNaN(float64(x[at])) && !math.IsNaN(float64(x[best])):
							best = at
						}
					}
				}
				dx[best] += float64(dy[len(y)])
				y = append(y, x[best])
			}
		}
	}
	return y, dx
}
