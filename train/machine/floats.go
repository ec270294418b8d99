package machine

import (
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/nets/op"
)

// SetFloats fills a variable of either float type.
func (v *Variables) SetFloats(name string, x []float64) error {
	if spec, _ := v.Spec(name); spec.Dtype != tensor.Float32 {
		return v.Set(name, x)
	}
	x32 := make([]float32, len(x))
	for i, value := range x {
		x32[i] = float32(value)
	}
	return v.Set(name, x32)
}

// Floats reads an output of either float type.
func (m *Machine) Floats(n *gorgonia.Node) ([]float64, error) {
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

// AppendFloats appends the values of several outputs, one after the other.
func (m *Machine) AppendFloats(x []float64, outputs gorgonia.Nodes) ([]float64, error) {
	for _, n := range outputs {
		v, err := m.Floats(n)
		if err != nil {
			return nil, err
		}
		x = append(x, v...)
	}
	return x, nil
}
