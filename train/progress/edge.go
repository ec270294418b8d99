package progress

import (
	"fmt"
	"io"
	"math"
)

// Trials tell whoever waits for an edge what was found so far.
type Trials struct {
	out              io.Writer
	digits           int
	stable, unstable float64
}

// NewTrials writes to out.
func NewTrials(out io.Writer, tolerance float64) *Trials {
	return &Trials{out: out, digits: edgeDigits(tolerance), unstable: math.Inf(1)}
}

// Tell is told of each trial.
func (t *Trials) Tell(stepSize float64, diverged bool) {
	verdict := "stable"
	if diverged {
		verdict = "diverges"
		t.unstable = min(t.unstable, stepSize)
	} else {
		t.stable = max(t.stable, stepSize)
	}
	fmt.Fprintf(t.out, "step size %-*.*g %s\n", t.digits+7, t.digits, stepSize, verdict)
}

// Interrupted says what was found until the search was cut short.
func (t *Trials) Interrupted() {
	fmt.Fprintf(t.out, "interrupted in the search for the edge of divergence, which lies between %.6g and %.6g: nothing to save; run the same command again\n", t.stable, t.unstable)
}

// edgeDigits is how many significant digits tell step sizes apart that differ by
// the tolerance, a fraction.
func edgeDigits(tolerance float64) int { return 2 + int(math.Ceil(-math.Log10(tolerance))) }

// FormatEdge rounds down, since the step size that is printed must not diverge.
func FormatEdge(edge, tolerance float64) string {
	digits := edgeDigits(tolerance)
	unit := math.Pow10(int(math.Floor(math.Log10(edge))) + 1 - digits)
	return fmt.Sprintf("%.*g", digits, math.Floor(edge/unit)*unit)
}
