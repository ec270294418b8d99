package paper

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mat"
	"gorgonia.org/tensor"
	"largestep/data"
	"largestep/metrics/measure"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train"
	"largestep/train/instances"
)

// Small is the default config of a small problem, with a step size that
// converges and without a schedule.
func Small(name string) (train.Config, error) {
	c := train.Config{
		Net: name, Dataset: name, Instance: string(instances.Random), Batch: 1,
		Sampling: data.WithReplacement, EvalEvery: 1, Precision: "fp64",
	}
	set := func(n, d int, stepSize float64, steps int) {
		c.TrainSize, c.Dims, c.StepSize, c.MaxSteps = n, d, stepSize, steps
	}
	switch name {
	case "least-squares":
		set(100, 10, 0.01, 10_000)
		c.Noise = 0.5
	case "svm":
		set(100, 10, 0.001, 20_000)
		c.C = 10
	case "logistic":
		set(100, 10, 0.05, 10_000)
	case "diagonal":
		set(80, 200, 0.25, 100_001)
		c.Nonzeros, c.Instance = 20, string(instances.Paper)
	case "relu":
		set(50, 5, 0.01, 10_000)
		c.Widths = []int{10, 10}
	case "relu-1d":
		set(12, 1, 0.0002, 31_623)
		c.Instance, c.Precision = string(instances.Paper), authorsPrecision
	case "teacher-2":
		set(15, 2, 0.13, 14_126)
		c.Instance, c.Precision = string(instances.Paper), authorsPrecision
	case "teacher-3":
		set(50, 5, 0.011, 10_001)
		c.Instance = string(instances.Paper)
	default:
		return c, fmt.Errorf("unknown net %q: choose one of resnet18, %s", name, strings.Join(train.SmallNets, ", "))
	}
	return c, nil
}

// authorsPrecision is that of the authors' code. Where it is used, rounding
// decides in which of several minima a run at the edge of divergence ends.
const authorsPrecision = "fp32"

// separation of the two classes, in standard deviations of the inputs.
const separation = 2

// Problem makes what a small problem's config describes.
func Problem(c *train.Config) (*SmallProblem, error) {
	kind, err := instances.ParseKind(c.Instance)
	if err != nil {
		return nil, err
	}
	if kind == instances.Paper && slices.Contains([]string{"least-squares", "svm", "logistic", "relu"}, c.Net) {
		return nil, fmt.Errorf("%s: the paper has no instance of it: use --instance random", c.Net)
	}
	if c.Order != "" && (c.Order != "paper" || kind != instances.Paper || c.Sampling != data.WithReplacement) {
		return nil, fmt.Errorf("order %q: only \"paper\", of the paper's instance, and without another sampling", c.Order)
	}
	seed := uint32(c.Seed)
	switch c.Net {
	case "least-squares":
		p, err := instances.LeastSquares(c.TrainSize, c.Dims, c.Noise, seed)
		return linear(c, p, err, op.Loss{Kind: op.Squared, Scale: 1}, 0)
	case "svm":
		if err := instances.CheckC(c.C); err != nil {
			return nil, err
		}
		p, err := instances.TwoClasses(c.TrainSize, c.Dims, separation, seed)
		return linear(c, p, err, op.Loss{Kind: op.Hinge, Scale: c.C}, 1)
	case "logistic":
		p, err := instances.TwoClasses(c.TrainSize, c.Dims, separation, seed)
		return linear(c, p, err, op.Loss{Kind: op.Logistic, Scale: 1}, 0)
	case "diagonal":
		p, err := instances.Diagonal(kind, instances.DiagonalSize{N: c.TrainSize, D: c.Dims, R: c.Nonzeros}, seed)
		return diagonal(c, p, err, seed)
	case "relu-1d":
		p, err := instances.ReLU1D(kind, seed)
		return relu(c, p, err, measure.DuplicateOneInput)
	case "teacher-2":
		p, err := instances.Teacher2(kind, seed)
		return relu(c, p, err, measure.DuplicateConnected)
	case "teacher-3":
		p, err := instances.Teacher3(kind, seed)
		return relu(c, p, err, measure.DuplicateConnected)
	case "relu":
		return freeReLU(c, seed)
	}
	return nil, fmt.Errorf("unknown problem %q", c.Net)
}

// SmallProblem is a problem with the paper's order of its examples, if it is an
// instance of the paper's.
type SmallProblem struct {
	train.Vectors
	order []int32
}

// Order is the example of each step in the paper's runs.
func (p *SmallProblem) Order() []int32 { return p.order }

