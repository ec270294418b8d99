package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"largestep/cmd/internal/usage"
	"largestep/data"
	"largestep/train/catalog"
	"largestep/train/run"
)

// addExamples adds the flags that say what is trained, on which examples.
func addExamples(f *pflag.FlagSet, c *run.Config) {
	f.IntVar(&c.Width, "width", c.Width, "channels of the first stage, 4 or more (the paper: 64)")
	f.IntVar(&c.TrainSize, "train-size", c.TrainSize, "training examples; of images --subset says which")
	f.Var((*choice)(&c.Subset), "subset", aboutSubset+"; random draws from the seed")
	f.Uint64Var(&c.Seed, "seed", c.Seed, "seed of initial parameters, order and augmentation, and of a random instance")
	f.StringVar(&c.Instance, "instance", c.Instance, "the paper's own instance, or a random one from the seed (paper, random)")
	f.IntVar(&c.Dims, "dims", c.Dims, "length of the vectors; --train-size is their number")
	f.IntVar(&c.Nonzeros, "nonzeros", c.Nonzeros, "nonzero entries of the true parameter")
	f.Float64Var(&c.Noise, "noise", c.Noise, "standard deviation of the labels about a linear function; with 0 all examples can be fitted")
	f.Float64Var(&c.C, "c", c.C, "weight C of the hinge losses")
	f.Var((*widths)(&c.Widths), "widths", "widths of the hidden layers, such as 20,20")
	f.StringVar(&c.Precision, "precision", c.Precision, "number format: fp32, on a GPU tf32 or bf16 (of activations) too; of small problems fp64 or fp32")
}

// addDescent adds the flags that say how steps are taken.
func addDescent(f *pflag.FlagSet, c *run.Config) {
	f.IntVar(&c.Batch, "batch", c.Batch, "examples of a mini-batch; an incomplete last one is dropped")
	f.Var((*sampling)(&c.Sampling), "sampling", "order of the examples: shuffle, with-replacement, sequential, or full (gradient descent: one step an epoch, an incomplete last part left out)")
	f.StringVar(&c.Order, "order", c.Order, "\"paper\" takes the examples in the order of the paper's run")
	f.Float64Var(&c.Momentum, "momentum", c.Momentum, "momentum")
	f.Float64Var(&c.WeightDecay, "weight-decay", c.WeightDecay, "weight decay, on all parameters")
	f.BoolVar(&c.Augment, "augment", c.Augment, "random crop with padding 4, and horizontal flip")
	f.Var((*normalization)(&c.Normalize), "normalize", aboutNormalize)
	f.Float64Var(&c.LabelNoise, "label-noise", c.LabelNoise, "standard deviation of noise on the labels of a squared loss, drawn afresh for each mini-batch of the first phase")
}

// addLength adds the flags that say how long, and what for.
func addLength(f *pflag.FlagSet, c *run.Config) {
	f.IntVar(&c.Epochs, "epochs", c.Epochs, "passes over the training set")
	f.IntVar(&c.MaxSteps, "steps", c.MaxSteps, "steps, instead of --epochs")
	f.IntVar(&c.TestSize, "test-size", c.TestSize, "test images; --subset says which")
}

// addRecords adds the flags of what is recorded, which change nothing else.
func addRecords(f *pflag.FlagSet, c *run.Config) {
	f.IntVar(&c.EvalEvery, "eval-every", c.EvalEvery, "epochs between evaluations")
	f.IntVar(&c.EvalSteps, "eval-steps", c.EvalSteps, "steps between evaluations, instead of --eval-every")
	f.Var((*measures)(&c.Measures), "measure", "numbers to record beside the problem's own, or none:"+aboutMeasures(c.Net))
	f.IntVar(&c.MeasureImages, "measure-images", c.MeasureImages, "training images, the first of the set and without augmentation, on which measures look around the parameters, in whole mini-batches of --batch (default: 1,000)")
	f.StringVar(&c.MeasureMode, "measure-mode", c.MeasureMode, "statistics of batch norm there: training, those of the mini-batch, or evaluation, the running ones (default: training)")
	f.IntVar(&c.Eigenvalues, "eigenvalues", c.Eigenvalues, "of the Hessian, the largest, that measure sharpness records (default: 1)")
	f.BoolVar(&c.LogSteps, "log-steps", c.LogSteps, "record the loss of every step in steps.csv, and find the plateaus of the loss")
}

