package trainer

import (
	"math"

	"gonum.org/v1/gonum/stat"
)

// Catapult compares the losses of a fork with a larger step size with those of the
// step size that there was, on the same mini-batches (Lewkowycz et al. 2020,
// arXiv 2003.02218).
type Catapult struct {
	Peak, Control float64 // the highest mean loss of a window, of the fork and of the step size that there was
	Factor        float64 // of the two that counts as a catapult
	Returned      bool    // whether the fork ends below Factor times where the other does
}

// windows is how many means a fork's losses are compared by, so that no single
// mini-batch counts.
const windows = 20

// NewCatapult looks at the losses of both, the control's being finite. A loss that is
// not finite is a peak of +Inf.
func NewCatapult(control, fork []float64, factor float64) Catapult {
	a, b := means(control), means(fork)
	c := Catapult{Factor: factor, Control: highest(a), Peak: highest(b)}
	if len(fork) < len(control) || math.IsNaN(c.Peak) {
		c.Peak = math.Inf(1)
	}
	c.Returned = finite(c.Peak) && b[len(b)-1] <= factor*a[len(a)-1]
	return c
}

// Happens tells whether the loss catapults.
func (c Catapult) Happens() bool { return !(c.Peak <= c.Factor*c.Control) }

// means are those of the windows.
func means(losses []float64) (list []float64) {
	size := max(1, len(losses)/windows)
	for at := 0; at < len(losses); at += size {
		list = append(list, stat.Mean(losses[at:min(at+size, len(losses))], nil))
	}
	return list
}

func highest(list []float64) float64 {
	most := math.Inf(-1)
	for _, v := range list {
		if math.IsNaN(v) {
			return v
		}
		most = max(most, v)
	}
	return most
}

// String is what came of it.
func (t Catapult) String() string {
	switch {
	case !t.Happens():
		return "no catapult"
	case math.IsInf(t.Peak, 0):
		return "diverges"
	case t.Returned:
		return "a catapult, and back"
	}
	return "a catapult"
}
