package request

import (
	"fmt"
	"slices"
	"strconv"

	"largestep/cmd/internal/flags"
	"largestep/train/schedule"
	"largestep/train/settings"
)

// overrules are the flags that make a schedule; beside itself, each overrules those
// of a file for which it leaves no room.
var overrules = map[string][]string{
	"step-size":    nil,
	"decay-at":     {"phases", "schedule"},
	"schedule":     {"phases", "decay-at", "warmup-exp", "warmup-gain", "warmup-power"},
	"warmup":       nil,
	"warmup-exp":   {"warmup-gain", "warmup-power"},
	"warmup-gain":  {"warmup-exp"},
	"warmup-power": nil,
	"phases":       {"step-size", "decay-at", "schedule", "warmup", "warmup-exp", "warmup-gain", "warmup-power"},
}

// changing is a flag of the command line that changes a part of the file's schedule;
// "" if there is none.
func (o *fromFile) changing() string {
	for _, flag := range o.typed {
		if _, ok := overrules[flag]; ok && !o.has("phases") {
			return flag
		}
	}
	return ""
}

// apart puts the parts of a schedule that the file has as phases in their place, where
// flags change one of them; what the file says beside the phases stays.
func (o *fromFile) apart(file *settings.File) error {
	if o.changing() == "" {
		return nil
	}
	var said []string
	for _, axis := range file.Axes {
		said = append(said, axis.Names()...)
	}
	var axes []settings.Axis
	for _, axis := range file.Axes {
		if len(axis) > 1 {
			axes = append(axes, axis)
			continue
		}
		for _, s := range axis[0] {
			p, err := partsOf(s)
			if err != nil {
				return fmt.Errorf("%s: %w", file.Path, err)
			}
			for _, part := range p {
				if part.Name == s.Name || !slices.Contains(said, part.Name) {
					axes = append(axes, settings.Axis{{part}})
				}
			}
		}
	}
	file.Axes = axes
	return nil
}

// partsOf are the parts of a setting of phases; others have one.
func partsOf(s settings.Setting) (settings.Point, error) {
	if s.Name != "phases" {
		return settings.Point{s}, nil
	}
	whole, err := schedule.Parse(s.Value)
	if err != nil {
		return nil, err
	}
	return parts(whole), nil
}

// parts are the options that make a schedule: its step size, its warm-ups, and how it
// goes on, as phases where nothing else says that.
func parts(s schedule.Schedule) settings.Point {
	eta := flags.StepSize{Value: s.First(), Edge: s.OfEdge}
	all := settings.Point{{Name: "step_size", Value: eta.String()}}
	add := func(name string, value float64) {
		all = append(all, settings.Setting{Name: name, Value: strconv.FormatFloat(value, 'g', -1, 64)})
	}
	if s.WarmsUp() && s.Phases[0].StepSize == s.Phases[1].StepSize {
		add("warmup", s.Phases[1].Start)
		s = s.Cold()
	}
	switch rule := s.Phases[0].Rule; rule.Name {
	case schedule.Exponential(1).Name:
		add("warmup_exp", rule.Parameters[0])
		s = s.With(schedule.Rule{})
	case schedule.Power(1, 1).Name:
		add("warmup_gain", rule.Parameters[0])
		add("warmup_power", rule.Parameters[1])
		s = s.With(schedule.Rule{})
	}
	rule := s.Phases[0].Rule
	at, _ := s.DecayAt()
	decayed, err := schedule.Decay(s.First(), at)
	switch constant := schedule.Constant(s.First()); {
	case alike(s, constant):
	case err == nil && alike(s, decayed):
		add("decay_at", at)
	case alike(s, constant.With(rule)):
		all = append(all, settings.Setting{Name: "schedule", Value: rule.String()})
	default:
		all = append(all, settings.Setting{Name: "phases", Value: s.Exact()})
	}
	return all
}

// alike compares but for the last bits, in which multiples of an edge differ.
func alike(s, plain schedule.Schedule) bool {
	plain.OfEdge = s.OfEdge
	return s.String() == plain.String()
}
