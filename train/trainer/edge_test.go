package trainer_test

import (
	"context"
	"testing"

	"largestep/data"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/problem"
	"largestep/train/run"
	"largestep/train/schedule"
	"largestep/train/trainer"
)

// For gradient descent on a quadratic the edge is 2 over the largest curvature.
func TestEdgeOfQuadratic(t *testing.T) {
	// ½·mean((w₁x₁ + w₂x₂ − y)²) with rows (√6, 0) and (0, √2): curvatures 3, 1.
	p := &problem.Vectors{Net: nets.Linear{}, Fit: op.Loss{Kind: op.Squared, Scale: 0.5}, Train: problem.Sample{
		X: []float64{2.449489742783178, 0, 0, 1.4142135623730951}, Y: []float64{1, 1},
	}}
	e := trainer.Edge{
		Engine: op.Reference{}, Problem: p, Steps: 2000, Tolerance: 0.005,
		Config: run.Config{
			Net: "least-squares", TrainSize: 2, Batch: 2, Epochs: 1, Schedule: schedule.Constant(0.01),
			EvalEvery: 1, Sampling: data.Full, Precision: "fp64",
		},
	}
	got, err := e.Find(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if want := 2.0 / 3; got < want/1.02 || got > want*1.02 {
		t.Errorf("edge %g, want %g", got, want)
	}
}