// aboutMeasures lists those that a net has.
func aboutMeasures(net string) (text string) {
	p, err := catalog.Find(net)
	for _, m := range catalog.Measures {
		if err != nil || m.Of(p) {
			text += fmt.Sprintf("\n%s: %s", m.Name, m.About)
		}
	}
	return text
}

// optional are the options that only some problems take, as flags.
var optional = func() map[string]bool {
	names := map[string]bool{"data": true}
	for _, p := range catalog.Problems {
		for _, option := range p.Options {
			names[flagOf(option)] = true
		}
	}
	return names
}()

// flagOf is the flag of an option of config.json.
func flagOf(option string) string {
	if option == "measures" {
		return "measure"
	}
	return strings.ReplaceAll(option, "_", "-")
}

// optionOf is the reverse of flagOf.
func optionOf(flag string) string {
	if flag == "measure" {
		return "measures"
	}
	return strings.ReplaceAll(flag, "-", "_")
}

// takes tells whether a problem takes a flag.
func takes(p catalog.Problem, flag string) bool {
	return !optional[flag] || flag == "data" && p.Reads() ||
		slices.ContainsFunc(p.Options, func(option string) bool { return flagOf(option) == flag })
}

// takenBy are the flags of a set that a problem takes.
func takenBy(p catalog.Problem, all *pflag.FlagSet) *pflag.FlagSet {
	some := pflag.NewFlagSet("", pflag.ContinueOnError)
	all.VisitAll(func(f *pflag.Flag) {
		if takes(p, f.Name) {
			some.AddFlag(f)
		}
	})
	return some
}

// apply sets the flags of one set that were set of another.
func apply(to, from *pflag.FlagSet) (err error) {
	from.Visit(func(f *pflag.Flag) {
		if to.Lookup(f.Name) != nil && err == nil {
			err = to.Set(f.Name, f.Value.String())
		}
	})
	return err
}

// perNet completes a command on a NET: a subcommand for each problem, whose flags
// are those that it takes.
func perNet(parent *cobra.Command, command func(p catalog.Problem) *cobra.Command, problems ...catalog.Problem) *cobra.Command {
	for _, p := range problems {
		sub := command(p)
		sub.Use, sub.Short, sub.Args = p.Name, p.About, usage.NoArgs
		parent.AddCommand(sub)
		sub.Flags().VisitAll(func(f *pflag.Flag) { // so that flags may come before NET
			if parent.Flags().Lookup(f.Name) == nil {
				shared := *f
				shared.DefValue = map[string]string{"string": "", "bool": "false"}[f.Value.Type()] // each NET has its own
				if shared.DefValue == "" && f.Value.Type() != "string" {
					shared.DefValue = "0"
				}
				parent.Flags().AddFlag(&shared)
			}
		})
	}
	parent.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usage.Errorf("%d arguments, want NET", len(args))
		}
		_, err := catalog.Find(args[0])
		return err
	}
	return parent
}

// sampling is a flag.
type sampling data.Sampling

func (s *sampling) String() string { return string(*s) }
func (s *sampling) Type() string   { return "order" }

func (s *sampling) Set(text string) error {
	how, err := data.ParseSampling(text)
	*s = sampling(how)
	return err
}

const aboutSubset = "which images of a set, where not all are used: the first, random ones, or of each class as many (first, random, balanced)"

// choice is a flag.
type choice data.Choice

func (c *choice) String() string { return data.Choice(*c).String() }
func (c *choice) Type() string   { return "choice" }

func (c *choice) Set(text string) error {
	how, err := data.ParseChoice(text)
	*c = choice(how)
	return err
}

const aboutNormalize = "none, a data set whose own means and deviations are known here, such as cifar10, or MEAN/STD of pixels from 0 to 1, each one number or three"

// normalization is a flag.
type normalization data.Normalization

func (n *normalization) String() string { return data.Normalization(*n).String() }
func (n *normalization) Type() string   { return "MEAN/STD" }

func (n *normalization) Set(text string) error {
	return (*data.Normalization)(n).UnmarshalText([]byte(text))
}

// measures is a flag: names, or none.
type measures []string

func (m *measures) String() string { return strings.Join(*m, ",") }
func (m *measures) Type() string   { return "names" }

func (m *measures) Set(text string) error {
	*m = nil
	if text != "none" && text != "" {
		*m = strings.Split(text, ",")
	}
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
