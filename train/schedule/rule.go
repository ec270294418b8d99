package schedule

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Rule changes the step size of a phase from step to step. The zero Rule keeps
// it. As text, in config.json too, it is NAME or NAME:PARAMETER:….
type Rule struct {
	Name       string
	Parameters []float64
}

// rule is how a Rule of some name computes.
type rule struct {
	name       string
	parameters []string // what each is called
	about      string   // of the step size
	check      func(p []float64) error
	// endless tells that it does not depend on how long phase and training are.
	endless bool
	// factor is what η is multiplied by.
	factor func(at moment, p []float64) float64
}

// moment is a step, counted from the beginning of its phase.
type moment struct {
	step, steps int // of the phase
	total       int // of the training
}

// rules are all there are.
var rules = []rule{exponential, power, linear, cosine, inverse, inverseRoot}

func find(name string) (rule, error) {
	var names []string
	for _, r := range rules {
		if r.name == name {
			return r, nil
		}
		names = append(names, r.name)
	}
	return rule{}, fmt.Errorf("unknown schedule %q: choose one of %s", name, strings.Join(names, ", "))
}

// Rules says of each rule how it is written and what it does.
func Rules() string {
	var lines []string
	for _, r := range rules {
		lines = append(lines, fmt.Sprintf("  %-16s %s", strings.Join(append([]string{r.name}, r.parameters...), ":"), r.about))
	}
	return strings.Join(lines, "\n")
}

// ParseRule reads NAME:PARAMETER:….
func ParseRule(text string) (Rule, error) {
	name, rest, _ := strings.Cut(text, ":")
	known, err := find(name)
	if err != nil {
		return Rule{}, err
	}
	r := Rule{Name: name}
	if rest != "" {
		for _, number := range strings.Split(rest, ":") {
			v, err := strconv.ParseFloat(number, 64)
			if err != nil {
				return r, fmt.Errorf("schedule %q: want %s", text, strings.Join(append([]string{name}, known.parameters...), ":"))
			}
			r.Parameters = append(r.Parameters, v)
		}
	}
	return r, r.Validate()
}

// Validate tells what is wrong with a rule.
func (r Rule) Validate() error {
	if r.Name == "" && len(r.Parameters) == 0 {
		return nil
	}
	known, err := find(r.Name)
	if err != nil {
		return err
	}
	if len(r.Parameters) != len(known.parameters) {
		return fmt.Errorf("schedule %q: want %s", r, strings.Join(append([]string{r.Name}, known.parameters...), ":"))
	}
	if known.check != nil {
		if err := known.check(r.Parameters); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(r.Parameters, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }) {
		return fmt.Errorf("schedule %q: want numbers", r)
	}
	return nil
}

func (r Rule) factor(at moment) float64 {
	known, err := find(r.Name)
	if err != nil {
		panic(err) // Validate refuses it
	}
	return known.factor(at, r.Parameters)
}

// String is what ParseRule reads.
func (r Rule) String() string {
	text := r.Name
	for _, v := range r.Parameters {
		text += ":" + strconv.FormatFloat(v, 'g', -1, 64)
	}
	return text
}

// MarshalText is String.
func (r Rule) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText is ParseRule; an empty text is the zero Rule.
func (r *Rule) UnmarshalText(text []byte) (err error) {
	*r = Rule{}
	if len(text) > 0 {
		*r, err = ParseRule(string(text))
	}
	return err
}

// IsZero tells whether the rule keeps the step size.
func (r Rule) IsZero() bool { return r.Name == "" && len(r.Parameters) == 0 }
