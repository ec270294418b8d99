package nets_test

import (
	"math"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/machine"
)

func TestInitialSizes(t *testing.T) {
	net, err := nets.NewResNet18(16, 10)
	if err != nil {
		t.Fatal(err)
	}
	m := nets.NewModel(tensor.Float32, true)
	if _, err := net.Output(m, m.Input("x", tensor.Float32, 2, 3, 32, 32)); err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{ // root mean squares
		"layer4.1.conv2.weight": math.Sqrt(2. / (128 * 9)), // He et al.
		"linear.weight":         1 / math.Sqrt(3*128),      // uniform in ±1/√128
		"linear.bias":           0,
		"layer4.1.bn2.weight":   1,
	}
	for _, v := range m.Variables {
		rms, ok := want[v.Name]
		if !ok {
			continue
		}
		delete(want, v.Name)
		square := 0.0
		for _, x := range v.Initial(1) {
			square += x * x / float64(v.Len())
		}
		if got := math.Sqrt(square); !(math.Abs(got-rms) <= 0.05*rms) {
			t.Errorf("%s has a root mean square of %.4f, want %.4f", v.Name, got, rms)
		}
	}
	if len(want) > 0 {
		t.Errorf("no variables %v", want)
	}
}

// After k forward passes of one mini-batch, a running statistic has gone 1 − 0.9ᵏ
// of the way from its first value to the mini-batch's.
func TestRunningMomentum(t *testing.T) {
	m, cost, _ := resnetLoss(t)
	vars := machine.NewVariables(op.Reference{})
	step, err := machine.New(vars, append(gorgonia.Nodes{cost}, m.Updates...)...)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]float64{"x": make([]float64, 3*3*16*16)}
	for i := range values["x"] {
		values["x"][i] = math.Sin(float64(i * i))
	}
	for _, v := range m.Variables {
		values[v.Name] = v.Initial(7)
	}
	for name, v := range values {
		if err := vars.Set(name, v); err != nil {
			t.Fatal(err)
		}
	}
	moved := func(name string) float64 {
		if err := step.RunAll(); err != nil {
			t.Fatal(err)
		}
		now := make([]float64, len(values[name]))
		if err := vars.Get(name, now); err != nil {
			t.Fatal(err)
		}
		return now[0] - values[name][0]
	}
	for _, name := range []string{"bn1.running_mean", "layer2.0.bn1.running_var"} {
		if err := vars.Set(name, values[name]); err != nil {
			t.Fatal(err)
		}
		once, twice := moved(name), moved(name)
		if ratio := twice / once; !(math.Abs(ratio-1.9) <= 1e-9) {
			t.Errorf("%s moved by %g, then to %g times that, want 1.9", name, once, ratio)
		}
	}
}
