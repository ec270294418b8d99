package enginetest

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"largestep/nets/op"
)

// maxPools have windows of an even and an odd size that do not fill the image, that
// overlap, and that leave pixels out.
func maxPools(large bool) []test {
	type pool struct{ n, c, height, width, size, stride int }
	pools := []pool{{2, 3, 4, 6, 2, 2}, {3, 2, 5, 7, 2, 2}, {2, 5, 5, 6, 3, 2}, {1, 4, 7, 4, 2, 3}}
	if large {
		pools = append(pools, pool{33, 64, 2, 2, 2, 2}, pool{16, 64, 8, 8, 2, 2}, pool{7, 40, 9, 9, 3, 1}, pool{5, 24, 64, 64, 2, 2}, pool{3, 100, 15, 16, 4, 3}, pool{9, 3, 3, 3, 1, 2})
	}
	var list []test
	for _, p := range pools {
		name := fmt.Sprintf("n%d_%d_%dx%d_size%d_stride%d", p.n, p.c, p.height, p.width, p.size, p.stride)
		window := op.Pooling{Size: p.size, Stride: p.stride}
		list = append(list, test{"max_pool/" + name, true, func(g *graph) (gorgonia.Nodes, error) {
			y, err := op.MaxPool(g.normal("x", p.n, p.c, p.height, p.width), window)
			return gorgonia.Nodes{y}, err
		}, nil})
		if !large { // no derivative to compare with where elements are equal
			continue
		}
		list = append(list, test{"max_pool_of_equals/" + name, true, func(g *graph) (gorgonia.Nodes, error) {
			y, err := op.MaxPool(g.digits("x", p.n, p.c, p.height, p.width), window)
			return gorgonia.Nodes{y}, err
		}, maxPoolFormula(p.n*p.c, p.height, p.width, window)})
	}
	return list
}

// digits is a random input of 0, 1 and 2 that the case differentiates by.
func (g *graph) digits(name string, shape ...int) *gorgonia.Node {
	n := g.normal(name, shape...)
	v := make([]float64, n.Shape().TotalSize())
	for i := range v {
		v[i] = float64(g.rng.IntN(3))
	}
	g.values[name] = g.host(v)
	return n
}

// maxPoolFormula takes, of equal elements, the first row by row.
func maxPoolFormula(planes, height, width int, p op.Pooling) formula {
	return func(in values) [][]float64 {
		x, r := in["x"], in["r"]
		var y []float64
		dx := make([]float64, len(x))
		for plane := range planes {
			for row := 0; row+p.Size <= height; row += p.Stride {
				for column := 0; column+p.Size <= width; column += p.Stride {
					first := (plane*height+row)*width + column
					at := first
					for k := range p.Size * p.Size {
						if i := first + k/p.Size*width + k%p.Size; x[i] > x[at] {
							at = i
						}
					}
					dx[at] += r[len(y)]
					y = append(y, x[at])
				}
			}
		}
		return [][]float64{y, dx}
	}
}
