package catalog

import (
	"fmt"
	"slices"
	"strings"

	"largestep/metrics/measure"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/instances"
	"largestep/train/run"
)

var reluProblems = []Problem{
	ofVectors(
		Problem{Name: "relu", Title: "ReLU network", Hidden: true, About: "ReLU network of any widths on examples of a random teacher", Options: []string{"widths"}},
		size{examples: 50, dims: 5, stepSize: 0.01, steps: 10_000, change: func(c *run.Config) { c.Widths = []int{10, 10} }},
		func(c run.Config, _ instances.Kind) (*instances.Problem, error) {
			return instances.Taught(c.TrainSize, c.Dims, uint32(c.Seed))
		}, freeReLU),
	ofVectors(
		Problem{Name: "relu-1d", Title: "ReLU network in one dimension", Hidden: true, Jacobian: true, About: "two-layer ReLU network on twelve points of a line", Instance: true,
			Precisions: []string{authorsPrecision, "fp64"}},
		size{examples: 12, dims: 1, stepSize: 0.0002, steps: 31_623},
		func(c run.Config, kind instances.Kind) (*instances.Problem, error) {
			return instances.ReLU1D(kind, uint32(c.Seed))
		}, student(measure.DuplicateOneInput)),
	ofVectors(
		Problem{Name: "teacher-2", Title: "Two-layer teacher and student", Hidden: true, Jacobian: true, About: "two-layer ReLU student of a small teacher", Instance: true,
			Precisions: []string{authorsPrecision, "fp64"}},
		size{examples: 15, dims: 2, stepSize: 0.13, steps: 14_126},
		func(c run.Config, kind instances.Kind) (*instances.Problem, error) {
			return instances.Teacher2(kind, uint32(c.Seed))
		}, student(measure.DuplicateConnected)),
	ofVectors(
		Problem{Name: "teacher-3", Title: "Three-layer teacher and student", Hidden: true, Jacobian: true, About: "three-layer ReLU student of a small teacher", Instance: true},
		size{examples: 50, dims: 5, stepSize: 0.011, steps: 10_001},
		func(c run.Config, kind instances.Kind) (*instances.Problem, error) {
			return instances.Teacher3(kind, uint32(c.Seed))
		}, student(measure.DuplicateConnected)),
}

// student fills the problem of an instance's student; units that correlate above
// duplicate count as the same.
func student(duplicate float64) func(*smallProblem, *instances.Problem, *run.Config) error {
	return func(p *smallProblem, i *instances.Problem, c *run.Config) error {
		net := studentNet(i.Student)
		c.Widths = net.Widths
		p.Net, p.Fit = net, op.Loss{Kind: op.Squared, Scale: 1}
		p.JacobianInputs = heldOut(i, parameters(i.Student))
		p.Measures = slices.Concat(rankMeasures(measure.RankTolerance), featureMeasures(len(net.Widths), duplicate))
		if c.Dims == 1 {
			p.Grid = functionGrid(i.Train.Inputs)
			p.Measures = append(p.Measures, functionMeasures(p.Grid)...)
		}
		return nil
	}
}

// freeReLU is a network of any widths, with biases.
func freeReLU(p *smallProblem, _ *instances.Problem, c *run.Config) error {
	bias := slices.Repeat([]bool{true}, len(c.Widths)+1)
	net := &nets.ReLU{Widths: c.Widths, Bias: bias}
	if err := net.Validate(); err != nil {
		return err
	}
	p.Net, p.Fit = net, op.Loss{Kind: op.Squared, Scale: 1}
	p.Measures = featureMeasures(len(net.Widths), measure.DuplicateConnected)
	return nil
}

// functionGrid is where a function of one variable is recorded: 81 points, a
// little beyond the examples.
func functionGrid(x []float64) []float64 {
	low, high := slices.Min(x), slices.Max(x)
	margin := float64(0.08 * (high - low)) // not to be fused, see package op
	return evenly(low-margin, high+margin, 81)
}

func evenly(low, high float64, n int) []float64 {
	grid := make([]float64, n)
	for k := range grid {
		grid[k] = low + (high-low)*float64(k)/float64(n-1)
	}
	return grid
}

// studentNet is the network that the parameters, weights and biases layer by
// layer, belong to.
func studentNet(student []instances.Parameter) *nets.ReLU {
	net := &nets.ReLU{Initial: map[string][]float64{}}
	for layer := 0; len(student) > 0; layer++ {
		w := student[0]
		student = student[1:]
		net.Initial[fmt.Sprintf("layers.%d.weight", layer)] = w.Values
		bias := len(student) > 0 && strings.HasSuffix(student[0].Name, "bias")
		if bias {
			net.Initial[fmt.Sprintf("layers.%d.bias", layer)] = student[0].Values
			student = student[1:]
		}
		net.Bias = append(net.Bias, bias)
		if len(student) > 0 {
			net.Widths = append(net.Widths, w.Shape[0])
		}
	}
	return net
}

func parameters(student []instances.Parameter) int {
	n := 0
	for _, p := range student {
		n += len(p.Values)
	}
	return n
}

// heldOut are as many inputs as there are parameters: the first test inputs, or
// where there are none uniform ones over the points' range, as in the authors'
// code.
func heldOut(i *instances.Problem, n int) []float64 {
	if i.Test.N >= n {
		return i.Test.Inputs[:n*i.Test.D]
	}
	return instances.Inputs1D(instances.SeedReLU1D, n)
}
