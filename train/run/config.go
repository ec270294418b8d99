package run

import (
	"errors"
	"fmt"
	"math"

	"largestep/data"
	"largestep/train/schedule"
)

// Config is all that decides what a training computes. Two trainings with equal
// configs, data and engine end with the same bits.
type Config struct {
	Net         string             `json:"net"`                   // as the table of problems names it, or another program
	Width       int                `json:"width"`                 // channels of the first stage
	Dataset     string             `json:"dataset"`               // its name
	TrainSize   int                `json:"train_size"`            // training examples, of images as Subset says
	TestSize    int                `json:"test_size"`             // test examples, likewise
	Subset      data.Choice        `json:"subset,omitempty"`      // which images of a set, the first if empty
	Augment     bool               `json:"augment"`               // random crop with padding 4, and flip
	Normalize   data.Normalization `json:"normalize,omitzero"`    // of images
	Sampling    data.Sampling      `json:"sampling"`              // order of the examples
	Batch       int                `json:"batch"`                 // examples of a mini-batch
	Epochs      int                `json:"epochs"`                //
	Schedule    schedule.Schedule  `json:"schedule"`              // of the step size
	Momentum    float64            `json:"momentum"`              //
	WeightDecay float64            `json:"weight_decay"`          // on all parameters
	Seed        uint64             `json:"seed"`                  // of initial parameters, order and augmentation
	InitSHA256  string             `json:"init_sha256,omitempty"` // checksum of the file of initial parameters
	EvalEvery   int                `json:"eval_every"`            // epochs between evaluations
	Measures    []string           `json:"measures,omitempty"`    // recorded beside the problem's own numbers
	// What measures see that look around the parameters: the first training images,
	// batch norm in "training" or "evaluation" mode, and how many eigenvalues.
	MeasureImages int    `json:"measure_images,omitempty"`
	MeasureMode   string `json:"measure_mode,omitempty"`
	Eigenvalues   int    `json:"eigenvalues,omitempty"`
	// MeasureEvery is of how many steps one measures the curvature along its gradient;
	// 0 for none.
	MeasureEvery int    `json:"measure_every,omitempty"`
	LogSteps     bool   `json:"log_steps"`            // record the loss of every step
	Histograms   bool   `json:"histograms,omitempty"` // record those of weights and of units' activity
	Precision    string `json:"precision"`            // "fp32"; "bf16" of images, "tf32" of images on a GPU, "fp64" of small problems

	// Of the small problems:
	Instance string  `json:"instance,omitempty"` // "paper", or "random" from the seed
	Order    string  `json:"order,omitempty"`    // "paper" for the order of examples in the paper's instance
	Dims     int     `json:"dims,omitempty"`     // length of the vectors
	Nonzeros int     `json:"nonzeros,omitempty"` // of the true parameter
	C        float64 `json:"c,omitempty"`        // weight of the loss against the norm
	Noise    float64 `json:"noise,omitempty"`    // of the labels of least squares, a standard deviation
	Widths   []int   `json:"widths,omitempty"`   // of hidden layers

	// LabelNoise is that on the labels of each mini-batch in the first phase, drawn
	// afresh: the standard deviation of what is added, or of classes the probability
	// with which one becomes any other.
	LabelNoise float64 `json:"label_noise,omitempty"`
	MaxSteps   int     `json:"steps,omitempty"`      // instead of whole epochs
	EvalSteps  int     `json:"eval_steps,omitempty"` // steps between evaluations, instead of epochs

	GradientNoise GradientNoise `json:"gradient_noise,omitzero"` // of small problems
	// SAM is ρ of sharpness-aware minimisation: the gradient is that at θ + ρ g/‖g‖,
	// with the gradient g of the same mini-batch at θ. 0 is plain SGD.
	SAM float64 `json:"sam,omitempty"`
}

// Recording names the options that say what is recorded of a training, and do not change it.
var Recording = []string{
	"log_steps", "histograms", "eval_every", "eval_steps",
	"measures", "measure_images", "measure_mode", "eigenvalues", "measure_every",
}

// maxSteps bounds a training, to what an int32 can count.
const maxSteps = math.MaxInt32

