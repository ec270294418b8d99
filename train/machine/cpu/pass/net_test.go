package pass

import (
	"math"
	"testing"

	"largestep/train/machine/cpu/pool"
)

func TestAveragePool(t *testing.T) {
	eachKernels(t, func(t *testing.T) {
		for _, shape := range [][3]int{{1, 1, 1}, {16, 7, 5}, {16, 64, 512}, {9, 3, 24}} {
			pixels, n, c := shape[0], shape[1], shape[2]
			z := newZone()
			x := z.normal(pixels*n*c, 0, 1)
			want, spread := make([]float64, n*c), make([]float64, len(x))
			for i, v := range x {
				want[i%(n*c)] += float64(v) / float64(pixels)
			}
			for i := range spread {
				spread[i] = want[i%(n*c)] / float64(pixels)
			}
			withPools(t, func(t *testing.T, p *pool.Pool) {
				y, dx := z.alloc(n*c), z.alloc(len(x))
				AveragePool(p, y, Floats(x), pixels)
				near(t, "y", y, want, 1e-6, 1)
				AveragePoolGrad(p, Floats(dx), y, pixels)
				near(t, "dx", dx, spread, 1e-6, 1)
			})
			z.check(t)
		}
	})
}

func TestCountPositive(t *testing.T) {
	eachKernels(t, func(t *testing.T) {
		withPools(t, func(t *testing.T, p *pool.Pool) {
			for _, shape := range [][3]int{{1, 1, 1}, {1, 7, 512}, {16, 7, 5}, {40, 64, 24}, {300, 64, 4}} {
				testCountPositive(t, p, shape[0], shape[1], shape[2])
			}
		})
	})
}

func testCountPositive(t *testing.T, p *pool.Pool, pixels, n, c int) {
	z := newZone()
	x := z.normal(pixels*n*c, 0, 1)
	for i := range x {
		x[i] = []float32{x[i], 0, float32(math.NaN()), float32(math.Inf(1)), x[i], float32(math.Copysign(0, -1))}[z.IntN(6)]
	}
	alternating, front, none := make([]int32, n), make([]int32, n), make([]int32, n)
	for i := range n {
		alternating[i], none[i] = -int32(i%2), -1
		if i >= (n+1)/2 {
			front[i] = -1
		}
	}
	for _, labels := range [][]int32{make([]int32, n), alternating, front, none} {
		var want int64
		for i, v := range x {
			if v > 0 && labels[i/c%n] >= 0 {
				want++
			}
		}
		if got := CountPositive(p, Floats(x), pixels, labels); got != want {
			t.Fatalf("%d×%d×%d, labels %v: %d positive, want %d", pixels, n, c, labels, got, want)
		}
	}
}

func TestGather(t *testing.T) {
	for pad, s := range map[int]Images{4: {Channels: 3, Height: 32, Width: 32}, 1: {Channels: 1, Height: 5, Width: 7}} {
		z := newZone()
		s.Pixels = make([]byte, 20*s.Channels*s.Height*s.Width)
		for i := range s.Pixels {
			s.Pixels[i] = byte(z.Uint32())
		}
		for _, n := range []int{1, 7, 32} {
			index, window := make([]int32, n), make([]int32, 3*n)
			for i := range index {
				index[i] = int32(z.IntN(21)) - 1
				window[3*i], window[3*i+1], window[3*i+2] = int32(z.IntN(2*pad+1)), int32(z.IntN(2*pad+1)), int32(z.IntN(2))
			}
			withPools(t, func(t *testing.T, p *pool.Pool) {
				for _, window := range [][]int32{nil, window} {
					for _, normalized := range []bool{false, true} {
						s := s
						if normalized {
							s.Values = []Values{Normalized(0.5, 0.3), Normalized(0, 1), Normalized(0.4, 2)}[:s.Channels]
						}
						x := z.alloc(n * s.Channels * s.Height * s.Width)
						s.Gather(p, pad, x, index, window)
						sameBits(t, "x", x, naiveGather(&s, pad, index, window))
					}
				}
			})
		}
		z.check(t)
	}
}

func naiveGather(s *Images, pad int, index, window []int32) []float32 {
	var x []float32
	for h := range s.Height {
		for w := range s.Width {
			for n, image := range index {
				for c := range s.Channels {
					i, j := h, w
					if window != nil {
						if window[3*n+2] == 1 {
							j = s.Width - 1 - w
						}
						i, j = i+int(window[3*n])-pad, j+int(window[3*n+1])-pad
					}
					var b byte
					if image >= 0 && i >= 0 && i < s.Height && j >= 0 && j < s.Width {
						b = s.Pixels[((int(image)*s.Channels+c)*s.Height+i)*s.Width+j]
					}
					v := float32(b) / 255
					if s.Values != nil {
						v = (v - []float32{0.5, 0, 0.4}[c]) / []float32{0.3, 1, 2}[c]
					}
					x = append(x, v)
				}
			}
		}
	}
	return x
}

