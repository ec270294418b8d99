package instances

import (
	"fmt"
	"math"
	"strings"

	"largestep/train/instances/numpy"
)

// taught labels the inputs by a fully connected ReLU net with one output, whose
// parameters are each layer's weight and, where it has one, its bias.
func taught(inputs []float64, d int, teacher []Parameter) Examples {
	e := Examples{len(inputs) / d, d, inputs, make([]float64, len(inputs)/d)}
	for i := range e.Labels {
		e.Labels[i] = output(inputs[i*d:(i+1)*d], teacher)
	}
	return e
}

func output(x []float64, net []Parameter) float64 {
	for first := true; len(net) > 0; first = false {
		if !first {
			for i, v := range x {
				x[i] = max(0, v)
			}
		}
		w := net[0]
		net = net[1:]
		y := make([]float64, w.Shape[0])
		for i := range y {
			y[i] = dot(w.Values[i*len(x):(i+1)*len(x)], x)
		}
		if len(net) > 0 && strings.HasSuffix(net[0].Name, "bias") {
			for i, b := range net[0].Values {
				y[i] += b
			}
			net = net[1:]
		}
		x = y
	}
	return x[0]
}

// layers draws the parameters of a fully connected net with the given widths,
// the inputs first: weights from scale·randn, biases uniformly from ±1/√inputs.
func layers(r *numpy.RandomState, scale float64, widths ...int) []Parameter {
	var p []Parameter
	for l, in := range widths[:len(widths)-1] {
		out := widths[l+1]
		p = append(p, normal(r, scale, fmt.Sprintf("layers.%d.weight", l), out, in))
		bias := zeros(fmt.Sprintf("layers.%d.bias", l), out)
		for i := range bias.Values {
			bias.Values[i] = float64(2*r.Float64()-1) / math.Sqrt(float64(in))
		}
		p = append(p, bias)
	}
	return p
}

func normal(r *numpy.RandomState, scale float64, name string, shape ...int) Parameter {
	p := zeros(name, shape...)
	for i := range p.Values {
		p.Values[i] = scale * r.NormFloat64()
	}
	return p
}

// unitRows draws n rows of d normal numbers and scales each to unit length.
func unitRows(r *numpy.RandomState, n, d int) []float64 {
	x := r.Normal(n * d)
	for i := range n {
		row := x[i*d : (i+1)*d]
		scale(row, 1/norm(row))
	}
	return x
}
