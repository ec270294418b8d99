package train

import (
	"fmt"
	"math"

	"largestep/data"
	"largestep/nets"
)

// Config is all that decides what a training computes. Two trainings with equal
// configs, data and engine end with the same bits.
type Config struct {
	Net         string        `json:"net"`                   // "resnet18"
	Width       int           `json:"width"`                 // channels of the first stage
	Dataset     string        `json:"dataset"`               // data.NameCIFAR10 or data.NameMadeUp
	TrainSize   int           `json:"train_size"`            // training images, the first of the set
	TestSize    int           `json:"test_size"`             // test images, the first of the set
	Augment     bool          `json:"augment"`               // random crop with padding 4, and flip
	Sampling    data.Sampling `json:"sampling"`              // order of the examples
	Batch       int           `json:"batch"`                 // images of a mini-batch
	Epochs      int           `json:"epochs"`                //
	StepSize    float64       `json:"step_size"`             // of the first phase
	DecayAt     float64       `json:"decay_at,omitempty"`    // fraction of the epochs, if that made the phases
	Phases      []Phase       `json:"phases"`                //
	WarmupExp   float64       `json:"warmup_exp,omitempty"`  // growth of the first phase over a hundredth of the training
	Momentum    float64       `json:"momentum"`              //
	WeightDecay float64       `json:"weight_decay"`          // on all parameters
	Seed        uint64        `json:"seed"`                  // of initial parameters, order and augmentation
	Init        string        `json:"init_sha256,omitempty"` // checksum of the file of initial parameters
	EvalEvery   int           `json:"eval_every"`            // epochs between evaluations
	LogSteps    bool          `json:"log_steps"`             // record the loss of every step
	Precision   string        `json:"precision"`             // "fp32"
}

// Validate tells what is wrong with the config before anything is done.
func (c *Config) Validate() error {
	if _, err := c.net(2); err != nil {
		return err
	}
	if _, err := data.ParseSampling(string(c.Sampling)); err != nil {
		return err
	}
	if c.Epochs < 1 {
		return fmt.Errorf("%d epochs: want 1 or more", c.Epochs)
	}
	if c.EvalEvery < 1 {
		return fmt.Errorf("evaluation every %d epochs: want 1 or more", c.EvalEvery)
	}
	if c.TrainSize < 1 || c.TestSize < 1 {
		return fmt.Errorf("%d training and %d test images: want 1 or more of each", c.TrainSize, c.TestSize)
	}
	if c.Batch < 2 || c.Batch > c.TrainSize {
		return fmt.Errorf("batch of %d with %d training images: want 2 to %[2]d (batch norm needs two)", c.Batch, c.TrainSize)
	}
	if !(c.Momentum >= 0 && c.Momentum < 1) {
		return fmt.Errorf("momentum %g: want 0 to below 1", c.Momentum)
	}
	if !(c.WeightDecay >= 0) || math.IsInf(c.WeightDecay, 0) {
		return fmt.Errorf("weight decay %g: want 0 or more", c.WeightDecay)
	}
	if c.Precision != "fp32" {
		return fmt.Errorf("precision %q: this build has fp32", c.Precision)
	}
	return c.schedule().Validate()
}

// net is the network of an image classifier.
func (c *Config) net(classes int) (nets.Net, error) {
	if c.Net != "resnet18" {
		return nil, fmt.Errorf("unknown net %q: this build has resnet18", c.Net)
	}
	return nets.NewResNet18(c.Width, classes)
}

// images is the problem of an image classifier.
func (c *Config) images(set *data.Dataset) (*Images, error) {
	net, err := c.net(len(set.Train.Classes))
	if err != nil {
		return nil, err
	}
	if n := set.Test.Len(); n != c.TestSize {
		return nil, fmt.Errorf("%d test images, config says %d", n, c.TestSize)
	}
	return &Images{Net: net, Data: set, Augment: c.Augment}, nil
}

func (c *Config) schedule() Schedule { return Schedule{Phases: c.Phases, WarmupExp: c.WarmupExp} }

// parts is the number of mini-batches of one step.
func (c *Config) parts() int {
	if c.Sampling == data.Full {
		return c.TrainSize / c.Batch
	}
	return 1
}

// stepsPerEpoch drops an incomplete last mini-batch.
func (c *Config) stepsPerEpoch() int { return c.TrainSize / c.Batch / c.parts() }

// Steps is the number of steps of the whole training.
func (c *Config) Steps() int { return c.Epochs * c.stepsPerEpoch() }

// stepsPerEvaluation is the number of steps between two rows of metrics.csv.
func (c *Config) stepsPerEvaluation() int { return c.EvalEvery * c.stepsPerEpoch() }
