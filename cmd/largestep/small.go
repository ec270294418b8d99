package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"largestep/data"
	"largestep/train"
	"largestep/train/paper"
)

// addSmallFlags adds the flags of the small problems.
func addSmallFlags(f *pflag.FlagSet, c *train.Config) {
	f.StringVar(&c.Instance, "instance", "", "small problems: the paper's own instance, or a random one from the seed (paper, random)")
	f.StringVar(&c.Order, "order", "", "small problems: \"paper\" takes the examples in the order of the paper's run")
	f.IntVar(&c.Dims, "dims", 0, "linear problems and diagonal: length of the vectors; --train-size is their number")
	f.IntVar(&c.Nonzeros, "nonzeros", 0, "diagonal: nonzero entries of the true parameter")
	f.Float64Var(&c.Noise, "noise", 0, "least-squares: standard deviation of the labels about a linear function (default 0.5); with 0 all examples can be fitted")
	f.Float64Var(&c.LabelNoise, "label-noise", 0, "small problems with a squared loss: standard deviation of noise on the labels, drawn afresh for each mini-batch of the first phase")
	f.Float64Var(&c.C, "c", 0, "svm: weight C of the hinge losses")
	f.Var((*widths)(&c.Widths), "widths", "relu: widths of the hidden layers, such as 20,20")
	f.IntVar(&c.MaxSteps, "steps", 0, "steps, instead of --epochs")
	f.IntVar(&c.EvalSteps, "eval-steps", 0, "steps between evaluations, instead of --eval-every")
}

// overruleSmall takes over the flags of the small problems that were set.
func (o *trainOptions) overruleSmall(f *pflag.FlagSet, c *train.Config) {
	from := &o.config
	for name, set := range map[string]func(){
		"instance":    func() { c.Instance = from.Instance },
		"order":       func() { c.Order = from.Order },
		"dims":        func() { c.Dims = from.Dims },
		"nonzeros":    func() { c.Nonzeros = from.Nonzeros },
		"c":           func() { c.C = from.C },
		"noise":       func() { c.Noise = from.Noise },
		"label-noise": func() { c.LabelNoise = from.LabelNoise },
		"widths":      func() { c.Widths = from.Widths },
		"steps":       func() { c.MaxSteps = from.MaxSteps },
		"eval-steps":  func() { c.EvalSteps = from.EvalSteps },
	} {
		if f.Changed(name) {
			set()
		}
	}
}

// flagsOf lists the flags that only some nets have.
var flagsOf = []struct {
	flags []string
	nets  func(net string) bool
}{
	{[]string{"width", "augment", "sparsity", "dataset", "data", "test-size"}, func(net string) bool { return net == train.ResNet18 }},
	{[]string{"instance", "order", "dims"}, func(net string) bool { return net != train.ResNet18 }},
	{[]string{"nonzeros"}, func(net string) bool { return net == "diagonal" }},
	{[]string{"noise"}, func(net string) bool { return net == "least-squares" }},
	{[]string{"c"}, func(net string) bool { return net == "svm" }},
	{[]string{"widths"}, func(net string) bool { return net == "relu" }},
}

// checkFlags refuses flags that the net does not have.
func (o *trainOptions) checkFlags(f *pflag.FlagSet) error {
	if o.config.Net != train.ResNet18 && !slices.Contains(train.SmallNets, o.config.Net) {
		return nil // which will be refused itself
	}
	for _, group := range flagsOf {
		for _, name := range group.flags {
			if f.Changed(name) && !group.nets(o.config.Net) {
				return usageError{fmt.Errorf("--%s means nothing to %s", name, o.config.Net)}
			}
		}
	}
	if f.Changed("phases") && (f.Changed("step-size") || f.Changed("decay-at")) {
		return usageError{errors.New("--phases says all: leave out --step-size and --decay-at")}
	}
	if f.Changed("warmup-power") && !f.Changed("warmup-gain") {
		return usageError{errors.New("--warmup-power is of --warmup-gain: give that too")}
	}
	for _, same := range [][2]string{{"steps", "epochs"}, {"eval-steps", "eval-every"}} {
		if f.Changed(same[0]) && f.Changed(same[1]) {
			return usageError{fmt.Errorf("--%s and --%s say the same: leave one out", same[0], same[1])}
		}
	}
	switch {
	case f.Changed("steps") && o.config.MaxSteps < 1:
		return fmt.Errorf("%d steps: want 1 or more", o.config.MaxSteps)
	case f.Changed("eval-steps") && o.config.EvalSteps < 1:
		return fmt.Errorf("evaluation every %d steps: want 1 or more", o.config.EvalSteps)
	case o.save < 0:
		return fmt.Errorf("a checkpoint every %v: want 0 or more", o.save)
	}
	return nil
}

