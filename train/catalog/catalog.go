// Package catalog is the table of what can be trained by name. An entry is a
// literal that says all that the rest of the program asks of a problem; to add
// one, write it in a file here and list it in Problems.
package catalog

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"largestep/data"
	"largestep/metrics/record"
	"largestep/nets"
	"largestep/train/problem"
	"largestep/train/run"
	"largestep/train/trainer"
)

// Problem is an entry of the table.
type Problem struct {
	Name  string
	Title string // as figures call it
	About string // in a line
	// Options are what it takes of run.Config beside what all problems take, by
	// their names in config.json.
	Options    []string
	Precisions []string // number formats, the default first
	Defaults   func(Circumstances) run.Config
	// Make makes the problem, and completes the config with what it decides, such
	// as the sizes of an instance. The data set is that of problems that Read one;
	// more measures are recorded beside those of the config.
	Make func(c run.Config, set *data.Dataset, more ...problem.Measure) (trainer.Problem, run.Config, error)
	// Net is the network alone, of a problem that classifies images.
	Net func(width, classes int) (nets.Net, error)
	// First and Last are the weights of its first convolution and of its last
	// layer, from whose shapes a file's width and classes are read.
	First, Last string

	Part string // what figures number its features by, "stage" for instance; "layer" if empty
	Pool int    // the feature, counted from 1, that is the average pool; 0 for none

	// Evaluations is how many rows a training records that nobody gives another
	// interval; 0 for one an epoch.
	Evaluations int

	Classes  bool   // its targets are classes, which label noise makes others
	Coupled  bool   // batch norm couples the examples of a mini-batch
	Long     bool   // a whole training is too long to try step sizes with
	NoEdge   string // why no step size diverges without weight decay; "" if some do
	Instance bool   // the paper has an instance of it
	Hidden   bool   // it has hidden layers, of vectors
	Jacobian bool   // there are inputs at which to look at the Jacobian
	// AnyOrder tells that the paper's order of the examples is drawn from a seed,
	// so that there are others like it.
	AnyOrder bool
}

// Circumstances are what defaults depend on.
type Circumstances struct {
	Engine  string // its name
	Dataset string // its name, of a problem that reads one
}

// Problems is the table.
var Problems = slices.Concat([]Problem{resNet18, resNet34, vgg16}, linearProblems, []Problem{diagonal}, reluProblems)

// Find looks a problem up.
func Find(name string) (Problem, error) {
	var names []string
	for _, p := range Problems {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Problem{}, fmt.Errorf("unknown net %q: choose one of %s", name, strings.Join(names, ", "))
}

// Reads tells whether the problem is one of a data set of images.
func (p Problem) Reads() bool { return p.Net != nil }

// Validate tells what is wrong with a config of the problem before anything is
// done.
func (p Problem) Validate(c run.Config) error {
	if p.Coupled && c.TrainSize == 1 {
		return errors.New("1 training examples: want 2 or more")
	}
	if err := c.Validate(); err != nil {
		return err
	}
	if p.Coupled && c.Batch < 2 {
		return fmt.Errorf("batch of %d with %d training examples: want 2 to %[2]d", c.Batch, c.TrainSize)
	}
	if c.LabelNoise > 1 && p.Classes {
		return fmt.Errorf("label noise %g: %s has classes, so that it is a probability: want 0 to 1", c.LabelNoise, p.Name)
	}
	if !c.GradientNoise.IsZero() && p.Reads() {
		return fmt.Errorf("gradient noise %v: only small problems take it, not %s", c.GradientNoise, p.Name)
	}
	if err := p.CheckPrecision(c.Precision); err != nil {
		return err
	}
	if err := checkMeasures(p, c); err != nil {
		return err
	}
	if p.Reads() {
		return p.validateImages(c)
	}
	if c.Augment {
		return fmt.Errorf("%s has no images to augment", p.Name)
	}
	if c.Seed > math.MaxUint32 {
		return fmt.Errorf("seed %d: at most %d for a small problem", c.Seed, uint32(math.MaxUint32))
	}
	return nil
}

// CheckPrecision refuses a number format that no engine has for the problem.
func (p Problem) CheckPrecision(precision string) error {
	if !slices.Contains(p.Precisions, precision) {
		return fmt.Errorf("precision %q: %s has %s", precision, p.Name, strings.Join(p.Precisions, ", "))
	}
	return nil
}

// CheckEdge tells why there is no edge of divergence to search for.
func (p Problem) CheckEdge(c run.Config) error {
	if p.NoEdge != "" && c.WeightDecay == 0 {
		return fmt.Errorf("%s, so that there is no edge", p.NoEdge)
	}
	return nil
}

// shortRun is the number of steps within which a step size must diverge, where
// whole trainings would take too long.
const shortRun = 500

// EdgeSteps is within how many steps a step size must diverge.
func (p Problem) EdgeSteps(c *run.Config) int {
	if p.Long {
		return min(c.Steps(), shortRun)
	}
	return c.Steps()
}

// Open reads the records of a run folder, for figures and tables, with titles.
func Open(dir string) (*record.Run, error) { return OpenFrom(os.ReadFile, dir) }

// OpenFrom is Open where files are read in another way.
func OpenFrom(read record.ReadFile, dir string) (*record.Run, error) {
	r, err := run.OpenFrom(read, dir)
	if err != nil {
		return nil, err
	}
	if p, err := Find(r.Config.Net); err == nil { // else of another program
		r.Config.NetTitle, r.Config.Part, r.Config.Pool = p.Title, p.Part, p.Pool
		if r.Config.Dataset == p.Name { // made for it
			r.Config.DatasetTitle = p.Title
		}
	}
	if r.Config.DatasetTitle == "" {
		r.Config.DatasetTitle = data.SetNamed(r.Config.Dataset).Title
	}
	return r, nil
}
