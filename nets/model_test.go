package nets_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/nets"
)

// A network that is built from outside the package gives errors, not panics.
func TestLayersThatDoNotFit(t *testing.T) {
	for want, build := range map[string]func(m *nets.Model, x *gorgonia.Node) (*gorgonia.Node, error){
		`a: x (2, 3): want (N, C, H, W)`: func(m *nets.Model, _ *gorgonia.Node) (*gorgonia.Node, error) {
			return m.Convolution("a", m.Input("matrix", tensor.Float32, 2, 3), 4, 3, 1)
		},
		`b: x (2, 3): want (N, C, H, W)`: func(m *nets.Model, _ *gorgonia.Node) (*gorgonia.Node, error) {
			return m.BatchNorm("b", m.Input("matrix", tensor.Float32, 2, 3), nil, true)
		},
		`c: x (2, 3, 5, 5): want (N, I)`: func(m *nets.Model, x *gorgonia.Node) (*gorgonia.Node, error) {
			return m.Dense("c", x, 4, nil, nil)
		},
		`stride 0`: func(m *nets.Model, x *gorgonia.Node) (*gorgonia.Node, error) {
			return m.Convolution("d", x, 4, 3, 0)
		},
		`variable "e.weight" of shape [0 3 3 3]`: func(m *nets.Model, x *gorgonia.Node) (*gorgonia.Node, error) {
			return m.Convolution("e", x, 0, 3, 1)
		},
		`variable "f": want a name`: func(m *nets.Model, x *gorgonia.Node) (*gorgonia.Node, error) {
			if _, err := m.Buffer("f", nil, 3); err != nil {
				return nil, err
			}
			return m.Parameter("f", nil, 3)
		},
		`g: batch norm: `: func(m *nets.Model, x *gorgonia.Node) (*gorgonia.Node, error) {
			return m.BatchNorm("g", x, m.Input("residual", tensor.Float32, 2, 3, 4, 4), false)
		},
		`smaller than the window, 6×6`: func(m *nets.Model, x *gorgonia.Node) (*gorgonia.Node, error) {
			return m.MaxPool(x, 6, 2)
		},
		`size 2, stride 0`: func(m *nets.Model, x *gorgonia.Node) (*gorgonia.Node, error) { return m.MaxPool(x, 2, 0) },
		`(N, C, H, W)`: func(m *nets.Model, x *gorgonia.Node) (*gorgonia.Node, error) {
			return m.AveragePool(m.Input("matrix", tensor.Float32, 2, 3))
		},
	} {
		m := nets.NewModel(tensor.Float32, true)
		_, err := build(m, m.Input("x", tensor.Float32, 2, 3, 5, 5))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want one line with %q", err, want)
		}
	}
}

func TestVariablesByHand(t *testing.T) {
	v := &nets.Variable{Name: "w", Shape: tensor.Shape{2, 3}, Trained: true}
	if got := v.Initial(1); !slices.Equal(got, make([]float64, 6)) {
		t.Errorf("first values %v, want zeros", got)
	}
	m := &nets.Model{Graph: gorgonia.NewGraph(), Dtype: tensor.Float32}
	if _, err := m.Parameter("b", nets.Given([]float64{4, 5}), 2); err != nil {
		t.Fatal(err)
	}
	if got := m.Variables[0].Initial(1); !slices.Equal(got, []float64{4, 5}) {
		t.Errorf("first values %v, want 4, 5", got)
	}
	if _, err := m.Parameter("b", nil, 2); err == nil {
		t.Error("two variables of one name")
	}
	m.Variables = append(m.Variables, v)
	defer func() {
		if r := fmt.Sprint(recover()); !strings.Contains(r, "parameter w is not part of the graph") {
			t.Errorf("a parameter without a node: %v", r)
		}
	}()
	m.Parameters()
}

// The number of features is that of the taps.
func TestFeatures(t *testing.T) {
	resnet, err := nets.NewResNet18(4, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		net   nets.Net
		shape []int
		want  int
	}{
		{resnet, []int{1, 3, 32, 32}, 5},
		{twoLayers{10}, []int{7, 3, 16, 16}, 2},
		{&nets.ReLU{Widths: []int{4, 5, 6}, Bias: make([]bool, 4)}, []int{2, 3}, 3},
		{nets.Linear{}, []int{2, 3}, 0},
		{nets.Diagonal{}, []int{2, 3}, 0},
	} {
		if got, err := nets.Features(c.net, c.shape...); err != nil || got != c.want {
			t.Errorf("%T: %d features, error %v, want %d", c.net, got, err, c.want)
		}
	}
	if _, err := nets.Features(resnet, 2, 3); err == nil {
		t.Error("features of a network that cannot be built")
	}
}
