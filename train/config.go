package train

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"largestep/data"
	"largestep/nets"
	"largestep/nets/op"
)

// Config is all that decides what a training computes. Two trainings with equal
// configs, data and engine end with the same bits.
type Config struct {
	Net         string        `json:"net"`                   // ResNet18 or one of SmallNets
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
	WarmupGain  float64       `json:"warmup_gain,omitempty"` // or to 1 + gain·(t/T)^power
	WarmupPower float64       `json:"warmup_power,omitempty"`
	Momentum    float64       `json:"momentum"`              //
	WeightDecay float64       `json:"weight_decay"`          // on all parameters
	Seed        uint64        `json:"seed"`                  // of initial parameters, order and augmentation
	Init        string        `json:"init_sha256,omitempty"` // checksum of the file of initial parameters
	EvalEvery   int           `json:"eval_every"`            // epochs between evaluations
	Sparsity    bool          `json:"sparsity,omitempty"`    // measure the sparsity of an image classifier's features
	LogSteps    bool          `json:"log_steps"`             // record the loss of every step
	Precision   string        `json:"precision"`             // "fp32"; "tf32" and "bf16" of images on a GPU, "fp64" of small problems

	// Of the small problems:
	Instance string  `json:"instance,omitempty"` // "paper", or "random" from the seed
	Order    string  `json:"order,omitempty"`    // "paper" for the order of examples in the paper's instance
	Dims     int     `json:"dims,omitempty"`     // length of the vectors
	Nonzeros int     `json:"nonzeros,omitempty"` // of the true parameter
	C        float64 `json:"c,omitempty"`        // weight of the loss against the norm
	Noise    float64 `json:"noise,omitempty"`    // of the labels of least squares, a standard deviation
	Widths   []int   `json:"widths,omitempty"`   // of hidden layers
	// LabelNoise is the standard deviation of what is added to the labels of each
	// mini-batch in the first phase, drawn afresh.
	LabelNoise float64 `json:"label_noise,omitempty"`
	MaxSteps   int     `json:"steps,omitempty"`      // instead of whole epochs
	EvalSteps  int     `json:"eval_steps,omitempty"` // steps between evaluations, instead of epochs
}

// maxSteps bounds a training, to what an int32 can count.
const maxSteps = math.MaxInt32

