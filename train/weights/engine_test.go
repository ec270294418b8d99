package weights

import (
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/machine"
	"largestep/train/safetensors"
)

// A bias before a batch norm is subtracted from the running mean, and zero in what
// is written.
func TestFoldedBias(t *testing.T) {
	m := nets.NewModel(tensor.Float32, false)
	x, err := m.Convolution("conv", m.Input("x", tensor.Float32, 2, 3, 4, 4), 2, 3, 1)
	check(t, err)
	m.ConvolutionBias("conv", "bn", 2)
	y, err := m.BatchNorm("bn", x, nil, false)
	check(t, err)
	vars := machine.NewVariables(op.Reference{})
	_, err = machine.New(vars, []*gorgonia.Node{y}...)
	check(t, err)
	check(t, Initialize(vars, m.Variables, 1))
	out, err := Export(vars, m.Variables, 0)
	check(t, err)
	for i, x := range out {
		switch x.Name {
		case "conv.bias":
			out[i] = safetensors.FromFloat32(x.Name, x.Shape, []float32{0.5, -2})
		case "bn.running_mean":
			out[i] = safetensors.FromFloat32(x.Name, x.Shape, []float32{1, 1})
		}
	}
	check(t, Import(vars, m.Variables, out))
	mean := make([]float32, 2)
	check(t, vars.Get("bn.running_mean", mean))
	if mean[0] != 0.5 || mean[1] != 3 {
		t.Errorf("running mean %v, want 0.5 and 3", mean)
	}
	if out, err = Export(vars, m.Variables, 0); err != nil {
		t.Fatal(err)
	}
	for _, x := range out {
		if values, err := x.Float64s(); x.Name == "conv.bias" && (err != nil || values[0] != 0 || values[1] != 0) {
			t.Errorf("bias %v, %v", values, err)
		}
	}
}
