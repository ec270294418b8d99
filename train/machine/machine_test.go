package machine_test

import (
	"strings"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/nets/op"
	"largestep/train/machine"
)

func float32s(g *gorgonia.ExprGraph, name string, shape ...int) *gorgonia.Node {
	if len(shape) == 0 {
		return gorgonia.NewScalar(g, tensor.Float32, gorgonia.WithName(name))
	}
	return gorgonia.NewTensor(g, tensor.Float32, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(name))
}

// wantError checks that err is one line with want in it; no error if want is "".
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Error(err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n")):
		t.Errorf("error %v, want one line with %q", err, want)
	}
}

// What reads a variable must have been made before what updates it.
func TestReadAfterUpdate(t *testing.T) {
	for want, late := range map[string]bool{"": false, "reads total after": true} {
		g := gorgonia.NewGraph()
		total := float32s(g, "total", 2)
		var read *gorgonia.Node
		if !late {
			read = gorgonia.Must(gorgonia.Neg(total))
		}
		updated, err := op.Accumulate([]*gorgonia.Node{total}, []*gorgonia.Node{float32s(g, "x", 2)}, float32s(g, "decay"), 1)
		if err != nil {
			t.Fatal(err)
		}
		if late {
			read = gorgonia.Must(gorgonia.Neg(total))
		}
		_, err = machine.New(machine.NewVariables(op.Reference{}), read, updated[0])
		wantError(t, err, want)
	}
}

// The same of an operation that updates its first operand.
func TestReadAfterRecord(t *testing.T) {
	g := gorgonia.NewGraph()
	log := gorgonia.NewTensor(g, tensor.Float64, 1, gorgonia.WithShape(4), gorgonia.WithName("log"))
	position := gorgonia.NewScalar(g, tensor.Int32, gorgonia.WithName("position"))
	recorded, err := op.Record(log, float32s(g, "loss"), position)
	if err != nil {
		t.Fatal(err)
	}
	_, err = machine.New(machine.NewVariables(op.Reference{}), gorgonia.Must(gorgonia.Neg(log)), recorded)
	wantError(t, err, "reads log after")
}

// narrow is an engine with the kernels of op.Kernels alone, and of float32.
type narrow struct {
	op.Memory
	op.Kernels
	float64 op.Kernels
}

func (n narrow) Float64() op.Kernels { return n.float64 }

// An operation runs on the kernels of its type, and one that they lack is an error
// before anything runs.
func TestKernelsThatAnEngineLacks(t *testing.T) {
	all := op.Reference{}
	few := struct{ op.Kernels }{all}
	for _, c := range []struct {
		dtype   tensor.Dtype
		float64 op.Kernels
		want    string
	}{
		{tensor.Float32, all, "engine reference has no kernel for this"},
		{tensor.Float64, few, "engine reference has no kernel for this"},
		{tensor.Float64, all, ""},
	} {
		e := narrow{all, few, c.float64}
		x := gorgonia.NewMatrix(gorgonia.NewGraph(), c.dtype, gorgonia.WithShape(2, 2), gorgonia.WithName("x"))
		_, err := machine.New(machine.NewVariables(e), gorgonia.Must(op.ReLU(x)))
		wantError(t, err, c.want)
	}
}

func TestOneVariableInTwoGraphs(t *testing.T) {
	filter := func(g *gorgonia.ExprGraph) (*gorgonia.Node, error) {
		return op.Conv(float32s(g, "x", 1, 3, 8, 8), float32s(g, "w", 2, 3, 3, 3), op.Convolution{Stride: 1, Pad: 1})
	}
	images := func(n int) func(g *gorgonia.ExprGraph) (*gorgonia.Node, error) {
		return func(g *gorgonia.ExprGraph) (*gorgonia.Node, error) {
			return op.AveragePool(float32s(g, "w", n, 3, 3, 3))
		}
	}
	for want, second := range map[string]func(g *gorgonia.ExprGraph) (*gorgonia.Node, error){
		"":                        filter,
		`variable "w" has two ki`: images(2),
		`"w" is float32(2, 3, 3, 3) in one graph and float32(3, 3, 3, 3) in another`: images(3),
	} {
		vars := machine.NewVariables(op.Reference{})
		var err error
		for _, build := range []func(g *gorgonia.ExprGraph) (*gorgonia.Node, error){filter, second} {
			wantError(t, err, "")
			y, failed := build(gorgonia.NewGraph())
			if failed != nil {
				t.Fatal(failed)
			}
			_, err = machine.New(vars, y)
		}
		wantError(t, err, want)
	}
}