// Validate tells what is wrong with the config before anything is done.
func (c *Config) Validate() error {
	if err := c.validateNet(); err != nil {
		return err
	}
	if _, err := data.ParseSampling(string(c.Sampling)); err != nil {
		return err
	}
	if most := maxSteps / max(c.stepsPerEpoch(), 1); c.Epochs > most || c.MaxSteps > maxSteps || c.EvalEvery > most {
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
	if !(c.Momentum >= 0 && c.Momentum < 1) {
		return fmt.Errorf("momentum %g: want 0 to below 1", c.Momentum)
	}
	if !(c.WeightDecay >= 0) || math.IsInf(c.WeightDecay, 0) {
		return fmt.Errorf("weight decay %g: want 0 or more", c.WeightDecay)
	}
	return c.schedule().Validate()
}

// validateNet checks what depends on the kind of problem.
func (c *Config) validateNet() error {
	least := 1
	if c.Net == ResNet18 {
		if _, err := c.net(2); err != nil {
			return err
		}
		if c.TestSize < 1 {
			return fmt.Errorf("%d test images: want 1 or more", c.TestSize)
		}
		least = 2 // batch norm needs two images
	} else if !slices.Contains(SmallNets, c.Net) {
		return fmt.Errorf("unknown net %q: choose one of %s, %s", c.Net, ResNet18, strings.Join(SmallNets, ", "))
	} else if c.Augment {
		return fmt.Errorf("%s has no images to augment", c.Net)
	} else if c.Seed > math.MaxUint32 {
		return fmt.Errorf("seed %d: at most %d for a small problem", c.Seed, uint32(math.MaxUint32))
	}
	if c.TrainSize < 1 {
		return fmt.Errorf("%d training examples: want 1 or more", c.TrainSize)
	}
	if c.Batch < least || c.Batch > c.TrainSize {
		return fmt.Errorf("batch of %d with %d training examples: want %d to %[2]d", c.Batch, c.TrainSize, least)
	}
	if !(c.LabelNoise >= 0) || math.IsInf(c.LabelNoise, 0) {
		return fmt.Errorf("label noise %g: want 0 or more", c.LabelNoise)
	}
	if classes := []string{ResNet18, "svm", "logistic"}; c.LabelNoise > 0 && slices.Contains(classes, c.Net) {
		return fmt.Errorf("%s has classes, to which no noise can be added", c.Net)
	}
	return CheckPrecision(c.Net, c.Precision)
}

// CheckPrecision refuses a number format that no engine has for the net.
func CheckPrecision(net, precision string) error {
	has := []string{"fp64", "fp32"}
	if net == ResNet18 {
		has = []string{"fp32", "tf32", "bf16"}
	}
	if !slices.Contains(has, precision) {
		return fmt.Errorf("precision %q: %s has %s", precision, net, strings.Join(has, ", "))
	}
	return nil
}

// ResNet18 is the name of the image classifier.
const ResNet18 = "resnet18"

// SmallNets are the problems beside ResNet-18.
var SmallNets = []string{"least-squares", "svm", "logistic", "diagonal", "relu", "relu-1d", "teacher-2", "teacher-3"}

// net is the network of an image classifier.
func (c *Config) net(classes int) (nets.Net, error) {
	if c.Net != ResNet18 {
		return nil, fmt.Errorf("%s is no classifier of images: choose resnet18", c.Net)
	}
	return nets.NewResNet18(c.Width, classes)
}

// Images is the problem of an image classifier.
func (c *Config) Images(set *data.Dataset) (*Images, error) {
	net, err := c.net(len(set.Train.Classes))
	if err != nil {
		return nil, err
	}
	if n := set.Test.Len(); n != c.TestSize {
		return nil, fmt.Errorf("%d test images, config says %d", n, c.TestSize)
	}
	return &Images{Net: net, Data: set, Augment: c.Augment, Sparsity: c.Sparsity}, nil
}

func (c *Config) stepOptions() StepOptions {
	return StepOptions{Batch: c.Batch, Parts: c.parts(), SGD: op.SGD{Momentum: c.Momentum, WeightDecay: c.WeightDecay}}
}

func (c *Config) schedule() Schedule {
	return Schedule{Phases: c.Phases, WarmupExp: c.WarmupExp, WarmupGain: c.WarmupGain, WarmupPower: c.WarmupPower}
}

// parts is the number of mini-batches of one step.
func (c *Config) parts() int {
	if c.Sampling == data.Full {
		return max(c.TrainSize/max(c.Batch, 1), 1)
	}
	return 1
}

// StepExamples is how many examples a step looks at.
func (c *Config) StepExamples() int { return c.Batch * c.parts() }

// stepsPerEpoch drops an incomplete last mini-batch.
func (c *Config) stepsPerEpoch() int { return c.TrainSize / max(c.Batch, 1) / c.parts() }

// Steps is the number of steps of the whole training.
func (c *Config) Steps() int {
	if c.MaxSteps > 0 {
		return c.MaxSteps
	}
	return c.Epochs * c.stepsPerEpoch()
}

// CountEpochs sets the epochs to those that MaxSteps, if set, needs.
func (c *Config) CountEpochs() {
	if c.MaxSteps > 0 {
		c.Epochs = (c.MaxSteps-1)/max(c.stepsPerEpoch(), 1) + 1
	}
}

// stepsPerEvaluation is the number of steps between two rows of metrics.csv.
func (c *Config) stepsPerEvaluation() int {
	if c.EvalSteps > 0 {
		return c.EvalSteps
	}
	return c.EvalEvery * c.stepsPerEpoch()
}
