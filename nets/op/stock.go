package op

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Do runs the operation on Gorgonia's stock machines: on host memory, by
// [Reference]. Every result is fresh memory.
func (a *applied) Do(values ...gorgonia.Value) (gorgonia.Value, error) {
	if len(values) != len(a.in) {
		return nil, fmt.Errorf("%v: %d operands, want %d", a, len(values), len(a.in))
	}
	in := make([]Tensor, len(values))
	for i, v := range values {
		t, err := HostTensor(v)
		if err != nil {
			return nil, fmt.Errorf("%v: operand %d: %w", a, i, err)
		}
		in[i] = t
	}
	out := make([]Tensor, len(a.out))
	var updates []int
	if u, ok := a.Operation.(Updater); ok {
		updates = u.Updates(len(in))
	}
	for k, s := range a.out {
		out[k] = NewHostTensor(s)
		if updates != nil && updates[k] >= 0 {
			copySlice(out[k].Data, in[updates[k]].Data)
		}
	}
	a.Run(Reference{}, out, in)
	if len(out) == 1 {
		return out[0].Value(), nil
	}
	return bundle{out}, nil
}

func (p projection) Do(values ...gorgonia.Value) (gorgonia.Value, error) {
	b, ok := values[0].(bundle)
	if !ok {
		return nil, fmt.Errorf("%v: operand is %T, not the results of an operation", p, values[0])
	}
	return b.results[p.k].Value(), nil
}

// HostTensor views a value of Gorgonia's as a tensor of the reference engine;
// tensors share their memory, scalars are copied.
func HostTensor(v gorgonia.Value) (Tensor, error) {
	t := Tensor{Spec: Spec{Plain, v.Dtype(), v.Shape().Clone()}}
	switch data := v.Data().(type) {
	case []float32, []float64, []int32, []uint8:
		t.Data = data
	case float32:
		t.Data = []float32{data}
	case float64:
		t.Data = []float64{data}
	case int32:
		t.Data = []int32{data}
	default:
		return Tensor{}, fmt.Errorf("unsupported type %v", v.Dtype())
	}
	return t, nil
}

// NewHostTensor allocates a zeroed tensor for the reference engine.
func NewHostTensor(s Spec) Tensor {
	n := s.Len()
	switch s.Dtype {
	case tensor.Float32:
		return Tensor{s, make([]float32, n)}
	case tensor.Float64:
		return Tensor{s, make([]float64, n)}
	case tensor.Int32:
		return Tensor{s, make([]int32, n)}
	case tensor.Uint8:
		return Tensor{s, make([]uint8, n)}
	}
	panic(fmt.Sprintf("op: no host tensor of %v", s.Dtype))
}

// Value is a tensor of the reference engine as Gorgonia sees it; tensors share
// their memory, scalars are copied.
func (t Tensor) Value() gorgonia.Value {
	if len(t.Shape) > 0 {
		return tensor.New(tensor.WithShape(t.Shape.Clone()...), tensor.WithBacking(t.Data))
	}
	switch d := t.Data.(type) {
	case []float32:
		return gorgonia.NewF32(d[0])
	case []float64:
		return gorgonia.NewF64(d[0])
	case []int32:
		return gorgonia.NewI32(d[0])
	}
	panic(fmt.Sprintf("op: no scalar of %v", t.Dtype))
}

func copySlice(dst, src any) {
	switch d := dst.(type) {
	case []float32:
		copy(d, src.([]float32))
	case []float64:
		copy(d, src.([]float64))
	case []int32:
		copy(d, src.([]int32))
	case []uint8:
		copy(d, src.([]uint8))
	}
}

// bundle holds all results of an operation while the stock machine hands them
// to the projections.
type bundle struct{ results []Tensor }

func (b bundle) Shape() tensor.Shape           { return tensor.Shape{len(b.results)} }
func (b bundle) Size() int                     { return len(b.results) }
func (b bundle) Data() interface{}             { return b.results }
func (b bundle) Dtype() tensor.Dtype           { return tensor.Float32 }
func (b bundle) Uintptr() uintptr              { return 0 }
func (b bundle) MemSize() uintptr              { return 0 }
func (b bundle) Format(s fmt.State, verb rune) { fmt.Fprintf(s, "%d results", len(b.results)) }
