package machine

import (
	"fmt"
	"slices"

	"largestep/nets/op"
)

// Variables are named tensors in an engine's memory that outlive the run of a
// graph: parameters, running statistics, the data set, the indices of the
// mini-batch. Two graphs that have an input of the same name share it.
type Variables struct {
	engine op.Engine
	byName map[string]op.Tensor
	until  *<-chan struct{} // see Until; of all that lie beside each other
}

// NewVariables returns an empty set on an engine.
func NewVariables(e op.Engine) *Variables {
	return &Variables{engine: e, byName: map[string]op.Tensor{}, until: new(<-chan struct{})}
}

// Beside returns another empty set on the engine, whose machines end early when
// these do.
func (v *Variables) Beside() *Variables {
	return &Variables{engine: v.engine, byName: map[string]op.Tensor{}, until: v.until}
}

// Engine is where the variables live.
func (v *Variables) Engine() op.Engine { return v.engine }

// Names lists the variables in alphabetical order.
func (v *Variables) Names() []string {
	names := make([]string, 0, len(v.byName))
	for name := range v.byName {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Spec describes a variable.
func (v *Variables) Spec(name string) (op.Spec, bool) {
	t, ok := v.byName[name]
	return t.Spec, ok
}

// Set fills a variable from a slice of its type in row-major order.
func (v *Variables) Set(name string, src any) error {
	t, ok := v.byName[name]
	if !ok {
		return fmt.Errorf("no variable %q", name)
	}
	if err := v.engine.Upload(t, src); err != nil {
		return fmt.Errorf("set %s: %w", name, err)
	}
	return nil
}

// Get copies a variable to a slice of its type in row-major order.
func (v *Variables) Get(name string, dst any) error {
	t, ok := v.byName[name]
	if !ok {
		return fmt.Errorf("no variable %q", name)
	}
	if err := v.engine.Download(dst, t); err != nil {
		return fmt.Errorf("get %s: %w", name, err)
	}
	return nil
}

// declare makes sure that all the variables exist with these specs, allocating
// the new ones, zeroed, together.
func (v *Variables) declare(specs map[string]op.Spec) error {
	var names []string
	for name, s := range specs {
		old, ok := v.byName[name]
		if !ok {
			names = append(names, name)
			continue
		}
		if old.Dtype != s.Dtype || !old.Shape.Eq(s.Shape) {
			return fmt.Errorf("variable %q is %v in one graph and %v in another", name, old.Spec, s)
		}
		if old.Kind != s.Kind {
			return fmt.Errorf("variable %q has two kinds", name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	total := 0
	offsets := make([]int, len(names))
	for i, name := range names {
		offsets[i] = total
		total += aligned(v.engine.Bytes(specs[name]))
	}
	arena, err := v.engine.Alloc(total)
	if err != nil {
		return fmt.Errorf("%d variables: %w", len(names), err)
	}
	for i, name := range names {
		v.byName[name] = v.engine.Place(arena, offsets[i], specs[name])
	}
	return nil
}

// aligned rounds a size up to the engine's alignment.
func aligned(bytes int) int { return (bytes + op.Alignment - 1) &^ (op.Alignment - 1) }
