package trainer

import (
	"math"
	"testing"
)

// Where steps between the brackets' ends meet a step size of the brackets it is not tried
// again.
func TestIntervalTriesOnce(t *testing.T) {
	var i Interval
	tally := func(eta float64) (Tally, error) {
		n := Tally{StepSize: eta, Orders: 2, Diverged: int(min(math.Log2(eta), 2))} // at 2 one of them
		i.Tallies = append(i.Tallies, n)
		return n, nil
	}
	if err := i.search(1, 0.2, tally); err != nil {
		t.Fatal(err)
	}
	for k, n := range i.Tallies[1:] {
		if n.StepSize <= i.Tallies[k].StepSize*1.1 {
			t.Errorf("%g was tried, and %g", i.Tallies[k].StepSize, n.StepSize)
		}
	}
}
