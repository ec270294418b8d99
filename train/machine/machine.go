package machine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gorgonia.org/gorgonia"
	"largestep/nets/op"
)

// Machine runs the part of a graph that its outputs need.
type Machine struct {
	engine       op.Engine
	vars         *Variables
	instructions []instruction
	outputs      map[*gorgonia.Node][]*value
	arena        int
	ran          bool
	replay       func() error // what runs all instructions at once, once captured
}

// Replayer is an engine that can capture the kernels of a run and then queue all
// of them at once, with the same operands.
type Replayer interface {
	// Capture calls run, whose kernels are captured and not run. All of them
	// have run before.
	Capture(run func() error) (replay func() error, err error)
}

var _ gorgonia.VM = (*Machine)(nil)

// instruction is a kernel with its memory.
type instruction struct {
	kernel  string
	flop    float64
	out, in []op.Tensor
	kernels op.Kernels
	run     func(k op.Kernels, out, in []op.Tensor)
	stock   *stock // instead of run
	updates []int  // of the operands, those whose memory it changes
}

// New plans a machine for everything that the outputs need. The graph's inputs
// become variables by their names; an input with a value starts from it unless
// the variable was there before. Outputs keep their memory until the next run.
func New(vars *Variables, outputs ...*gorgonia.Node) (*Machine, error) {
	p, err := compile(vars.engine, outputs)
	if err != nil {
		return nil, err
	}
	if err := p.checkUpdates(); err != nil {
		return nil, err
	}
	p.shareMemory()
	m := &Machine{engine: vars.engine, vars: vars, outputs: map[*gorgonia.Node][]*value{}}
	if m.arena, err = p.allocate(vars); err != nil {
		return nil, err
	}
	for _, s := range p.steps {
		if !s.skip {
			m.instructions = append(m.instructions, m.instruction(s))
		}
	}
	for _, n := range outputs {
		m.outputs[n] = p.values[n]
	}
	return m, nil
}

func (m *Machine) instruction(s *step) instruction {
	i := instruction{out: tensors(s.out), in: tensors(s.in)}
	if s.operation == nil {
		i.kernel = "layout"
		if s.node != nil {
			i.kernel = "stock " + s.node.Op().String()
		}
		i.stock = newStock(m.engine, s.node, i.out[0], i.in)
		return i
	}
	i.kernel, _, _ = strings.Cut(s.operation.String(), ":")
	i.kernels, i.run = s.kernels, s.operation.Run
	if u, ok := s.operation.(op.Updater); ok {
		i.updates = slices.DeleteFunc(slices.Clone(u.Updates(len(s.in))), func(k int) bool { return k < 0 })
	}
	if c, ok := s.operation.(op.FLOPCounter); ok {
		specs := make([]op.Spec, len(s.in))
		for k, v := range s.in {
			specs[k] = v.spec
		}
		i.flop = c.FLOP(specs)
	}
	if s.add {
		i.run = s.operation.(op.Accumulator).RunAccumulate
	}
	return i
}

func tensors(values []*value) []op.Tensor {
	t := make([]op.Tensor, len(values))
	for i, v := range values {
		t[i] = v.tensor
		t[i].Spec = v.spec
	}
	return t
}

// RunAll runs the graph once. Kernels may still be queued when it returns; what
// reads a variable or an output waits for them. It ends early, with ErrInterrupted,
// where Variables.Until says so.
func (m *Machine) RunAll() error {
	if m.vars.interrupted() {
		return ErrInterrupted
	}
	if m.replay == nil && m.ran {
		if err := m.capture(); err != nil {
			return err
		}
	}
	if m.replay != nil {
		return m.replay()
	}
	if err := m.runEach(m.vars.interrupted); err != nil {
		return err
	}
	m.ran = true
	return nil
}

// capture makes the replay of all instructions, if the engine can do that and
// the host has no part in them. The first run is never captured: in it engines
// choose algorithms and reserve scratch memory.
func (m *Machine) capture() error {
	r, ok := m.engine.(Replayer)
	if !ok || slices.ContainsFunc(m.instructions, func(i instruction) bool { return i.stock != nil }) {
		return nil
	}
	var err error
	never := func() bool { return false }
	m.replay, err = r.Capture(func() error { return m.runEach(never) })
	return err
}

func (m *Machine) runEach(stop func() bool) error {
	for i := range m.instructions {
		if stop() {
			return ErrInterrupted
		}
		if err := m.execute(&m.instructions[i]); err != nil {
			return err
		}
	}
	return nil
}

func (m *Machine) execute(i *instruction) error {
	if i.stock != nil {
		return i.stock.run()
	}
	i.run(i.kernels, i.out, i.in)
	return nil
}

// Kernel is what Profile tells of a kernel: its operands and results with their
// shapes, and the floating-point operations that FLOP counts.
type Kernel struct {
	Name    string
	FLOP    float64
	Out, In []op.Tensor
}

// Profile runs the graph once, waiting after each kernel, and reports how long
// each took.
func (m *Machine) Profile(report func(k Kernel, d time.Duration)) error {
	for n := range m.instructions {
		i := &m.instructions[n]
		start := time.Now()
		if err := m.execute(i); err != nil {
			return err
		}
		if err := m.engine.Sync(); err != nil {
			return err
		}
		report(Kernel{i.kernel, i.flop, i.out, i.in}, time.Since(start))
	}
	m.ran = true
	return nil
}

// Output copies a single-result output of the last run to a slice of its type.
func (m *Machine) Output(n *gorgonia.Node, dst any) error {
	v, ok := m.outputs[n]
	if !ok || len(v) != 1 {
		return fmt.Errorf("%v is not an output of this machine", n)
	}
	if !m.ran {
		return fmt.Errorf("%v: the machine has not run", n)
	}
	return m.engine.Download(dst, v[0].tensor)
}

// ArenaBytes is the memory that the graph works in, variables not counted.
func (m *Machine) ArenaBytes() int { return m.arena }

// FLOP is the number of floating-point operations of one run that are worth
// counting: two for each multiply-add of convolutions and linear layers.
func (m *Machine) FLOP() float64 {
	total := 0.0
	for _, i := range m.instructions {
		total += i.flop
	}
	return total
}

// Reset does nothing: every run starts afresh from the variables.
func (m *Machine) Reset() {}

// Close waits for queued kernels; memory belongs to the engine.
func (m *Machine) Close() error { return m.engine.Sync() }
