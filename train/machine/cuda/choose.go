package cuda

import (
	"fmt"
	"slices"
)

// Bits of cudnnBackendNumericalNote_t, the same in cuDNN 8 and 9: what an engine
// of cuDNN does to numbers.
const (
	noteTensorCore       = 1 << 0 // of float32: TF32
	noteDownConvert      = 1 << 1
	noteReducedSums      = 1 << 2
	noteFFT              = 1 << 3
	noteNondeterministic = 1 << 4
	noteWinograd6x6      = 1 << 7
	noteWinograd13x13    = 1 << 8
)

// unwanted are the notes of engines too inexact for a precision.
func unwanted(p Precision) uint32 {
	notes := uint32(noteDownConvert | noteReducedSums | noteFFT | noteWinograd6x6 | noteWinograd13x13)
	if p == FP32 {
		notes |= noteTensorCore
	}
	return notes
}

// behaviorCompiled is a bit of cudnnBackendBehaviorNote_t: making a plan of such an
// engine takes cuDNN a second, for it compiles.
const behaviorCompiled = 1 << 0

// proposal is an engine with its parameters, proposed by cuDNN's heuristics.
type proposal struct {
	id               int
	notes, behaviors uint32
	config
}

// config is an engine with its parameters, "type=value" in the order of the types.
type config struct {
	engine int64
	knobs  string
}

func (c config) String() string { return fmt.Sprintf("engine %d (%s)", c.engine, c.knobs) }

// rounds orders proposals: those of a round are to be tried if no earlier round
// gave a plan. Deterministic ones come first, so that the same training gives the
// same bits, then those that need not be compiled, and the slow ones of the
// fallback after the others.
func rounds(a, b, fallback []proposal, p Precision) (list [][]proposal) {
	proposed := distinct(mix(a, b))
	for _, deterministic := range []bool{true, false} {
		for _, compiled := range []bool{false, true} {
			for _, from := range [][]proposal{proposed, fallback} {
				list = append(list, suited(from, p, deterministic, compiled))
			}
		}
	}
	return list
}

// mix takes two of a for each of b.
func mix(a, b []proposal) []proposal {
	var list []proposal
	for len(a)+len(b) > 0 {
		n, m := min(2, len(a)), min(1, len(b))
		list = append(append(list, a[:n]...), b[:m]...)
		a, b = a[n:], b[m:]
	}
	return list
}

// distinct leaves out what is proposed twice: most of the best of b are in a.
func distinct(list []proposal) []proposal {
	seen := map[config]bool{}
	return slices.DeleteFunc(list, func(c proposal) bool {
		again := seen[c.config]
		seen[c.config] = true
		return again
	})
}

// suited are the proposals of a kind that are exact enough for a precision, the
// first of each engine before the others: the heuristics' first ones are often of
// one engine alone.
func suited(list []proposal, p Precision, deterministic, compiled bool) []proposal {
	var leading, others []proposal
	seen := map[int64]bool{}
	for _, c := range list {
		if c.notes&unwanted(p) != 0 || (c.notes&noteNondeterministic == 0) != deterministic || (c.behaviors&behaviorCompiled != 0) != compiled {
			continue
		}
		if seen[c.engine] {
			others = append(others, c)
		} else {
			leading = append(leading, c)
		}
		seen[c.engine] = true
	}
	return append(leading, others...)
}

// fastest picks from times in the order of the heuristics. Of those within 1 % of
// the fastest it takes the first: the choice should not change with the noise of a
// measurement.
func fastest(times []float64) int {
	best := 0
	for i, t := range times {
		if t < times[best] {
			best = i
		}
	}
	for i, t := range times {
		if t <= 1.01*times[best] {
			return i
		}
	}
	return best
}
