package schedule

import (
	"fmt"
	"strconv"
)

// DecayAt is the fraction of the training at which a schedule made by Decay
// decays first; ok is false for others.
func (s Schedule) DecayAt() (at float64, ok bool) {
	names := [...]string{"large", "small", "final"}
	if len(s.Phases) != len(names) {
		return 0, false
	}
	for i, p := range s.Phases {
		if p.Name != names[i] {
			return 0, false
		}
	}
	return s.Phases[1].Start, true
}

// mostNamed is how many phases a label names; of more, the middle ones are left
// out.
const mostNamed = 4

// Label tells schedules of one figure apart: "η = 0.7, decay at 30 %", for
// instance.
func (s Schedule) Label() string {
	if len(s.Phases) == 0 {
		return ""
	}
	label := "η = " + s.size(0)
	if at, ok := s.DecayAt(); ok {
		return label + ", decay at " + percent(at)
	}
	last := len(s.Phases) - 1
	for i := 1; i <= last; i++ {
		if last >= mostNamed && 1 < i && i < last {
			if i == 2 {
				label += ", …"
			}
			continue
		}
		label += fmt.Sprintf(", %s from %s", s.size(i), percent(s.Phases[i].Start))
	}
	return label
}

// Sentence says the same as part of a sentence: "0.5, 0.05 from 50 % on".
func (s Schedule) Sentence() string {
	text := ""
	for i, p := range s.Phases {
		if i > 0 {
			text += ", "
		}
		text += strconv.FormatFloat(p.StepSize, 'g', 5, 64)
		if !p.Rule.IsZero() {
			text += " " + p.Rule.String()
		}
		if i > 0 {
			text += fmt.Sprintf(" from %.3g %% on", 100*p.Start)
		}
	}
	return text
}

// size is a phase's step size for people, with the rule that changes it but for
// the paper's warm-ups, which a figure has in all of its curves.
func (s Schedule) size(i int) string {
	p := s.Phases[i]
	text := strconv.FormatFloat(p.StepSize, 'g', 4, 64)
	if s.OfEdge {
		text += " edge"
	}
	if name := p.Rule.Name; name != "" && name != exponential.name && name != power.name {
		text += " " + p.Rule.String()
	}
	return text
}

func percent(fraction float64) string { return strconv.FormatFloat(100*fraction, 'g', 3, 64) + " %" }
