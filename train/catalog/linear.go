package catalog

import (
	"errors"
	"fmt"

	"gonum.org/v1/gonum/mat"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/instances"
	"largestep/train/problem"
	"largestep/train/run"
)

// separation of the two classes, in standard deviations of the inputs.
const separation = 2

var linearProblems = []Problem{
	ofVectors(
		Problem{Name: "least-squares", Title: "Least squares", About: "linear least squares, with the distance from its closed-form optimum", Options: []string{"noise"}},
		size{examples: 100, dims: 10, stepSize: 0.01, steps: 10_000, change: func(c *run.Config) { c.Noise = 0.5 }},
		func(c run.Config, _ instances.Kind) (*instances.Problem, error) {
			return instances.LeastSquares(c.TrainSize, c.Dims, c.Noise, uint32(c.Seed))
		}, leastSquares),
	ofVectors(
		Problem{Name: "svm", Title: "Support vector machine", About: "support vector machine: hinge losses and the squared norm of the weights", Options: []string{"c"}, Classes: true},
		size{examples: 100, dims: 10, stepSize: 0.001, steps: 20_000, change: func(c *run.Config) { c.C = 10 }},
		func(c run.Config, _ instances.Kind) (*instances.Problem, error) {
			if err := instances.CheckC(c.C); err != nil {
				return nil, err
			}
			return instances.TwoClasses(c.TrainSize, c.Dims, separation, uint32(c.Seed))
		},
		func(p *smallProblem, _ *instances.Problem, c *run.Config) error {
			p.Net, p.Fit, p.Norm = nets.Linear{Bias: true}, op.Loss{Kind: op.Hinge, Scale: c.C}, 1
			return nil
		}),
	ofVectors(
		Problem{Name: "logistic", Title: "Logistic regression", About: "logistic regression of two classes", Classes: true,
			NoEdge: "the logistic loss does not diverge: it only grows in proportion to the step size"},
		size{examples: 100, dims: 10, stepSize: 0.05, steps: 10_000},
		func(c run.Config, _ instances.Kind) (*instances.Problem, error) {
			return instances.TwoClasses(c.TrainSize, c.Dims, separation, uint32(c.Seed))
		},
		func(p *smallProblem, _ *instances.Problem, _ *run.Config) error {
			p.Net, p.Fit = nets.Linear{Bias: true}, op.Loss{Kind: op.Logistic, Scale: 1}
			return nil
		}),
}

func leastSquares(p *smallProblem, _ *instances.Problem, _ *run.Config) error {
	p.Net, p.Fit = nets.Linear{}, op.Loss{Kind: op.Squared, Scale: 1}
	best, err := leastSquaredError(p.Train)
	p.Measures = []problem.Measure{{Name: "gap", Of: func(s *problem.State) (float64, error) { return max(s.TrainLoss-best, 0), nil }}}
	return err
}

// leastSquaredError is the least mean squared error of a linear model without
// bias, by QR decomposition.
func leastSquaredError(s problem.Sample) (float64, error) {
	a, b := mat.NewDense(s.Len(), s.Dims(), s.X), mat.NewVecDense(s.Len(), s.Y)
	var x, r mat.VecDense
	if err := x.SolveVec(a, b); err != nil && !errors.As(err, new(mat.Condition)) {
		return 0, fmt.Errorf("closed-form least squares: %w", err)
	}
	r.MulVec(a, &x)
	r.SubVec(&r, b)
	return mat.Dot(&r, &r) / float64(s.Len()), nil
}
