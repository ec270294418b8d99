package nets

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"largestep/nets/op"
)

// ReLU is a fully connected network with ReLU after each hidden layer and one
// linear output.
type ReLU struct {
	Widths []int  // of the hidden layers
	Bias   []bool // of each layer, the output's last
	// Initial holds the first weights by parameter name, row-major; parameters
	// that it lacks start from N(0, 1/fan_in), biases from 0.
	Initial map[string][]float64
}

// maxHidden bounds a hidden layer, far above what these problems need.
const maxHidden = 4096

// Validate tells what is wrong with the shape.
func (r *ReLU) Validate() error {
	if len(r.Widths) == 0 {
		return fmt.Errorf("a ReLU network without hidden layers: want at least one width")
	}
	for _, w := range r.Widths {
		if w < 1 || w > maxHidden {
			return fmt.Errorf("hidden layer of width %d: want 1 to %d", w, maxHidden)
		}
	}
	if len(r.Bias) != len(r.Widths)+1 {
		return fmt.Errorf("%d choices of bias for %d layers", len(r.Bias), len(r.Widths)+1)
	}
	return nil
}

// Output is h, (N, 1), of x (N, D). Layer k has the parameters
// "layers.k.weight" and "layers.k.bias"; the hidden activations are the taps.
func (r *ReLU) Output(m *Model, x *gorgonia.Node) (*gorgonia.Node, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	for k, width := range r.Widths {
		h, err := r.layer(m, k, x, width)
		if err != nil {
			return nil, err
		}
		if x, err = op.ReLU(h); err != nil {
			return nil, err
		}
		m.Tap(x)
	}
	return r.layer(m, len(r.Widths), x, 1)
}

// layer is layer k of x, before a ReLU.
func (r *ReLU) layer(m *Model, k int, x *gorgonia.Node, width int) (*gorgonia.Node, error) {
	name := fmt.Sprintf("layers.%d", k)
	fanIn := x.Shape()[1]
	var bias Initializer
	if r.Bias[k] {
		bias = r.start(name+".bias", Constant(0))
	}
	return m.Dense(name, x, width, r.start(name+".weight", Normal(1/float64(fanIn))), bias)
}

// start takes a parameter's first values from Initial, if they are there.
func (r *ReLU) start(name string, otherwise Initializer) Initializer {
	if values, ok := r.Initial[name]; ok {
		return Given(values)
	}
	return otherwise
}
