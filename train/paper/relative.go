package paper

import (
	"fmt"
	"slices"
	"strings"

	"largestep/data"
	"largestep/train"
)

// relative is a step size as a multiple of an edge of divergence.
type relative struct {
	unit     train.Config // whose schedule has the edge
	multiple float64      // of that edge, the first step size
}

// relate makes the settings' step sizes relative to the edge of divergence, for
// instances other than the paper's: its step sizes lie at the edge of its own
// instance, and would diverge on most others. The edge is that of the longest
// large-step phase with the same sampling, of whose edge the large step size is
// the fraction given; ratios of step sizes stay as they are.
func relate(settings []Setting, fraction float64) {
	units := map[data.Sampling]train.Config{}
	for _, s := range settings {
		c, u := s.Config, units[s.Config.Sampling]
		if c.DecayAt > u.DecayAt || c.DecayAt == u.DecayAt && c.StepSize > u.StepSize {
			units[c.Sampling] = c
		}
	}
	for i := range settings {
		s := &settings[i]
		unit := units[s.Config.Sampling]
		s.relative = &relative{unit, fraction * s.Config.StepSize / unit.StepSize}
		s.Label = strings.Replace(s.Label, fmt.Sprintf("η = %g", s.Config.StepSize), fmt.Sprintf("η = %.3g edge", s.relative.multiple), 1)
	}
}

// IsRelative tells whether the run's step sizes are relative to an edge.
func (r Run) IsRelative() bool { return r.relative != nil }

// Edge is the search for the edge of a relative run; runs with equal keys have
// the same edge.
func (r Run) Edge() (search train.Edge, key string) {
	c := r.relative.unit
	c.Seed, c.Precision = r.Config.Seed, r.Config.Precision
	return train.Edge{Config: c, Steps: c.Steps(), Tolerance: 0.005}, fmt.Sprintf("%s, seed %d", c.Sampling, c.Seed)
}

// At is a relative run with the step sizes that follow from the edge.
func (r Run) At(edge float64) Run {
	factor := r.relative.multiple * edge / r.Config.StepSize
	r.Config.Phases = slices.Clone(r.Config.Phases)
	for i := range r.Config.Phases {
		r.Config.Phases[i].StepSize *= factor
	}
	r.Config.StepSize = r.Config.Phases[0].StepSize
	return r
}
