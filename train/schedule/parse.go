package schedule

import (
	"fmt"
	"strconv"
	"strings"
)

// Parse reads a schedule such as "1.5@0,0.15@0.5,0.015@0.9": step size @
// fraction of the training. Phases may be named, and have a rule, as in
// "warm-up:1.5@0~linear,large:1.5@0.1"; of those without a name the largest step
// size is "large", the others "small". Step sizes may all be multiples of the
// edge of divergence, "0.985edge@0,0.3edge@0.5".
func Parse(text string) (s Schedule, err error) {
	largest := 0.0
	for i, part := range strings.Split(text, ",") {
		p, edge, err := parsePhase(strings.TrimSpace(part))
		if err != nil {
			return s, err
		}
		if i > 0 && edge != s.OfEdge {
			return s, fmt.Errorf("phases %q: give all step sizes as multiples of the edge, or none", text)
		}
		s.OfEdge = edge
		s.Phases = append(s.Phases, p)
		largest = max(largest, p.StepSize)
	}
	for i := range s.Phases {
		switch p := &s.Phases[i]; {
		case p.Name != "":
		case len(s.Phases) == 1:
			p.Name = "constant"
		case p.StepSize == largest:
			p.Name = "large"
		default:
			p.Name = "small"
		}
	}
	return s, s.Validate()
}

func parsePhase(text string) (p Phase, ofEdge bool, err error) {
	bad := fmt.Errorf("phase %q: want STEPSIZE@START or NAME:STEPSIZE@START, such as 1.5@0, small:0.15@0.5 or 0.9edge@0", text)
	rest, rule, ruled := strings.Cut(text, "~")
	if ruled {
		if p.Rule, err = ParseRule(rule); err != nil {
			return p, false, err
		}
	}
	if name, r, named := strings.Cut(rest, ":"); named {
		if p.Name, rest = strings.TrimSpace(name), r; p.Name == "" {
			return p, false, bad
		}
	}
	size, start, ok := strings.Cut(rest, "@")
	if !ok {
		return p, false, bad
	}
	if p.StepSize, ofEdge, err = ParseStepSize(size); err != nil {
		return p, false, bad
	}
	if p.Start, err = strconv.ParseFloat(start, 64); err != nil {
		return p, false, bad
	}
	return p, ofEdge, nil
}

// ParseStepSize reads a number, or a multiple of the edge of divergence such as
// 0.985edge.
func ParseStepSize(text string) (stepSize float64, ofEdge bool, err error) {
	number, ofEdge := strings.CutSuffix(text, "edge")
	if stepSize, err = strconv.ParseFloat(number, 64); err != nil {
		return 0, false, fmt.Errorf("want a number such as 0.5, or a multiple of the edge such as 0.9edge")
	}
	return stepSize, ofEdge, nil
}

// Exact is what Parse reads, to the last bit.
func (s Schedule) Exact() string { return s.text(-1) }

// String is Exact without the noise of the last bits.
func (s Schedule) String() string { return s.text(12) }

func (s Schedule) text(digits int) string {
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', digits, 64) }
	unit := ""
	if s.OfEdge {
		unit = "edge"
	}
	var parts []string
	for _, p := range s.Phases {
		text := fmt.Sprintf("%s:%s%s@%s", p.Name, number(p.StepSize), unit, number(p.Start))
		if !p.Rule.IsZero() {
			text += "~" + p.Rule.String()
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ",")
}
