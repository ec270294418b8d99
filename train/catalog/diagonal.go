package catalog

import (
	"slices"

	"largestep/metrics/measure"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/instances"
	"largestep/train/problem"
	"largestep/train/run"
)

var diagonal = ofVectors(
	Problem{Name: "diagonal", Title: "Diagonal linear network", About: "diagonal linear network ⟨x, u ⊙ v⟩", Options: []string{"nonzeros"}, Instance: true, AnyOrder: true, Jacobian: true},
	size{examples: 80, dims: 200, stepSize: 0.25, steps: 100_001, change: func(c *run.Config) { c.Nonzeros = 20 }},
	func(c run.Config, kind instances.Kind) (*instances.Problem, error) {
		return instances.Diagonal(kind, instances.DiagonalSize{N: c.TrainSize, D: c.Dims, R: c.Nonzeros}, uint32(c.Seed))
	},
	func(p *smallProblem, i *instances.Problem, c *run.Config) error {
		if c.Order != "" { // other seeds than 0 give other orders
			p.order = instances.Draws(c.TrainSize, c.Steps(), uint32(c.Seed)+1)
		}
		p.Net, p.Fit = nets.Diagonal{U: i.Student[0].Values[0]}, op.Loss{Kind: op.Squared, Scale: 0.5}
		p.JacobianInputs = i.Test.Inputs[:min(2*c.Dims, i.Test.N)*c.Dims]
		p.Measures = slices.Concat(diagonalMeasures(), rankMeasures(measure.RankToleranceDiagonal))
		return nil
	})

// diagonalMeasures look at u and v.
func diagonalMeasures() []problem.Measure {
	uv := func(f func(u, v []float64) float64) func(*problem.State) (float64, error) {
		return func(s *problem.State) (float64, error) {
			u, err := s.Parameter("u")
			if err != nil {
				return 0, err
			}
			v, err := s.Parameter("v")
			return f(u, v), err
		}
	}
	return []problem.Measure{
		{Name: "l0", Of: uv(func(u, v []float64) float64 { return float64(measure.L0(u, v)) })},
		{Name: "l1", Of: uv(measure.L1)},
		{Name: "imbalance", Of: uv(func(u, v []float64) float64 { _, mean := measure.Imbalance(u, v); return mean })},
	}
}
