package instances

import (
	"fmt"
	"math"

	"largestep/train/instances/numpy"
)

// testSize is the number of test examples of every problem that has any.
const testSize = 1000

// LeastSquares draws a problem of fitting a linear function, without bias: A
// from randn(n, d), x* from randn(d), labels A·x* + noise·randn(n), then the
// test set in the same way. The student starts at 0.
func LeastSquares(n, d int, noise float64, seed uint32) (*Problem, error) {
	if err := checkSize(n, d); err != nil {
		return nil, err
	}
	if !(noise >= 0) || math.IsInf(noise, 0) {
		return nil, fmt.Errorf("noise %v: want a number from 0 on", noise)
	}
	r := numpy.NewRandomState(seed)
	inputs, weight := r.Normal(n*d), r.Normal(d)
	examples := func(inputs []float64) Examples {
		e := label(inputs, weight)
		for i := range e.Labels {
			e.Labels[i] += float64(noise * r.NormFloat64())
		}
		return e
	}
	return checked(&Problem{
		Train:   examples(inputs),
		Test:    examples(r.Normal(testSize * d)),
		Teacher: []Parameter{{"weight", []int{1, d}, weight}},
		Student: []Parameter{zeros("weight", 1, d)},
	})
}

// TwoClasses draws a problem of telling two Gaussian clouds apart, for the
// support vector machine and logistic regression: a direction w from randn(d),
// normalised, then for each example randn(d) + label·separation/2·w. Labels are
// +1 and −1 in turn. The student, with bias, starts at 0.
func TwoClasses(n, d int, separation float64, seed uint32) (*Problem, error) {
	if err := checkSize(n, d); err != nil {
		return nil, err
	}
	if !(separation >= 0) || math.IsInf(separation, 0) {
		return nil, fmt.Errorf("separation %v: want a number from 0 on", separation)
	}
	r := numpy.NewRandomState(seed)
	w := r.Normal(d)
	scale(w, 1/norm(w))
	examples := func(n int) Examples {
		e := Examples{n, d, r.Normal(n * d), make([]float64, n)}
		for i := range n {
			e.Labels[i] = float64(1 - i%2*2)
			for j := range d {
				e.Inputs[i*d+j] += float64(e.Labels[i] * separation / 2 * w[j])
			}
		}
		return e
	}
	return checked(&Problem{
		Train:   examples(n),
		Test:    examples(testSize),
		Teacher: []Parameter{{"weight", []int{1, d}, w}, zeros("bias", 1)},
		Student: []Parameter{zeros("weight", 1, d), zeros("bias", 1)},
	})
}

// CheckC refuses a weight C of the hinge losses in ½‖x‖² + C/n Σ hinge that is
// not a positive number.
func CheckC(c float64) error {
	if !(c > 0) || math.IsInf(c, 0) {
		return fmt.Errorf("weight C = %v: want a positive number", c)
	}
	return nil
}

// label returns the inputs with the labels ⟨weight, input⟩.
func label(inputs, weight []float64) Examples {
	d := len(weight)
	return Examples{len(inputs) / d, d, inputs, numpy.MatVec(inputs, weight)}
}

// dot sums in order of the index, every product rounded: the conversion forbids
// fused multiply-adds, so that all platforms agree.
func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += float64(a[i] * b[i])
	}
	return sum
}

func norm(a []float64) float64 { return math.Sqrt(dot(a, a)) }

func scale(a []float64, c float64) {
	for i := range a {
		a[i] *= c
	}
}

func zeros(name string, shape ...int) Parameter { return filled(0, name, shape...) }

func filled(value float64, name string, shape ...int) Parameter {
	size := 1
	for _, dim := range shape {
		size *= dim
	}
	p := Parameter{name, shape, make([]float64, size)}
	for i := range p.Values {
		p.Values[i] = value
	}
	return p
}
