package train

import (
	"math"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/nets/op"
	"largestep/train/machine"
)

// setFloats fills a variable of either float type.
func setFloats(vars *machine.Variables, name string, x []float64) error {
	if spec, _ := vars.Spec(name); spec.Dtype != tensor.Float32 {
		return vars.Set(name, x)
	}
	return vars.Set(name, float32s(x))
}

// outputFloats reads an output of either float type.
func outputFloats(m *machine.Machine, n *gorgonia.Node) ([]float64, error) {
	spec, err := op.SpecOf(n)
	if err != nil {
		return nil, err
	}
	x := make([]float64, spec.Len())
	if spec.Dtype != tensor.Float32 {
		return x, m.Output(n, x)
	}
	x32 := make([]float32, len(x))
	err = m.Output(n, x32)
	for i, v := range x32 {
		x[i] = float64(v)
	}
	return x, err
}

// appendOutputs appends the values of several outputs, one after the other.
func appendOutputs(x []float64, m *machine.Machine, outputs gorgonia.Nodes) ([]float64, error) {
	for _, n := range outputs {
		v, err := outputFloats(m, n)
		if err != nil {
			return nil, err
		}
		x = append(x, v...)
	}
	return x, nil
}

// finite tells whether a number is neither NaN nor infinite.
func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

func float32s(x []float64) []float32 {
	x32 := make([]float32, len(x))
	for i, v := range x {
		x32[i] = float32(v)
	}
	return x32
}
