package flags

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/pflag"
	"largestep/train/schedule"
)

// Schedule are the flags that make a schedule.
type Schedule struct {
	StepSize                    StepSize
	decayAt, warmup             float64
	phases, rule                string
	growth, gain, powerOfGrowth float64

	Base *schedule.Schedule // of a file of settings; nil if there is none
}

// Add adds them to a command's.
func (s *Schedule) Add(f *pflag.FlagSet) {
	f.Var(&s.StepSize, "step-size", "step size η, such as 0.5, or a multiple of the edge of divergence, such as 0.9edge; constant unless other flags say else")
	f.Float64Var(&s.decayAt, "decay-at", 0, "fraction of the epochs from which on the step size is a tenth; it is a hundredth from 0.9 on")
	f.StringVar(&s.rule, "schedule", "", "how η changes instead:\n"+schedule.Rules())
	f.Float64Var(&s.warmup, "warmup", 0, "fraction of the training over which the step size first rises from 0 to η: what is usually called a warm-up; the paper's is --warmup-exp")
	f.StringVar(&s.phases, "phases", "", "piecewise schedule: STEPSIZE@START,… or NAME:STEPSIZE@START~SCHEDULE,…, START a fraction of the epochs; all step sizes may be multiples of the edge, such as 0.985edge")
	f.Float64Var(&s.growth, "warmup-exp", 0, "the paper's warm-up: factor by which the first phase's step size grows, from η on, in each hundredth of the training (the paper: 1.05)")
	f.Float64Var(&s.gain, "warmup-gain", 0, "the same in another form: let it grow to η(1 + GAIN·(t/T)^POWER) at the fraction t/T of the training")
	f.Float64Var(&s.powerOfGrowth, "warmup-power", 1, "POWER of --warmup-gain")
}

// Any tells whether a flag says something of the schedule.
func (s *Schedule) Any(f *pflag.FlagSet) (changed bool) {
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	new(Schedule).Add(own)
	own.VisitAll(func(flag *pflag.Flag) { changed = changed || f.Changed(flag.Name) })
	return changed
}

// Check refuses flags that say the same twice, or nothing.
func (s *Schedule) Check(f *pflag.FlagSet) error {
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
	rise := changed("warmup-exp", "warmup-gain")
	if s.Base != nil && s.Base.WarmsUp() {
		rise = append(rise, changed("warmup")...)
	}
	if len(rise) > 0 && s.Base != nil && !s.Base.Phases[0].Rule.IsZero() {
		return fmt.Errorf("%s and its first phase, %v, both change the step size: leave one out", rise[0], s.Base.Phases[0].Rule)
	}
	return nil
}

// Make is what the flags make of the one that there is without them.
func (s *Schedule) Make(f *pflag.FlagSet, base schedule.Schedule) (made schedule.Schedule, err error) {
	if s.Base != nil {
		base = *s.Base
	}
	eta := base.First()
	if f.Changed("step-size") {
		eta = s.StepSize.Value
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
	case f.Changed("step-size") && s.Base != nil && !f.Changed("schedule"):
		made = base.From(eta)
	case f.Changed("step-size"), f.Changed("schedule"):
		made = schedule.Constant(eta)
	default:
		made = base
	}
	made.OfEdge = made.OfEdge || s.StepSize.Edge
	if made, err = s.ruled(f, made); err != nil || s.warmup == 0 {
		return made, err
	}
	return made.WarmUp(s.warmup)
}

// errNotOfEdge refuses multiples of an edge that a run's step sizes are not.
var errNotOfEdge = errors.New("its step sizes are not multiples of the edge: leave them out to go on")

// Resumed is the schedule of a run where the flags repeat a part of it, and
// another one where they say else. The edge is the one found when the run began.
func (s *Schedule) Resumed(f *pflag.FlagSet, of schedule.Schedule, edge float64) (made schedule.Schedule, err error) {
	if at, ok := of.DecayAt(); f.Changed("decay-at") && !f.Changed("step-size") && ok && at == s.decayAt {
		made = of
	} else if f.Changed("step-size") && !f.Changed("decay-at") && !f.Changed("schedule") {
		eta := s.StepSize.Value
		if s.StepSize.Edge {
			eta *= edge
		}
		made = of.From(eta)
	} else if made, err = s.Make(f, of.Cold()); err != nil {
		return made, err
	} else {
		if made.OfEdge {
			made = made.Times(edge)
		}
		if !f.Changed("warmup") && len(of.Phases) != len(of.Cold().Phases) {
			made, err = made.WarmUp(of.Phases[1].Start)
		}
	}
	if edge == 0 && (s.StepSize.Edge || made.First() == 0) {
		return made, errNotOfEdge
	}
	return made, err
}

// ruled is the schedule with the rule that a flag gives its first phase.
func (s *Schedule) ruled(f *pflag.FlagSet, made schedule.Schedule) (schedule.Schedule, error) {
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

// StepSize is a flag: a number, or a multiple of the edge of divergence.
type StepSize struct {
	Value float64
	Edge  bool
}

func (s *StepSize) String() string {
	text := strconv.FormatFloat(s.Value, 'g', -1, 64)
	if s.Edge {
		text += "edge"
	}
	return text
}

func (s *StepSize) Type() string { return "float" }

func (s *StepSize) Set(text string) (err error) {
	s.Value, s.Edge, err = schedule.ParseStepSize(text)
	return err
}
