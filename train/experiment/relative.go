package experiment

import (
	"fmt"
	"strings"

	"largestep/data"
	"largestep/train/run"
	"largestep/train/trainer"
)

// relative is a step size as a multiple of an edge of divergence.
type relative struct {
	unit     run.Config // whose schedule has the edge
	multiple float64    // of that edge, the first step size
}

// edgeTolerance is the fraction to which edges are found.
const edgeTolerance = 0.005

// relate makes the curves' step sizes relative to the edge of divergence, for
// instances other than the paper's: its step sizes lie at the edge of its own
// instance, and would diverge on most others. The edge is that of the longest
// large-step phase with the same sampling, of whose edge the large step size is
// the fraction given; ratios of step sizes stay as they are.
func relate(curves []curve, fraction float64) {
	units := map[data.Sampling]run.Config{}
	for _, s := range curves {
		c, u := s.config, units[s.config.Sampling]
		if len(u.Schedule.Phases) == 0 || later(c, u) {
			units[c.Sampling] = c
		}
	}
	for i := range curves {
		s := &curves[i]
		unit, eta := units[s.config.Sampling], s.config.Schedule.First()
		s.relative = &relative{unit, fraction * eta / unit.Schedule.First()}
		s.label = strings.Replace(s.label, fmt.Sprintf("η = %g", eta), fmt.Sprintf("η = %.3g edge", s.relative.multiple), 1)
	}
}

// later tells whether a keeps its first step size for longer than b, or as long
// a larger one; a constant one counts as the shortest.
func later(a, b run.Config) bool {
	x, y := firstDecay(a), firstDecay(b)
	return x > y || x == y && a.Schedule.First() > b.Schedule.First()
}

func firstDecay(c run.Config) float64 {
	if len(c.Schedule.Phases) < 2 {
		return 0
	}
	return c.Schedule.Phases[1].Start
}

// edge is the search for the edge of a relative run; runs with equal keys have
// the same edge.
func (r Run) edge() (search trainer.Edge, key string) {
	c := r.relative.unit
	c.Seed, c.Precision = r.Config.Seed, r.Config.Precision
	return trainer.Edge{Config: c, Steps: c.Steps(), Tolerance: edgeTolerance}, fmt.Sprintf("%s, seed %d", c.Sampling, c.Seed)
}

// at is a relative run with the step sizes that follow from the edge.
func (r Run) at(edge float64) Run {
	r.Config.Schedule = r.Config.Schedule.Times(r.relative.multiple * edge / r.Config.Schedule.First())
	return r
}