// problem checks an instance against the config and takes its examples.
func problem(c *train.Config, i *instances.Problem, err error) (*SmallProblem, error) {
	if err != nil {
		return nil, err
	}
	if err := i.Check(); err != nil {
		return nil, err
	}
	if c.TrainSize != i.Train.N || c.Dims != i.Train.D {
		return nil, fmt.Errorf("%s has %d examples of %d numbers, config says %d of %d", c.Net, i.Train.N, i.Train.D, c.TrainSize, c.Dims)
	}
	c.TestSize = i.Test.N
	p := &SmallProblem{order: i.Order}
	p.LabelNoise = c.LabelNoise > 0
	p.Precision = tensor.Float64
	if c.Precision == "fp32" {
		p.Precision = tensor.Float32
	}
	p.Train = train.Sample{X: i.Train.Inputs, Y: i.Train.Labels}
	p.Test = train.Sample{X: i.Test.Inputs, Y: i.Test.Labels}
	return p, nil
}

func linear(c *train.Config, i *instances.Problem, err error, fit op.Loss, norm float64) (*SmallProblem, error) {
	p, err := problem(c, i, err)
	if err != nil {
		return nil, err
	}
	p.Net, p.Fit, p.Norm = nets.Linear{Bias: fit.Kind != op.Squared}, fit, norm
	if fit.Kind == op.Squared {
		best, err := leastSquares(p.Train)
		if err != nil {
			return nil, err
		}
		p.Measures = []train.Measure{{Name: "gap", Of: func(s *train.State) (float64, error) { return max(s.TrainLoss-best, 0), nil }}}
	}
	return p, nil
}

// leastSquares is the least mean squared error of a linear model without bias,
// by QR decomposition.
func leastSquares(s train.Sample) (float64, error) {
	a, b := mat.NewDense(s.Len(), s.Dims(), s.X), mat.NewVecDense(s.Len(), s.Y)
	var x, r mat.VecDense
	if err := x.SolveVec(a, b); err != nil && !errors.As(err, new(mat.Condition)) {
		return 0, fmt.Errorf("closed-form least squares: %w", err)
	}
	r.MulVec(a, &x)
	r.SubVec(&r, b)
	return mat.Dot(&r, &r) / float64(s.Len()), nil
}

func diagonal(c *train.Config, i *instances.Problem, err error, seed uint32) (*SmallProblem, error) {
	p, err := problem(c, i, err)
	if err != nil {
		return nil, err
	}
	if c.Order != "" { // other seeds than 0 give other orders
		p.order = instances.Draws(c.TrainSize, c.Steps(), seed+1)
	}
	p.Net, p.Fit = nets.Diagonal{U: i.Student[0].Values[0]}, op.Loss{Kind: op.Squared, Scale: 0.5}
	p.JacobianInputs = i.Test.Inputs[:min(2*c.Dims, i.Test.N)*c.Dims]
	p.Measures = slices.Concat(diagonalMeasures(), rankMeasures(measure.RankToleranceDiagonal))
	return p, nil
}

func relu(c *train.Config, i *instances.Problem, err error, duplicate float64) (*SmallProblem, error) {
	p, err := problem(c, i, err)
	if err != nil {
		return nil, err
	}
	net := studentNet(i.Student)
	c.Widths = net.Widths
	p.Net, p.Fit = net, op.Loss{Kind: op.Squared, Scale: 1}
	p.JacobianInputs = heldOut(i, parameters(i.Student))
	p.Measures = slices.Concat(rankMeasures(measure.RankTolerance), featureMeasures(len(net.Widths), duplicate))
	if c.Dims == 1 {
		p.Grid = functionGrid(i.Train.Inputs)
		p.Measures = append(p.Measures, functionMeasures(p.Grid)...)
	}
	return p, nil
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

// freeReLU is a network of any widths, with biases, on the random teacher's
// examples.
func freeReLU(c *train.Config, seed uint32) (*SmallProblem, error) {
	i, err := instances.Teacher3(instances.Random, seed)
	p, err := problem(c, i, err)
	if err != nil {
		return nil, err
	}
	bias := slices.Repeat([]bool{true}, len(c.Widths)+1)
	net := &nets.ReLU{Widths: c.Widths, Bias: bias}
	if err := net.Validate(); err != nil {
		return nil, err
	}
	p.Net, p.Fit = net, op.Loss{Kind: op.Squared, Scale: 1}
	p.Measures = featureMeasures(len(net.Widths), measure.DuplicateConnected)
	return p, nil
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
