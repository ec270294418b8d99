package machine

import (
	"cmp"
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"
	"largestep/nets/op"
)

// checkUpdates finds steps that would read an operand after another step has
// overwritten it.
func (p *program) checkUpdates() error {
	for at, s := range p.steps {
		u, ok := s.operation.(op.Updater)
		if !ok {
			continue
		}
		for _, i := range u.Updates(len(s.in)) {
			if i < 0 {
				continue
			}
			if last := lastUse(s.in[i]); last > at {
				return fmt.Errorf("%v reads %v after %v has updated it", p.steps[last].node, s.in[i].variable, s.node)
			}
		}
	}
	return nil
}

func lastUse(v *value) int {
	if len(v.uses) == 0 {
		return v.def
	}
	return slices.Max(v.uses)
}

// shareMemory lets results take the place of operands that nobody reads
// afterwards: sums above all. A sum whose term comes from an operation that can
// accumulate is not computed at all: the operation adds to the other term.
func (p *program) shareMemory() {
	for at, s := range p.steps {
		o, ok := s.operation.(op.InPlace)
		if !ok {
			continue
		}
		if p.accumulate(s) {
			continue
		}
		for _, i := range o.InPlace() {
			if p.dies(s.in[i], at) {
				s.out[0].home = s.in[i]
				break
			}
		}
	}
}

// dies tells whether a value that a run made is last read at a step.
func (p *program) dies(v *value, at int) bool {
	return v.home == v && v.def >= 0 && !v.output && lastUse(v) == at && count(v.uses, at) == 1
}

func count(uses []int, at int) int {
	n := 0
	for _, u := range uses {
		if u == at {
			n++
		}
	}
	return n
}

// accumulate merges sum = a + b into the step that makes b, if that can add to
// a: nobody else reads b, and nobody reads a from then on.
func (p *program) accumulate(sum *step) bool {
	for i := range 2 {
		a, b := sum.in[1-i], sum.in[i]
		if a == b || b.def < 0 || a.def < 0 || len(b.uses) != 1 || a.output || b.output || a.home != a || b.home != b {
			continue
		}
		maker := p.steps[b.def]
		if _, ok := maker.operation.(op.Accumulator); !ok || a.def >= b.def || slices.Contains(maker.in, a) {
			continue
		}
		if readAfter(a, b.def, sum.in[i].uses[0]) {
			continue
		}
		maker.add, sum.skip = true, true
		b.home, sum.out[0].home = a, a
		return true
	}
	return false
}

// readAfter tells whether any step but the sum reads v from position at on.
func readAfter(v *value, at, sum int) bool {
	return slices.ContainsFunc(v.uses, func(u int) bool { return u >= at && u != sum })
}

// block is a piece of the arena and the span of steps in which it is in use.
type block struct {
	owner         *value
	first, last   int
	offset, bytes int
}

// blocks gives each value that a run makes and somebody reads its span of life,
// that of all values that share its memory together.
func (p *program) blocks(e op.Memory) []*block {
	byRoot := map[*value]*block{}
	var blocks []*block
	for _, v := range p.all {
		r := v.root()
		if r.def < 0 || !p.wanted(v) {
			continue
		}
		b := byRoot[r]
		if b == nil {
			b = &block{owner: r, first: r.def, last: r.def, bytes: aligned(e.Bytes(r.spec))}
			byRoot[r] = b
			blocks = append(blocks, b)
		}
		b.last = max(b.last, v.def, lastUse(v))
		if v.output {
			b.last = len(p.steps)
		}
	}
	return blocks
}

// wanted tells whether anybody reads a value.
func (p *program) wanted(v *value) bool { return v.output || len(v.uses) > 0 }

// place lays blocks out so that those in use at the same time do not overlap,
// the largest first, each as low as it fits, and returns the arena's size.
func place(blocks []*block) int {
	order := slices.Clone(blocks)
	slices.SortStableFunc(order, func(a, b *block) int { return cmp.Compare(b.bytes, a.bytes) })
	total := 0
	var placed []*block // by offset
	for _, b := range order {
		b.offset = 0
		for _, other := range placed {
			if other.first <= b.last && b.first <= other.last && other.offset < b.offset+b.bytes {
				b.offset = max(b.offset, other.offset+other.bytes)
			}
		}
		at, _ := slices.BinarySearchFunc(placed, b, func(x, y *block) int { return cmp.Compare(x.offset, y.offset) })
		placed = slices.Insert(placed, at, b)
		total = max(total, b.offset+b.bytes)
	}
	return total
}

// variables are the specs of the graph's named inputs.
func (p *program) variables() map[string]op.Spec {
	specs := map[string]op.Spec{}
	for _, v := range p.all {
		if v.def < 0 && v.variable != "" {
			specs[v.variable] = v.spec
		}
	}
	return specs
}

// allocate gives every wanted value its tensor and fills constants; it returns
// the size of the arena in bytes.
func (p *program) allocate(vars *Variables) (int, error) {
	e := vars.engine
	known := map[string]bool{}
	for _, name := range vars.Names() {
		known[name] = true
	}
	if err := vars.declare(p.variables()); err != nil {
		return 0, err
	}
	blocks := p.blocks(e)
	size := place(blocks)
	arena, err := e.Alloc(size)
	if err != nil {
		return 0, fmt.Errorf("working memory of the graph: %w", err)
	}
	for _, b := range blocks {
		b.owner.tensor = e.Place(arena, b.offset, b.owner.spec)
	}
	for _, v := range p.all {
		switch {
		case v.def >= 0:
		case v.variable != "":
			v.tensor = vars.byName[v.variable]
		default:
			if v.tensor, err = placeAlone(e, v.spec); err != nil {
				return 0, err
			}
		}
		if v.def < 0 && v.constant != nil && !known[v.variable] {
			if err := uploadValue(e, v.tensor, v.constant); err != nil {
				return 0, err
			}
		}
	}
	for _, v := range p.all {
		if r := v.root(); r != v && p.wanted(v) {
			v.tensor = op.Tensor{Spec: v.spec, Data: r.tensor.Data}
		}
	}
	return size, nil
}

func placeAlone(e op.Memory, s op.Spec) (op.Tensor, error) {
	arena, err := e.Alloc(aligned(e.Bytes(s)))
	if err != nil {
		return op.Tensor{}, err
	}
	return e.Place(arena, 0, s), nil
}

func uploadValue(e op.Memory, t op.Tensor, v gorgonia.Value) error {
	host, err := op.HostTensor(v)
	if err != nil {
		return err
	}
	return e.Upload(t, host.Data)
}
