package instances

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Kind says where the numbers of a problem come from.
type Kind string

// The kinds of instances.
const (
	Paper  Kind = "paper"  // the paper's own
	Random Kind = "random" // drawn from a seed
)

// ParseKind returns the Kind of that name.
func ParseKind(name string) (Kind, error) {
	kinds := []string{string(Paper), string(Random)}
	if !slices.Contains(kinds, name) {
		return "", fmt.Errorf("unknown instance %q: choose one of %s", name, strings.Join(kinds, ", "))
	}
	return Kind(name), nil
}

// Problem is what a small net is trained on.
type Problem struct {
	Train, Test Examples
	Teacher     []Parameter // behind the labels; nil where there is none
	Student     []Parameter // the first weights of the net
	// Order holds the index of the example of each step as in the paper's runs,
	// with replacement; nil for random instances.
	Order []int32
}

// Examples are N inputs of D numbers, row after row, and a label for each.
type Examples struct {
	N, D   int
	Inputs []float64 // N×D
	Labels []float64 // N
}

// Parameter is an array under PyTorch's name for it, in PyTorch's shape.
type Parameter struct {
	Name   string
	Shape  []int
	Values []float64
}

// maxValues bounds the inputs of a problem, to refuse sizes that would not fit
// into memory: 1 GiB.
const maxValues = 1 << 27

// checkSize refuses problems without enough examples or without inputs.
func checkSize(n, d int) error {
	switch {
	case n < 2:
		return fmt.Errorf("n = %d examples: want at least 2", n)
	case d < 1:
		return fmt.Errorf("d = %d inputs: want at least 1", d)
	case n > maxValues/d || testSize > maxValues/d:
		return fmt.Errorf("n = %d examples of d = %d inputs: at most %d numbers in all", n, d, maxValues)
	}
	return nil
}

// Check tells what is wrong with a problem: sizes, shapes, numbers that are not
// finite, an order beyond the examples.
func (p *Problem) Check() error {
	if err := checkSize(p.Train.N, p.Train.D); err != nil {
		return err
	}
	if err := p.Train.check("training"); err != nil {
		return err
	}
	if err := p.Test.check("test"); err != nil {
		return err
	}
	if p.Test.N > 0 && p.Test.D != p.Train.D {
		return fmt.Errorf("test inputs of %d numbers, training inputs of %d", p.Test.D, p.Train.D)
	}
	for _, w := range slices.Concat(p.Teacher, p.Student) {
		if err := w.check(); err != nil {
			return err
		}
	}
	for step, i := range p.Order {
		if i < 0 || int(i) >= p.Train.N {
			return fmt.Errorf("order: step %d takes example %d of %d", step, i, p.Train.N)
		}
	}
	return nil
}

// checked is the problem, unless something is wrong with it.
func checked(p *Problem) (*Problem, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	return p, nil
}

func (e Examples) check(set string) error {
	if len(e.Inputs) != e.N*e.D || len(e.Labels) != e.N {
		return fmt.Errorf("%s set: %d inputs and %d labels, want %d×%d and %d", set, len(e.Inputs), len(e.Labels), e.N, e.D, e.N)
	}
	if i := slices.IndexFunc(e.Inputs, notFinite); i >= 0 {
		return fmt.Errorf("%s set: example %d has %v as input %d: want finite numbers", set, i/e.D, e.Inputs[i], i%e.D)
	}
	if i := slices.IndexFunc(e.Labels, notFinite); i >= 0 {
		return fmt.Errorf("%s set: example %d has the label %v: want a finite number", set, i, e.Labels[i])
	}
	return nil
}

func (p Parameter) check() error {
	size := 1
	for _, dim := range p.Shape {
		size *= dim
	}
	if size != len(p.Values) {
		return fmt.Errorf("%s: %d numbers for the shape %v", p.Name, len(p.Values), p.Shape)
	}
	if i := slices.IndexFunc(p.Values, notFinite); i >= 0 {
		return fmt.Errorf("%s: element %d is %v: want finite numbers", p.Name, i, p.Values[i])
	}
	return nil
}

func notFinite(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }
