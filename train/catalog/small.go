package catalog

import (
	"fmt"
	"slices"

	"gorgonia.org/tensor"
	"largestep/data"
	"largestep/train/instances"
	"largestep/train/problem"
	"largestep/train/run"
	"largestep/train/schedule"
	"largestep/train/trainer"
)

// smallProblem is a problem with the paper's order of its examples, if it is an
// instance of the paper's.
type smallProblem struct {
	problem.Vectors
	order []int32
}

// Order is the example of each step in the paper's runs.
func (p *smallProblem) Order() []int32 { return p.order }

// size is what a small problem is trained with when nobody asks for else, with a
// step size that converges.
type size struct {
	examples, dims int
	stepSize       float64
	steps          int
	change         func(*run.Config) // nil for none
}

// authorsPrecision is that of the authors' code. Where it is used, rounding
// decides in which of several minima a run at the edge of divergence ends.
const authorsPrecision = "fp32"

// ofVectors completes the entry of a small problem. The function fills the
// problem, whose examples are those of the instance, and may complete the config.
func ofVectors(p Problem, s size, instance func(run.Config, instances.Kind) (*instances.Problem, error), fill func(*smallProblem, *instances.Problem, *run.Config) error) Problem {
	p.Options = append([]string{"instance", "order", "dims", "gradient_noise"}, p.Options...)
	p.Evaluations = 50
	if p.Precisions == nil {
		p.Precisions = []string{"fp64", "fp32"}
	}
	p.Defaults = func(Circumstances) run.Config {
		c := run.Config{
			Net: p.Name, Dataset: p.Name, Instance: string(instances.Random), Batch: 1, Sampling: data.WithReplacement, EvalEvery: 1,
			Precision: p.Precisions[0], TrainSize: s.examples, Dims: s.dims, Schedule: schedule.Constant(s.stepSize), MaxSteps: s.steps,
			Measures: defaultMeasures(false),
		}
		if p.Instance {
			c.Instance = string(instances.Paper)
		}
		if s.change != nil {
			s.change(&c)
		}
		c.CountEpochs()
		return c
	}
	p.Make = func(c run.Config, _ *data.Dataset, more ...problem.Measure) (trainer.Problem, run.Config, error) {
		kind, err := p.kind(c)
		if err != nil {
			return nil, c, err
		}
		i, err := instance(c, kind)
		if err != nil {
			return nil, c, err
		}
		made, err := examples(&c, i)
		if err != nil {
			return nil, c, err
		}
		if err := fill(made, i, &c); err != nil {
			return nil, c, err
		}
		made.Around = p.around(&c)
		made.Measures = slices.Concat(made.Measures, chosen(p, c), more)
		return made, c, nil
	}
	return p
}

// kind is that of the instance, if there are such ones.
func (p Problem) kind(c run.Config) (instances.Kind, error) {
	kind, err := instances.ParseKind(c.Instance)
	if err != nil {
		return kind, err
	}
	if kind == instances.Paper && !p.Instance {
		return kind, fmt.Errorf("%s: the paper has no instance of it, only random ones can be made", p.Name)
	}
	if c.Order != "" && (c.Order != "paper" || kind != instances.Paper || c.Sampling != data.WithReplacement) {
		return kind, fmt.Errorf("order %q: only \"paper\", of the paper's instance, and without another sampling", c.Order)
	}
	return kind, nil
}

// examples checks an instance against the config and takes its examples.
func examples(c *run.Config, i *instances.Problem) (*smallProblem, error) {
	if err := i.Check(); err != nil {
		return nil, err
	}
	if c.TrainSize != i.Train.N || c.Dims != i.Train.D {
		return nil, fmt.Errorf("%s has %d examples of %d numbers, config says %d of %d", c.Net, i.Train.N, i.Train.D, c.TrainSize, c.Dims)
	}
	c.TestSize = i.Test.N
	p := &smallProblem{order: i.Order}
	p.LabelNoise = c.LabelNoise > 0
	p.Precision = tensor.Float64
	if c.Precision == "fp32" {
		p.Precision = tensor.Float32
	}
	p.Train = problem.Sample{X: i.Train.Inputs, Y: i.Train.Labels}
	p.Test = problem.Sample{X: i.Test.Inputs, Y: i.Test.Labels}
	return p, nil
}