// evaluationsOfSmall is how often a small problem is evaluated by default.
const evaluationsOfSmall = 50

// resolveSmall fills what no flag says of a small problem from its defaults.
func (o *trainOptions) resolveSmall(f *pflag.FlagSet) (c train.Config, err error) {
	if c, err = paper.Small(o.config.Net); err != nil {
		return c, err
	}
	if err := o.overrule(f, &c); err != nil {
		return c, err
	}
	if c.Sampling == data.Full && !f.Changed("batch") {
		c.Batch = c.TrainSize
	}
	if f.Changed("epochs") {
		c.MaxSteps = 0
	}
	if c.Phases, err = o.schedule(f, &c); err != nil {
		return c, err
	}
	c.CountEpochs()
	if !f.Changed("eval-steps") && !f.Changed("eval-every") {
		c.EvalSteps = max(1, c.Steps()/evaluationsOfSmall)
	}
	return c, c.Validate()
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

func (s *stepSize) Set(text string) error {
	number, edge := strings.CutSuffix(text, "edge")
	v, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return fmt.Errorf("want a number such as 0.5, or a multiple of the edge such as 0.9edge")
	}
	s.value, s.edge = v, edge
	return nil
}

// widths is a flag: those of the hidden layers; the net refuses to have none.
type widths []int

func (w *widths) String() string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint([]int(*w)), " ", ","), "[]")
}

func (w *widths) Type() string { return "ints" }

func (w *widths) Set(text string) error {
	*w = nil
	for _, number := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' }) {
		width, err := strconv.Atoi(strings.TrimSpace(number))
		if err != nil {
			return fmt.Errorf("want whole numbers such as 20,20")
		}
		*w = append(*w, width)
	}
	return nil
}

// relativeToEdge finds the edge of a constant step size, and makes multiples of
// it step sizes.
func (o *trainOptions) relativeToEdge(cmd *cobra.Command, j *job) error {
	trial := j.config
	trial.Phases, trial.WarmupExp, trial.WarmupGain, trial.WarmupPower = train.Constant(edgeGuess), 0, 0, 0
	search := train.Edge{
		Engine: j.engine, Problem: j.problem, Config: trial, Init: o.init, Steps: edgeSteps(&j.config), Tolerance: edgeTolerance, Tried: printTrial(cmd, edgeTolerance),
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "searching for the edge of divergence within %d steps\n", search.Steps)
	edge, err := findEdge(cmd, search)
	if err != nil {
		return err
	}
	o.edge = edge
	multiply(&j.config, edge)
	fmt.Fprintf(cmd.ErrOrStderr(), "edge of divergence: %s; step size %.5g\n", formatEdge(edge, edgeTolerance), j.config.StepSize)
	return nil
}

// edgeTolerance is that of an edge which nobody gives another.
const edgeTolerance = 0.005

// shortRun is the number of steps in which a step size for ResNet-18 must
// diverge: whole trainings would take too long.
const shortRun = 500

// edgeSteps is within how many steps a step size must diverge.
func edgeSteps(c *train.Config) int {
	if c.Net == train.ResNet18 {
		return min(c.Steps(), shortRun)
	}
	return c.Steps()
}
