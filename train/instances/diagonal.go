package instances

import (
	"fmt"
	"math"

	"largestep/train/instances/numpy"
)

// DiagonalSize is the size of a problem for diagonal linear nets: N examples of
// D inputs, of which the first R decide the label.
type DiagonalSize struct{ N, D, R int }

// The paper's sizes.
var (
	DiagonalSGD = DiagonalSize{80, 200, 20} // SGD with different step sizes
	DiagonalGD  = DiagonalSize{40, 100, 20} // gradient descent beside SGD
)

// Seeds of the paper's instances, and the length of its runs.
const (
	paperDataSeed  = 0
	paperOrderSeed = 1
	diagonalSteps  = 100_001
)

// diagonalInit is the first value of every u_i; v starts at 0.
const diagonalInit = 0.1

// Diagonal draws a problem for the diagonal linear net ⟨u ⊙ v, x⟩ as the paper
// does: training inputs from randn(n, d), test inputs from randn(1000, d), θ from
// |randn(d)|, of which the first r are kept and scaled to unit norm; labels are
// ⟨θ, x⟩. The paper's own instances are those of seed 0, in one of its sizes;
// the seed given then has no effect.
func Diagonal(kind Kind, size DiagonalSize, seed uint32) (*Problem, error) {
	if err := size.check(); err != nil {
		return nil, err
	}
	if kind == Paper {
		if size != DiagonalSGD && size != DiagonalGD {
			return nil, fmt.Errorf("n, d, r = %d, %d, %d: the paper's instances have %v or %v; choose the random one for other sizes",
				size.N, size.D, size.R, DiagonalSGD, DiagonalGD)
		}
		seed = paperDataSeed
	}
	r := numpy.NewRandomState(seed)
	train, test, theta := r.Normal(size.N*size.D), r.Normal(testSize*size.D), r.Normal(size.D)
	clear(theta[size.R:])
	length := norm(theta)
	for i := range theta {
		theta[i] = math.Abs(theta[i]) / length
	}
	p := &Problem{
		Train:   label(train, theta),
		Test:    label(test, theta),
		Teacher: []Parameter{{"theta", []int{size.D}, theta}},
		Student: []Parameter{filled(diagonalInit, "u", size.D), zeros("v", size.D)},
	}
	if kind == Paper {
		p.Order = Draws(size.N, diagonalSteps, paperOrderSeed)
	}
	return checked(p)
}

func (s DiagonalSize) check() error {
	if err := checkSize(s.N, s.D); err != nil {
		return err
	}
	if s.R < 1 || s.R > s.D {
		return fmt.Errorf("r = %d relevant inputs: want 1 to d = %d", s.R, s.D)
	}
	return nil
}

// Draws returns the index of the example of each step, drawn with replacement
// from n by NumPy's randint(n), as in the paper's runs of diagonal nets.
func Draws(n, steps int, seed uint32) []int32 {
	r, order := numpy.NewRandomState(seed), make([]int32, steps)
	for i := range order {
		order[i] = int32(r.Intn(n))
	}
	return order
}
