package train

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"largestep/metrics"
)

// Phase is a stretch of the training with one step size; Start is the fraction
// of the steps at which it begins.
type Phase = metrics.Phase

// Schedule gives the step size of every step: phases in order, the first of
// which may grow exponentially.
type Schedule struct {
	Phases []Phase
	// WarmupExp is the factor by which the first phase's step size grows over
	// a hundredth of the training: η·WarmupExp^(100·t/T); 1 or 0 for none.
	WarmupExp float64
	// WarmupGain and WarmupPower make it η·(1 + WarmupGain·(t/T)^WarmupPower).
	WarmupGain, WarmupPower float64
}

// finalDecay is the fraction of the training from which Decay uses η/100.
const finalDecay = 0.9

// Constant is a schedule of one phase.
func Constant(stepSize float64) []Phase {
	return []Phase{{Name: "constant", StepSize: stepSize}}
}

// Decay is the paper's schedule: η, a tenth of it from the fraction decayAt of
// the training on, a hundredth from 90 % on.
func Decay(stepSize, decayAt float64) ([]Phase, error) {
	if !(decayAt > 0 && decayAt < finalDecay) {
		return nil, fmt.Errorf("decay at %g: want a fraction of the training between 0 and %g, such as 0.5", decayAt, finalDecay)
	}
	return []Phase{
		{Name: "large", Start: 0, StepSize: stepSize},
		{Name: "small", Start: decayAt, StepSize: stepSize / 10},
		{Name: "final", Start: finalDecay, StepSize: stepSize / 100},
	}, nil
}

// ParsePhases reads a piecewise constant schedule such as
// "1.5@0,0.15@0.5,0.015@0.9": step size @ fraction of the training. Phases may
// be named, "warm:0.1@0,large:1.5@0.1"; else the largest step size is "large",
// the others "small". Step sizes may all be multiples of the edge of divergence,
// "0.985edge@0,0.3edge@0.5": relative tells that they are.
func ParsePhases(s string) (phases []Phase, relative bool, err error) {
	largest := 0.0
	for i, part := range strings.Split(s, ",") {
		p, edge, err := parsePhase(strings.TrimSpace(part))
		if err != nil {
			return nil, false, err
		}
		if i > 0 && edge != relative {
			return nil, false, fmt.Errorf("phases %q: give all step sizes as multiples of the edge, or none", s)
		}
		relative = edge
		phases = append(phases, p)
		largest = max(largest, p.StepSize)
	}
	for i := range phases {
		switch p := &phases[i]; {
		case p.Name != "":
		case len(phases) == 1:
			p.Name = "constant"
		case p.StepSize == largest:
			p.Name = "large"
		default:
			p.Name = "small"
		}
	}
	return phases, relative, Schedule{Phases: phases}.Validate()
}

func parsePhase(s string) (p Phase, relative bool, err error) {
	bad := fmt.Errorf("phase %q: want STEPSIZE@START or NAME:STEPSIZE@START, such as 1.5@0, small:0.15@0.5 or 0.9edge@0", s)
	rest := s
	if name, r, named := strings.Cut(s, ":"); named {
		if p.Name, rest = strings.TrimSpace(name), r; p.Name == "" {
			return p, false, bad
		}
	}
	size, start, ok := strings.Cut(rest, "@")
	if !ok {
		return p, false, bad
	}
	size, relative = strings.CutSuffix(size, "edge")
	var err1, err2 error
	p.StepSize, err1 = strconv.ParseFloat(size, 64)
	p.Start, err2 = strconv.ParseFloat(start, 64)
	if err1 != nil || err2 != nil {
		return p, false, bad
	}
	return p, relative, nil
}

// Validate tells what is wrong with a schedule.
func (s Schedule) Validate() error {
	if len(s.Phases) == 0 {
		return fmt.Errorf("no phases: give a step size")
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
	}
	if s.WarmupGain != 0 && !(s.WarmupGain > -1 && s.WarmupPower > 0 && s.WarmupExp == 0) {
		return fmt.Errorf("warm-up by 1 + %g·(t/T)^%g: want a gain above −1, a positive power, and no other warm-up", s.WarmupGain, s.WarmupPower)
	}
	if w := s.WarmupExp; w != 0 && !(w > 0.5 && w < 2) {
		return fmt.Errorf("warm-up factor %g: want the growth over a hundredth of the training, such as 1.05", w)
	}
	return nil
}

// Phase is the index of the phase of a step, counted from 0, of total.
func (s Schedule) Phase(step, total int) int {
	for i := len(s.Phases) - 1; i > 0; i-- {
		if step >= s.startStep(i, total) {
			return i
		}
	}
	return 0
}

// startStep is the first step of phase i.
func (s Schedule) startStep(i, total int) int {
	return int(math.Round(s.Phases[i].Start * float64(total)))
}

// StepSize is η at a step, counted from 0, of total.
func (s Schedule) StepSize(step, total int) float64 {
	i := s.Phase(step, total)
	eta := s.Phases[i].StepSize
	if i == 0 && s.WarmupExp != 0 {
		eta *= math.Pow(s.WarmupExp, 100*float64(step)/float64(total))
	}
	if i == 0 && s.WarmupGain != 0 {
		eta *= 1 + float64(s.WarmupGain*math.Pow(float64(step)/float64(total), s.WarmupPower))
	}
	return eta
}
