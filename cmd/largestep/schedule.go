package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/pflag"
	"largestep/train/schedule"
)

// scheduleFlags are those that make a schedule.
type scheduleFlags struct {
	stepSize                    stepSize
	decayAt, warmup             float64
	phases, rule                string
	growth, gain, powerOfGrowth float64

	base *schedule.Schedule // of a file of settings; nil if there is none
}

func (s *scheduleFlags) add(f *pflag.FlagSet) {
	f.Var(&s.stepSize, "step-size", "step size η, such as 0.5, or a multiple of the edge of divergence, such as 0.9edge; constant unless other flags say else")
	f.Float64Var(&s.decayAt, "decay-at", 0, "fraction of the epochs from which on the step size is a tenth; it is a hundredth from 0.9 on")
	f.StringVar(&s.rule, "schedule", "", "how η changes instead:\n"+schedule.Rules())
	f.Float64Var(&s.warmup, "warmup", 0, "fraction of the training over which the step size first rises from 0")
	f.StringVar(&s.phases, "phases", "", "piecewise schedule: STEPSIZE@START,… or NAME:STEPSIZE@START~SCHEDULE,…, START a fraction of the epochs; all step sizes may be multiples of the edge, such as 0.985edge")
	f.Float64Var(&s.growth, "warmup-exp", 0, "factor by which the first phase's step size grows in each hundredth of the training (the paper: 1.05)")
	f.Float64Var(&s.gain, "warmup-gain", 0, "let the first phase's step size grow to η(1 + GAIN·(t/T)^POWER) instead, at the fraction t/T of the training")
	f.Float64Var(&s.powerOfGrowth, "warmup-power", 1, "POWER of --warmup-gain")
}

// any tells whether a flag says something of the schedule.
func (s *scheduleFlags) any(f *pflag.FlagSet) (changed bool) {
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	new(scheduleFlags).add(own)
	own.VisitAll(func(flag *pflag.Flag) { changed = changed || f.Changed(flag.Name) })
	return changed
}

// check refuses flags that say the same twice, or nothing.
func (s *scheduleFlags) check(f *pflag.FlagSet) error {
	changed := func(names ...string) (set []string) {
		for _, name := range names {
			if f.Changed(name) {
				set = append(set, "--"+name)
			}
		}
		return set
	}
	switch {
	case f.Changed("phases") && len(changed("step-size", "decay-at")) > 0:
		return errors.New("--phases says all: leave out --step-size and --decay-at")
	case f.Changed("phases") && len(changed("schedule", "warmup")) > 0:
		return fmt.Errorf("--phases says all: leave out %s", changed("schedule", "warmup")[0])
	case f.Changed("decay-at") && f.Changed("schedule"):
		return errors.New("--decay-at and --schedule are two schedules: leave one out, or write them as --phases")
	case f.Changed("warmup-power") && !f.Changed("warmup-gain"):
		return errors.New("--warmup-power is of --warmup-gain: give that too")
	case len(changed("warmup-exp", "warmup-gain", "schedule")) > 1:
		set := changed("warmup-exp", "warmup-gain", "schedule")
		return fmt.Errorf("%s and %s both change the step size: leave one out", set[0], set[1])
	}
	return nil
}

// schedule is what the flags make of the one that there is without them.
func (s *scheduleFlags) schedule(f *pflag.FlagSet, base schedule.Schedule) (made schedule.Schedule, err error) {
	if s.base != nil {
		base = *s.base
	}
	eta := base.First()
	if f.Changed("step-size") {
		eta = s.stepSize.value
	}
	switch {
	case f.Changed("phases"):
		if made, err = schedule.Parse(s.phases); err != nil {
			return made, err
		}
	case f.Changed("decay-at"):
		if made, err = schedule.Decay(eta, s.decayAt); err != nil {
			return made, err
		}
	case f.Changed("step-size") && s.base != nil && !f.Changed("schedule"):
		made = base.From(eta)
	case f.Changed("step-size"), f.Changed("schedule"):
		made = schedule.Constant(eta)
	default:
		made = base
	}
	made.OfEdge = made.OfEdge || s.stepSize.edge
	if made, err = s.ruled(f, made); err != nil || !f.Changed("warmup") {
		return made, err
	}
	return made.WarmUp(s.warmup)
}

// errNotOfEdge refuses multiples of an edge that a run's step sizes are not.
var errNotOfEdge = errors.New("its step sizes are not multiples of the edge: leave them out to go on")

// resumed is the schedule of a run where the flags repeat a part of it, and
// another one where they say else. The edge is the one found when the run began.
func (s *scheduleFlags) resumed(f *pflag.FlagSet, of schedule.Schedule, edge float64) (made schedule.Schedule, err error) {
	if at, ok := of.DecayAt(); f.Changed("decay-at") && !f.Changed("step-size") && ok && at == s.decayAt {
		made = of
	} else if f.Changed("step-size") && !f.Changed("decay-at") && !f.Changed("schedule") {
		eta := s.stepSize.value
		if s.stepSize.edge {
			eta *= edge
		}
		made = of.From(eta)
	} else if made, err = s.schedule(f, of.Cold()); err != nil {
		return made, err
	} else {
		if made.OfEdge {
			made = made.Times(edge)
		}
		if !f.Changed("warmup") && len(of.Phases) != len(of.Cold().Phases) {
			made, err = made.WarmUp(of.Phases[1].Start)
		}
	}
	if edge == 0 && (s.stepSize.edge || made.First() == 0) {
		return made, errNotOfEdge
	}
	return made, err
}

// ruled is the schedule with the rule that a flag gives its first phase.
func (s *scheduleFlags) ruled(f *pflag.FlagSet, made schedule.Schedule) (schedule.Schedule, error) {
	switch {
	case f.Changed("warmup-exp") && s.growth != 0:
		made = made.With(schedule.Exponential(s.growth))
	case f.Changed("warmup-gain") && s.gain != 0:
		made = made.With(schedule.Power(s.gain, s.powerOfGrowth))
	case f.Changed("schedule"):
		rule, err := schedule.ParseRule(s.rule)
		if err != nil {
			return made, err
		}
		made = made.With(rule)
	}
	return made, made.Validate()
}

// stepSize is a flag: a number, or a multiple of the edge of divergence.
type stepSize struct {
	value float64
	edge  bool
}

func (s *stepSize) String() string {
	text := strconv.FormatFloat(s.value, 'g', -1, 64)
	if s.edge {
		text += "edge"
	}
	return text
}

func (s *stepSize) Type() string { return "float" }

func (s *stepSize) Set(text string) (err error) {
	s.value, s.edge, err = schedule.ParseStepSize(text)
	return err
}
