// Package schedule says which step size SGD takes when.
package schedule

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Schedule gives the step size of every step of a training: phases in order,
// the first of which starts with it.
type Schedule struct {
	Phases []Phase `json:"phases"`
	// OfEdge tells that the step sizes are multiples of the edge of divergence,
	// which Times makes step sizes.
	OfEdge bool `json:"of_edge,omitempty"`
}

// Phase is a stretch of the training.
type Phase struct {
	Name     string  `json:"name"`
	Start    float64 `json:"start"`         // fraction of the steps at which it begins
	StepSize float64 `json:"step_size"`     // η, which the rule changes from step to step
	Rule     Rule    `json:"rule,omitzero"` // the zero rule leaves it constant
}

// Constant is a schedule of one phase.
func Constant(stepSize float64) Schedule {
	return Schedule{Phases: []Phase{{Name: "constant", StepSize: stepSize}}}
}

// finalDecay is the fraction of the training from which Decay uses η/100.
const finalDecay = 0.9

// Decay is the paper's schedule: η, a tenth of it from the fraction at of the
// training on, a hundredth from 90 % on.
func Decay(stepSize, at float64) (Schedule, error) {
	if !(at > 0 && at < finalDecay) {
		return Schedule{}, fmt.Errorf("decay at %g: want a fraction of the training between 0 and %g, such as 0.5", at, finalDecay)
	}
	return Schedule{Phases: []Phase{
		{Name: "large", Start: 0, StepSize: stepSize},
		{Name: "small", Start: at, StepSize: stepSize / 10},
		{Name: "final", Start: finalDecay, StepSize: stepSize / 100},
	}}, nil
}

// WarmUp is the schedule with a linear warm-up from 0 to its first step size
// before it, over a fraction of the training.
func (s Schedule) WarmUp(fraction float64) (Schedule, error) {
	if !(fraction > 0 && fraction < 1) || len(s.Phases) > 1 && fraction >= s.Phases[1].Start {
		return s, fmt.Errorf("warm-up over %g: want a fraction of the training, before the step size decays, such as 0.05", fraction)
	}
	warm := Phase{Name: "warm-up", StepSize: s.First(), Rule: Rule{Name: linear.name}}
	s.Phases = slices.Insert(slices.Clone(s.Phases), 0, warm)
	s.Phases[1].Start = fraction
	return s, nil
}

// First is the step size with which the schedule begins, before any warm-up.
func (s Schedule) First() float64 { return s.Phases[0].StepSize }

// Times is the schedule with all step sizes multiplied, as those are that are
// given as multiples of the edge of divergence.
func (s Schedule) Times(factor float64) Schedule {
	s.OfEdge = false
	s.Phases = slices.Clone(s.Phases)
	for i := range s.Phases {
		s.Phases[i].StepSize *= factor
	}
	return s
}

// From is the schedule scaled as a whole to begin with the step size.
func (s Schedule) From(stepSize float64) Schedule {
	s = s.Times(stepSize / s.First())
	s.Phases[0].StepSize = stepSize
	return s
}

// With is the schedule with another rule in its first phase.
func (s Schedule) With(r Rule) Schedule {
	s.Phases = slices.Clone(s.Phases)
	s.Phases[0].Rule = r
	return s
}

// Validate tells what is wrong with a schedule.
func (s Schedule) Validate() error {
	if len(s.Phases) == 0 {
		return errors.New("no phases: give a step size")
	}
	for i, p := range s.Phases {
		switch {
		case !(p.StepSize > 0) || math.IsInf(p.StepSize, 0):
			return fmt.Errorf("step size %g: want a positive number", p.StepSize)
		case i == 0 && p.Start != 0:
			return fmt.Errorf("the first phase starts at %g: want 0", p.Start)
		case !(p.Start >= 0 && p.Start < 1):
			return fmt.Errorf("phase %d starts at %g: want a fraction of the training, below 1", i+1, p.Start)
		case i > 0 && p.Start <= s.Phases[i-1].Start:
			return fmt.Errorf("phase %d starts at %g, phase %d at %g: want them in order", i+1, p.Start, i, s.Phases[i-1].Start)
		case strings.ContainsAny(p.Name, ",\"\r\n"):
			return fmt.Errorf("phase name %q: no commas, quotes or line breaks", p.Name)
		}
		if err := p.Rule.Validate(); err != nil {
			return err
		}
	}
	return nil
}

// Endless tells whether no step size depends on how long the training is, so that a
// longer one begins with the same steps.
func (s Schedule) Endless() bool {
	if len(s.Phases) != 1 {
		return false
	}
	r, err := find(s.Phases[0].Rule.Name)
	return s.Phases[0].Rule.IsZero() || err == nil && r.endless
}

// Phase is the index of the phase of a step, counted from 0, of total.
func (s Schedule) Phase(step, total int) int {
	for i := len(s.Phases) - 1; i > 0; i-- {
		if step >= s.Start(i, total) {
			return i
		}
	}
	return 0
}

// Start is the first step of phase i, of total steps; for i = len(Phases) it is
// total.
func (s Schedule) Start(i, total int) int {
	if i == len(s.Phases) {
		return total
	}
	return int(math.Round(s.Phases[i].Start * float64(total)))
}

// StepSize is η at a step, counted from 0, of total.
func (s Schedule) StepSize(step, total int) float64 {
	i := s.Phase(step, total)
	p, start := s.Phases[i], s.Start(i, total)
	if p.Rule.Name == "" {
		return p.StepSize
	}
	return p.StepSize * p.Rule.factor(moment{step: step - start, steps: s.Start(i+1, total) - start, total: total})
}

// WarmsUp tells whether the schedule begins with a warm-up.
func (s Schedule) WarmsUp() bool {
	return len(s.Phases) > 1 && s.Phases[0].Rule.Name == linear.name
}

// Cold is the schedule without the warm-up before it, if it has one.
func (s Schedule) Cold() Schedule {
	if s.WarmsUp() {
		s.Phases = slices.Clone(s.Phases[1:])
		s.Phases[0].Start = 0
	}
	return s
}
