package instances

import (
	"bytes"
	"embed"
	"fmt"
	"strings"

	"largestep/train/instances/numpy"
	"largestep/train/safetensors"
)

// Written by the authors' code: x and y, x_test and y_test, the weights under
// teacher. and student., and the order of the examples.
//
//go:embed paper/*.safetensors
var paperFiles embed.FS

// ReLU1D is the problem of fitting 12 points on a line by a net of 100 hidden
// units, whose second layer has no bias. A random instance has the same points;
// it draws the signs of the first weights ±2.5 from randint(2), the biases from
// 2.5·randn and the second weights from 4·randn. There is no test set.
func ReLU1D(kind Kind, seed uint32) (*Problem, error) {
	if kind == Paper {
		return paper("relu-1d")
	}
	const hidden = 100
	r := numpy.NewRandomState(seed)
	weight := zeros("layer1.weight", hidden, 1)
	for i := range weight.Values {
		weight.Values[i] = 2.5 * float64(2*r.Intn(2)-1)
	}
	return checked(&Problem{
		Train: Points1D(),
		Test:  Examples{D: 1},
		Student: []Parameter{
			weight,
			normal(r, 2.5, "layer1.bias", hidden),
			normal(r, 4, "layer2.weight", 1, hidden),
		},
	})
}

// SeedReLU1D is the seed of the paper's instance of ReLU1D.
const SeedReLU1D = 3

// Points1D are the twelve points of ReLU1D.
func Points1D() Examples {
	e := Examples{N: 12, D: 1, Labels: []float64{-2, 1.5, 0, 0, 2, 1, 0, -1, 0, 1, 2, -1}}
	for i := range e.Labels {
		e.Inputs = append(e.Inputs, float64((float64(i)-5.5)/4)+0.07)
		e.Labels[i] += 0.345
	}
	return e
}

// Inputs1D are n inputs drawn uniformly between the first and the last of Points1D.
func Inputs1D(seed uint32, n int) []float64 {
	points, r := Points1D().Inputs, numpy.NewRandomState(seed)
	low, high := points[0], points[len(points)-1]
	x := make([]float64, n)
	for i := range x {
		x[i] = low + float64((high-low)*r.Float64())
	}
	return x
}

// Teacher2 is the problem of learning a two-layer ReLU net of 3 neurons on 2
// inputs of unit norm by one of 20, without biases, from 15 examples. A random
// instance draws the training inputs, the test inputs and the teacher's first
// weights from randn, each normalised to unit length, its second weights ±1 from
// randint(2), and the student's first weights from 0.5·randn; its second ones
// start at 0.
func Teacher2(kind Kind, seed uint32) (*Problem, error) {
	if kind == Paper {
		return paper("teacher-2")
	}
	const n, d, teacher, student = 15, 2, 3, 20
	r := numpy.NewRandomState(seed)
	train, test := unitRows(r, n, d), unitRows(r, testSize, d)
	first := Parameter{"layer1.weight", []int{teacher, d}, unitRows(r, teacher, d)}
	second := zeros("layer2.weight", 1, teacher)
	for i := range second.Values {
		second.Values[i] = float64(2*r.Intn(2) - 1)
	}
	p := &Problem{
		Teacher: []Parameter{first, second},
		Student: []Parameter{normal(r, 0.5, "layer1.weight", student, d), zeros("layer2.weight", 1, student)},
	}
	p.Train, p.Test = taught(train, d, p.Teacher), taught(test, d, p.Teacher)
	return checked(p)
}

// Teacher3 is the problem of learning a ReLU net of layers of 2 and 2 neurons on
// 5 inputs of unit norm by one of 10 and 10, with biases, from 50 examples. A
// random instance draws the training inputs and the test inputs from randn,
// normalised to unit length, then for the teacher and the student, layer by
// layer, the weights from randn, times 0.8 for the student, and the biases
// uniformly from ±1/√(inputs of the layer).
func Teacher3(kind Kind, seed uint32) (*Problem, error) {
	if kind == Paper {
		return paper("teacher-3")
	}
	return Taught(50, 5, seed)
}

// Taught is the random instance of Teacher3, of n examples of d inputs.
func Taught(n, d int, seed uint32) (*Problem, error) {
	if err := checkSize(n, d); err != nil {
		return nil, err
	}
	r := numpy.NewRandomState(seed)
	train, test := unitRows(r, n, d), unitRows(r, testSize, d)
	p := &Problem{
		Teacher: layers(r, 1, d, 2, 2, 1),
		Student: layers(r, 0.8, d, 10, 10, 1),
	}
	p.Train, p.Test = taught(train, d, p.Teacher), taught(test, d, p.Teacher)
	return checked(p)
}

// paper reads an embedded instance.
func paper(name string) (*Problem, error) {
	b, err := paperFiles.ReadFile("paper/" + name + ".safetensors")
	if err != nil {
		return nil, err
	}
	tensors, _, err := safetensors.Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, fmt.Errorf("the paper's instance %s: %w", name, err)
	}
	p := &Problem{}
	for _, t := range tensors {
		if err := p.add(t); err != nil {
			return nil, fmt.Errorf("the paper's instance %s: %w", name, err)
		}
	}
	p.Test.D = p.Train.D
	return checked(p)
}

// add puts an embedded tensor in its place.
func (p *Problem) add(t safetensors.Tensor) error {
	if t.Name == "order" {
		order, err := t.Int64s()
		for _, i := range order {
			p.Order = append(p.Order, int32(i))
		}
		return err
	}
	values, err := t.Float64s()
	if err != nil {
		return err
	}
	owner, name, _ := strings.Cut(t.Name, ".")
	switch owner {
	case "x":
		p.Train.N, p.Train.D, p.Train.Inputs = t.Shape[0], t.Shape[1], values
	case "x_test":
		p.Test.N, p.Test.D, p.Test.Inputs = t.Shape[0], t.Shape[1], values
	case "y":
		p.Train.Labels = values
	case "y_test":
		p.Test.Labels = values
	case "teacher":
		p.Teacher = append(p.Teacher, Parameter{name, t.Shape, values})
	case "student":
		p.Student = append(p.Student, Parameter{name, t.Shape, values})
	default:
		return fmt.Errorf("unknown tensor %q", t.Name)
	}
	return nil
}
