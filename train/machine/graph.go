package machine

import (
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"
	"largestep/nets/op"
)

// value is one result of a node, or an input of the graph.
type value struct {
	spec     op.Spec
	home     *value // whose memory it lives in; itself unless aliased
	variable string // name of the variable, for an input
	constant gorgonia.Value
	uses     []int // positions of the instructions that read it
	def      int   // position of the instruction that writes it; −1 for inputs
	output   bool  // read after the run
	tensor   op.Tensor
}

// root is the value that owns the memory.
func (v *value) root() *value {
	for v.home != v {
		v = v.home
	}
	return v
}

// step is an instruction before memory is known.
type step struct {
	operation op.Operation   // nil for a stock Gorgonia operation
	kernels   op.Kernels     // that the operation runs on
	node      *gorgonia.Node // nil for a change of layout
	in, out   []*value
	add       bool // out = out + result
	skip      bool // merged into another step
}

// program is a graph as a list of steps.
type program struct {
	engine op.Engine
	steps  []*step
	values map[*gorgonia.Node][]*value // results of each node
	all    []*value                    // in order of definition
}

// compile turns all that the outputs need into steps, in the order in which
// the nodes were made: children come before parents, and a gradient comes soon
// after what it is computed from, which keeps little memory alive.
func compile(e op.Engine, outputs []*gorgonia.Node) (*program, error) {
	p := &program{engine: e, values: map[*gorgonia.Node][]*value{}}
	nodes := reachable(outputs)
	kinds := inputKinds(nodes)
	for _, n := range nodes {
		if err := p.add(n, kinds[n]); err != nil {
			return nil, fmt.Errorf("%v: %w", n, err)
		}
	}
	for _, n := range outputs {
		for _, v := range p.values[n] {
			v.root().output = true
			v.output = true
		}
	}
	return p, nil
}

// children are the operands of a node, in order.
func children(n *gorgonia.Node) []*gorgonia.Node {
	var c []*gorgonia.Node
	if n.Op() == nil {
		return nil
	}
	for it := n.Graph().From(n.ID()); it.Next(); {
		c = append(c, it.Node().(*gorgonia.Node))
	}
	return c
}

func reachable(outputs []*gorgonia.Node) []*gorgonia.Node {
	seen := map[*gorgonia.Node]bool{}
	var nodes []*gorgonia.Node
	stack := slices.Clone(outputs)
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[n] {
			continue
		}
		seen[n] = true
		nodes = append(nodes, n)
		stack = append(stack, children(n)...)
	}
	slices.SortFunc(nodes, func(a, b *gorgonia.Node) int { return int(a.ID() - b.ID()) })
	return nodes
}

// inputKinds decides what each input of the graph is laid out as: what the
// operations that read it ask for; else, where they take any layout, a filter if
// it has four dimensions, since activations are never variables.
func inputKinds(nodes []*gorgonia.Node) map[*gorgonia.Node]op.Kind {
	kinds := map[*gorgonia.Node]op.Kind{}
	elementwise := map[*gorgonia.Node]bool{}
	for _, n := range nodes {
		in := children(n)
		o, ours := op.Of(n)
		if !ours {
			continue
		}
		for i, k := range o.Kinds(len(in)) {
			if k == op.Any {
				elementwise[in[i]] = true
			} else if kinds[in[i]] == op.Any {
				kinds[in[i]] = k
			}
		}
	}
	for _, n := range nodes {
		if kinds[n] == op.Any {
			kinds[n] = op.Plain
			if elementwise[n] && n.Dims() == 4 {
				kinds[n] = op.Filter
			}
		}
	}
	return kinds
}

// add appends the step of one node, if it takes one, and its values.
func (p *program) add(n *gorgonia.Node, kind op.Kind) error {
	spec, err := op.SpecOf(n)
	if err != nil {
		return err
	}
	spec.Kind = kind
	in := children(n)
	if len(in) == 0 {
		v := p.value(n, spec, -1)
		v.variable, v.constant = n.Name(), n.Value()
		if n.Op() != nil {
			v.variable = "" // a constant belongs to its graph
		}
		return nil
	}
	if k, ok := op.ProjectionOf(n); ok {
		p.values[n] = p.values[in[0]][k : k+1]
		return nil
	}
	return p.addStep(n, in)
}

func (p *program) addStep(n *gorgonia.Node, in []*gorgonia.Node) error {
	operands := make([]*value, len(in))
	specs := make([]op.Spec, len(in))
	for i, c := range in {
		operands[i] = p.values[c][0]
		specs[i] = operands[i].spec
	}
	o, results := operation(n, specs)
	if o == nil {
		spec, err := op.SpecOf(n)
		if err != nil {
			return err
		}
		spec.Kind = op.Plain
		s := p.step(n, operands)
		s.out = []*value{p.value(n, spec, len(p.steps)-1)}
		return nil
	}
	kernels := op.KernelsFor(p.engine, specs, results)
	if s, ok := o.(op.Optional); ok && !s.RunsOn(kernels) {
		return &op.Failure{Kind: op.ErrNoKernel, Text: fmt.Sprintf("engine %s has no kernel for this", p.engine.Name())}
	}
	for i, k := range o.Kinds(len(in)) {
		if k != op.Any && k != specs[i].Kind {
			operands[i] = p.relayout(operands[i], k)
		}
	}
	s := p.step(n, operands)
	s.operation, s.kernels = o, kernels
	for _, r := range results {
		s.out = append(s.out, p.value(n, r, len(p.steps)-1))
	}
	if u, ok := o.(op.Updater); ok {
		for k, i := range u.Updates(len(in)) {
			if i >= 0 {
				s.out[k].home = s.in[i]
			}
		}
	}
	return nil
}

// step appends a step that reads the operands.
func (p *program) step(n *gorgonia.Node, operands []*value) *step {
	for _, v := range operands {
		v.uses = append(v.uses, len(p.steps))
	}
	s := &step{node: n, in: operands}
	p.steps = append(p.steps, s)
	return s
}

// relayout copies a value into another layout, as where a stock operation's
// row-major result is an activation.
func (p *program) relayout(v *value, k op.Kind) *value {
	s := p.step(nil, []*value{v})
	spec := v.spec
	spec.Kind = k
	out := p.newValue(spec, len(p.steps)-1)
	s.out = []*value{out}
	return out
}

// operation is what our engines can run for a node, with its results, or nil
// for a stock operation that has to run by its Do.
func operation(n *gorgonia.Node, in []op.Spec) (op.Operation, []op.Spec) {
	o, ours := op.Of(n)
	if !ours {
		if o, ours = op.AddOf(n); !ours {
			return nil, nil
		}
	}
	results, err := o.Infer(in)
	if err != nil { // a stock addition that broadcasts; ours were checked when made
		return nil, nil
	}
	return o, results
}

// value is a new result of a node.
func (p *program) value(n *gorgonia.Node, s op.Spec, def int) *value {
	v := p.newValue(s, def)
	p.values[n] = append(p.values[n], v)
	return v
}

func (p *program) newValue(s op.Spec, def int) *value {
	v := &value{spec: s, def: def}
	v.home = v
	p.all = append(p.all, v)
	return v
}
