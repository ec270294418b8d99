package trainer

import (
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/nets"
	"largestep/train/machine"
)

// Problem is a finite sum (1/n) Σ f_i(x): what a training minimises, and how it
// is measured.
type Problem interface {
	// Examples is n.
	Examples() int
	// Dtype is the type of the parameters, float32 or float64.
	Dtype() tensor.Dtype
	// Loss adds to a model the mean of f_i over a mini-batch: the examples that
	// index, an int32 (N) of the model's inputs, lists.
	Loss(m *nets.Model, index *gorgonia.Node) (*gorgonia.Node, error)
	// Meter builds what measures the parameters, on their variables.
	Meter(vars *machine.Variables) (Meter, error)
	// Upload brings the examples to the engine, once all graphs are built.
	Upload(vars *machine.Variables) error
	// Columns names the problem's own columns of metrics.csv.
	Columns() []string
	// Fingerprints are the SHA-256 of the training and of the test examples.
	Fingerprints() (train, test string)
}

// Meter measures the current parameters.
type Meter interface {
	// Begin is called once, at the initial parameters.
	Begin() error
	Measure(l Latest) (Measurement, error)
}

// Latest is what a Meter is told of the steps before.
type Latest struct {
	StepSize float64 // of the last one
	// StepSharpness is the mean gᵀHg/‖g‖² of those since the measurement before that
	// measured it, run.Config.MeasureEvery; NaN if there are none.
	StepSharpness float64
}

// Measurement is what a row of metrics.csv says of the parameters.
type Measurement struct {
	TrainLoss, TrainError float64 // the error is NaN where there are no classes
	TestLoss, TestError   float64
	Own                   []float64 // the problem's own columns
}

// Ordered is a problem that comes with an order of its examples, an index for
// each step of one example, as the paper's instances do.
type Ordered interface {
	Order() []int32
}

// Described is a problem that tells, in the metadata of files of its parameters,
// how to use them.
type Described interface {
	Metadata() map[string]string
}

// Noisy is a problem whose targets can have noise.
type Noisy interface {
	// DrawLabelNoise gives a mini-batch noise of an amount, run.Config.LabelNoise, drawn
	// from the seed at a step of an epoch; with an amount of 0 it has none.
	DrawLabelNoise(b *MiniBatch, amount float64, seed uint64, epoch, step int)
}

// Weighted is a problem that can weigh its terms.
type Weighted interface {
	// WeightedGradient builds what computes Σ weights_i ∇f_i over all examples, for
	// weights whose sum is 0, into a variable for each parameter of the name that
	// sum gives it.
	WeightedGradient(vars *machine.Variables, sum func(parameter string) string) (func(weights []float64) error, error)
}

// Classification is a problem whose loss is a cross-entropy over so many classes.
type Classification interface {
	Classes() int
}
