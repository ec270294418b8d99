package machine_test

import (
	"errors"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/nets/op"
	"largestep/train/machine"
)

// replayer is the reference engine with the one kernel that the tests use
// captured and replayed, as a GPU would.
type replayer struct {
	op.Reference
	capturing bool
	captured  []func()
	captures  int
	replays   int
	err       error // of Capture
}

func (r *replayer) Accumulate(sum, x, decay op.Tensor, scale float64) {
	run := func() { r.Reference.Accumulate(sum, x, decay, scale) }
	if r.capturing {
		r.captured = append(r.captured, run)
		return
	}
	run()
}

func (r *replayer) Capture(run func() error) (func() error, error) {
	if r.err != nil {
		return nil, r.err
	}
	r.captures++
	r.capturing = true
	err := run()
	r.capturing = false
	kernels := r.captured
	r.captured = nil
	return func() error {
		r.replays++
		for _, k := range kernels {
			k()
		}
		return nil
	}, err
}

// counter is a machine for total = total + x.
func counter(t *testing.T, e op.Engine, stock bool) (*machine.Variables, *machine.Machine) {
	t.Helper()
	g := gorgonia.NewGraph()
	vector := func(name string) *gorgonia.Node {
		return gorgonia.NewVector(g, tensor.Float32, gorgonia.WithShape(2), gorgonia.WithName(name))
	}
	x := vector("x")
	if stock {
		x = gorgonia.Must(gorgonia.Neg(x))
	}
	outputs, err := op.Accumulate([]*gorgonia.Node{vector("total")}, []*gorgonia.Node{x},
		gorgonia.NewScalar(g, tensor.Float32, gorgonia.WithName("decay")), 1)
	if err != nil {
		t.Fatal(err)
	}
	vars := machine.NewVariables(e)
	m, err := machine.New(vars, outputs...)
	if err != nil {
		t.Fatal(err)
	}
	if err := vars.Set("decay", []float32{1}); err != nil {
		t.Fatal(err)
	}
	return vars, m
}

// countTo3 runs the machine with x = (i, 1) for i from 1 to 3, and checks the sum.
func countTo3(t *testing.T, vars *machine.Variables, m *machine.Machine, sign float32) {
	t.Helper()
	for i := range 3 {
		if err := vars.Set("x", []float32{float32(i + 1), 1}); err != nil {
			t.Fatal(err)
		}
		if err := m.RunAll(); err != nil {
			t.Fatal(err)
		}
	}
	total := make([]float32, 2)
	if err := vars.Get("total", total); err != nil {
		t.Fatal(err)
	}
	if total[0] != 6*sign || total[1] != 3*sign {
		t.Errorf("total %v, want (6, 3) times %g", total, sign)
	}
}

func TestReplayFromTheSecondRunOn(t *testing.T) {
	e := &replayer{}
	vars, m := counter(t, e, false)
	countTo3(t, vars, m, 1)
	if e.captures != 1 || e.replays != 2 {
		t.Errorf("%d captures and %d replays in three runs, want 1 and 2", e.captures, e.replays)
	}
}

func TestStockOperationsAreNotCaptured(t *testing.T) {
	e := &replayer{}
	vars, m := counter(t, e, true)
	countTo3(t, vars, m, -1)
	if e.captures != 0 {
		t.Errorf("%d captures of a graph in which the host takes part", e.captures)
	}
}

func TestFailedCapture(t *testing.T) {
	e := &replayer{err: errors.New("no capture today")}
	_, m := counter(t, e, false)
	if err := m.RunAll(); err != nil {
		t.Fatal(err)
	}
	if err := m.RunAll(); !errors.Is(err, e.err) {
		t.Errorf("second run: %v, want %v", err, e.err)
	}
}