func TestLinear(t *testing.T) {
	eachKernels(t, func(t *testing.T) {
		for _, shape := range [][3]int{{1, 1, 1}, {7, 5, 3}, {64, 512, 10}, {32, 37, 10}, {2, 16, 1}} {
			testLinear(t, shape[0], shape[1], shape[2])
		}
	})
}

func testLinear(t *testing.T, n, in, out int) {
	z := newZone()
	x, w, b, dy := z.normal(n*in, 0, 1), z.normal(out*in, 0, 1), z.normal(out, 0, 1), z.normal(n*out, 0, 1)
	y, dx, dw, db := make([]float64, n*out), make([]float64, n*in), make([]float64, out*in), make([]float64, out)
	for i := range n {
		for o := range out {
			d := float64(dy[i*out+o])
			y[i*out+o] = float64(b[o])
			db[o] += d
			for k := range in {
				y[i*out+o] += float64(x[i*in+k]) * float64(w[o*in+k])
				dx[i*in+k] += d * float64(w[o*in+k])
				dw[o*in+k] += d * float64(x[i*in+k])
			}
		}
	}
	withPools(t, func(t *testing.T, p *pool.Pool) {
		gotY, gotDX, gotDW, gotDB := z.alloc(n*out), z.alloc(n*in), z.alloc(out*in), z.alloc(out)
		Linear(p, gotY, x, w, b)
		near(t, "y", gotY, y, 1e-6, math.Sqrt(float64(in)))
		LinearGrad(p, gotDX, gotDW, gotDB, dy, x, w)
		near(t, "dx", gotDX, dx, 1e-6, math.Sqrt(float64(out)))
		near(t, "dw", gotDW, dw, 1e-6, math.Sqrt(float64(n)))
		near(t, "db", gotDB, db, 1e-6, 1)
		LinearGrad(p, nil, gotDW, gotDB, dy, x, w)
	})
	z.check(t)
}

func TestTransposes(t *testing.T) {
	withPools(t, func(t *testing.T, p *pool.Pool) {
		for _, shape := range [][4]int{{1, 1, 1, 1}, {2, 3, 4, 5}, {7, 5, 8, 8}, {33, 3, 17, 1}} {
			n, c, h, w := shape[0], shape[1], shape[2], shape[3]
			z := newZone()
			x := z.normal(n*c*h*w, 0, 1)
			hwnc, back := z.alloc(len(x)), z.alloc(len(x))
			NCHWToHWNC(p, hwnc, x, h*w)
			i := 0
			for n := range n {
				for channel := range c {
					for pixel := range h * w {
						if at := (pixel*shape[0]+n)*c + channel; hwnc[at] != x[i] {
							t.Fatalf("%v: element %d is not at %d", shape, i, at)
						}
						i++
					}
				}
			}
			HWNCToNCHW(p, back, hwnc, h*w)
			sameBits(t, "there and back", back, x)
			z.check(t)
		}
	})
}

func TestSelect(t *testing.T) {
	for _, shape := range [][3]int{{1, 1, 1}, {1, 7, 40}, {16, 7, 5}, {9, 33, 24}} {
		pixels, n, c := shape[0], shape[1], shape[2]
		z := newZone()
		x := z.normal(pixels*n*c, 0, 1)
		units, labels := make([]int32, 301), make([]int32, n)
		for k := range units {
			units[k] = int32(z.IntN(pixels*c+1)) - 1
		}
		for i := range labels {
			labels[i] = int32(i%4) - 1
		}
		want, count := make([]float64, n*len(units)), make([]float64, len(units))
		for i := range want {
			image, u := i/len(units), int(units[i%len(units)])
			switch {
			case labels[image] < 0:
			case u < 0:
				want[i] = 1
			default:
				want[i] = float64(x[(u%pixels*n+image)*c+u/pixels])
			}
			if want[i] > 0 {
				count[i%len(units)]++
			}
		}
		withPools(t, func(t *testing.T, p *pool.Pool) {
			got, total := z.alloc(len(want)), make([]float64, len(units))
			Select(p, Floats(got), Floats(x), pixels, units, labels)
			near(t, "z", got, want, 0, 1)
			CountColumns(p, total, Floats(got))
			for k, v := range count {
				if total[k] != v {
					t.Errorf("column %d: %g positive, want %g", k, total[k], v)
				}
			}
		})
		z.check(t)
	}
}
