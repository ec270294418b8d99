package catalog

import (
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
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
	best := leastSquaredError(p.Train)
	p.Measures = []problem.Measure{{Name: "gap", Of: func(s *problem.State) (float64, error) { return max(s.TrainLoss-best, 0), nil }}}
	return nil
}

// leastSquaredError is the least mean squared error of a linear model without
// bias on examples in general position, as random ones are. The QR decomposition
// of [X y] ends in the distance of y from the columns of X; without Q it takes no
// more memory than the examples.
func leastSquaredError(s problem.Sample) float64 {
	n, d := s.Len(), s.Dims()
	if n <= d {
		return 0
	}
	a := blas64.General{Rows: n, Cols: d + 1, Stride: d + 1, Data: make([]float64, 0, n*(d+1))}
	for i, y := range s.Y {
		a.Data = append(append(a.Data, s.X[i*d:(i+1)*d]...), y)
	}
	work := make([]float64, 1)
	lapack64.Geqrf(a, make([]float64, d+1), work, -1)
	work = make([]float64, int(work[0]))
	lapack64.Geqrf(a, make([]float64, d+1), work, len(work))
	distance := a.Data[d*a.Stride+d]
	return distance * distance / float64(n)
}