// Validate tells what is wrong with the config, whatever the problem, before
// anything is done.
func (c *Config) Validate() error {
	if c.TrainSize < 1 {
		return fmt.Errorf("%d training examples: want 1 or more", c.TrainSize)
	}
	if c.Batch < 1 || c.Batch > c.TrainSize {
		return fmt.Errorf("batch of %d with %d training examples: want 1 to %[2]d", c.Batch, c.TrainSize)
	}
	if _, err := data.ParseSampling(string(c.Sampling)); err != nil {
		return err
	}
	if _, err := data.ParseChoice(c.Subset.String()); err != nil {
		return err
	}
	if err := c.validateLength(); err != nil {
		return err
	}
	if !(c.Momentum >= 0 && c.Momentum < 1) {
		return fmt.Errorf("momentum %g: want 0 to below 1", c.Momentum)
	}
	if !(c.WeightDecay >= 0) || math.IsInf(c.WeightDecay, 0) {
		return fmt.Errorf("weight decay %g: want 0 or more", c.WeightDecay)
	}
	if !(c.LabelNoise >= 0) || math.IsInf(c.LabelNoise, 0) {
		return fmt.Errorf("label noise %g: want 0 or more", c.LabelNoise)
	}
	if !(c.SAM >= 0) || math.IsInf(c.SAM, 0) {
		return fmt.Errorf("SAM with a radius of %g: want 0 or more", c.SAM)
	}
	if c.SAM > 0 && c.Parts() > 1 {
		return fmt.Errorf("SAM takes both its gradients of one mini-batch, and here %d of %d examples make a step: choose another sampling, or a mini-batch of all examples", c.Parts(), c.Batch)
	}
	if c.MeasureEvery < 0 {
		return fmt.Errorf("curvature measured every %d steps: want 1 or more", c.MeasureEvery)
	}
	if c.MeasureEvery > 0 && (c.Parts() > 1 || c.SAM > 0) {
		return errors.New("the curvature along the gradients of steps is measured where a step is SGD's on one mini-batch: not of several parts, and without SAM")
	}
	if c.Schedule.OfEdge {
		return errors.New("step sizes are multiples of an edge of divergence that is not known yet")
	}
	return c.Schedule.Validate()
}

func (c *Config) validateLength() error {
	if most := maxSteps / max(c.StepsPerEpoch(), 1); c.Epochs > most || c.MaxSteps > maxSteps || c.EvalEvery > most {
		return fmt.Errorf("%d epochs, %d steps, evaluation every %d epochs: at most %d steps", c.Epochs, c.MaxSteps, c.EvalEvery, maxSteps)
	}
	if c.Epochs < 1 || c.MaxSteps < 0 {
		return fmt.Errorf("%d epochs, %d steps: want 1 or more", c.Epochs, c.MaxSteps)
	}
	if c.EvalEvery < 1 {
		return fmt.Errorf("evaluation every %d epochs: want 1 or more", c.EvalEvery)
	}
	if c.EvalSteps < 0 {
		return fmt.Errorf("evaluation every %d steps: want 1 or more", c.EvalSteps)
	}
	return nil
}

// Parts is the number of mini-batches of one step.
func (c *Config) Parts() int {
	if c.Sampling == data.Full {
		return max(c.TrainSize/max(c.Batch, 1), 1)
	}
	return 1
}

// StepExamples is how many examples a step looks at.
func (c *Config) StepExamples() int { return c.Batch * c.Parts() }

// StepsPerEpoch drops an incomplete last mini-batch.
func (c *Config) StepsPerEpoch() int { return c.TrainSize / max(c.Batch, 1) / c.Parts() }

// Steps is the number of steps of the whole training.
func (c *Config) Steps() int {
	if c.MaxSteps > 0 {
		return c.MaxSteps
	}
	return c.Epochs * c.StepsPerEpoch()
}

// CountEpochs sets the epochs to those that MaxSteps, if set, needs.
func (c *Config) CountEpochs() {
	if c.MaxSteps > 0 {
		c.Epochs = (c.MaxSteps-1)/max(c.StepsPerEpoch(), 1) + 1
	}
}

// StepsPerEvaluation is the number of steps between two rows of metrics.csv.
func (c *Config) StepsPerEvaluation() int {
	if c.EvalSteps > 0 {
		return c.EvalSteps
	}
	return c.EvalEvery * c.StepsPerEpoch()
}

// StepSize is η at a step, counted from 0.
func (c *Config) StepSize(step int) float64 { return c.Schedule.StepSize(step, c.Steps()) }

// Noisy tells whether a step is of the first phase, or of the warm-up before it: then
// it has the noise of LabelNoise and GradientNoise.
func (c *Config) Noisy(step int) bool {
	first := 0
	if c.Schedule.WarmsUp() {
		first = 1
	}
	return c.Phase(step) <= first
}

// Phase is the phase of a step, counted from 0.
func (c *Config) Phase(step int) int { return c.Schedule.Phase(step, c.Steps()) }
