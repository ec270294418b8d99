package nets_test

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/nets"
)

// twoLayers is a small convolutional network for images.
type twoLayers struct{ Classes int }

func (n twoLayers) Output(m *nets.Model, x *gorgonia.Node) (*gorgonia.Node, error) {
	var err error
	for i, channels := range []int{8, 16} {
		if x, err = m.Convolution(fmt.Sprintf("conv%d", i+1), x, channels, 3, 1); err != nil {
			return nil, err
		}
		if x, err = m.BatchNorm(fmt.Sprintf("bn%d", i+1), x, nil, true); err != nil {
			return nil, err
		}
		if x, err = m.MaxPool(x, 2, 2); err != nil {
			return nil, err
		}
		m.Tap(x)
	}
	if x, err = m.AveragePool(x); err != nil {
		return nil, err
	}
	return m.Dense("linear", x, n.Classes, nets.UniformFanIn(16), nets.Constant(0))
}

// A network of one's own.
func ExampleModel() {
	m := nets.NewModel(tensor.Float32, false)
	logits, err := twoLayers{Classes: 10}.Output(m, m.Input("x", tensor.Float32, 64, 3, 32, 32))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range m.Variables {
		fmt.Println(v.Name, v.Shape)
	}
	fmt.Println("features", m.Taps[0].Shape(), m.Taps[1].Shape(), "logits", logits.Shape())
	// Output:
	// conv1.weight (8, 3, 3, 3)
	// bn1.weight (8)
	// bn1.bias (8)
	// bn1.running_mean (8)
	// bn1.running_var (8)
	// conv2.weight (16, 8, 3, 3)
	// bn2.weight (16)
	// bn2.bias (16)
	// bn2.running_mean (16)
	// bn2.running_var (16)
	// linear.weight (10, 16)
	// linear.bias (10)
	// features (64, 8, 16, 16) (64, 16, 8, 8) logits (64, 10)
}
