package train

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"largestep/data"
	"largestep/metrics"
	"largestep/metrics/atomicfile"
	"largestep/nets/op"
)

// Environment is what a config does not say of how a run was made.
type Environment struct {
	Version     string `json:"version"` // of largestep
	Go          string `json:"go"`
	Engine      string `json:"engine"`
	Device      string `json:"device"`
	Threads     int    `json:"threads,omitempty"`
	DataDir     string `json:"data_dir,omitempty"`
	TrainSHA256 string `json:"train_sha256"` // of the training images used
	TestSHA256  string `json:"test_sha256"`
}

// ConfigFile is the content of a run folder's config.json.
type ConfigFile struct {
	Config
	Environment Environment `json:"environment"`
}

// Options are a training to be done.
type Options struct {
	Config      Config
	Environment Environment
	Dir         string // the run folder
	// Resume goes on from the folder's latest checkpoint, if there is a run in
	// it; else the folder must be new or empty.
	Resume bool
	Init   string        // safetensors file of initial parameters, or ""
	Data   *data.Dataset // of an image classifier: Config.TrainSize and Config.TestSize images
	// Problem is what is minimised; nil for the classification of Data.
	Problem Problem
	Engine  op.Engine
	// CheckpointEvery is the least time between two checkpoints, which are
	// taken after evaluations.
	CheckpointEvery time.Duration
	Hooks           Hooks
}

// Hooks let a progress bar follow a training. Nil ones are not called.
type Hooks struct {
	Start func(c Config, step int) // before the first step, or the first one resumed
	Step  func(p Progress)         // a few times a second
	Row   func(row metrics.Row)    // after each evaluation
}

// Progress is where a training is.
type Progress struct {
	Step, Steps     int
	Loss            float64 // of the latest mini-batch
	ImagesPerSecond float64 // since the last row
}

// ErrInterrupted is what Run returns when its context ends; the run folder holds
// a checkpoint of that very step.
var ErrInterrupted = errors.New("interrupted")

// Run trains and leaves its records in the run folder. Divergence is a state of
// the records and no error.
func Run(ctx context.Context, o Options) (metrics.Status, error) {
	if err := o.check(); err != nil {
		return metrics.Status{}, err
	}
	if status, done, err := o.prepareDir(); done || err != nil {
		return status, err
	}
	t, err := newTrainer(o)
	if err != nil {
		return metrics.Status{}, err
	}
	status, err := t.run(ctx)
	if err != nil && !errors.Is(err, ErrInterrupted) {
		t.records.log.Printf("failed: %v", err)
	}
	return status, cmp.Or(err, t.records.close())
}

func (o *Options) check() error {
	if err := o.Config.Validate(); err != nil {
		return err
	}
	if o.Problem == nil {
		p, err := o.Config.images(o.Data)
		if err != nil {
			return err
		}
		o.Problem = p
	}
	if n := o.Problem.Examples(); n != o.Config.TrainSize {
		return fmt.Errorf("%d training examples, config says %d", n, o.Config.TrainSize)
	}
	if o.Config.Order != "" {
		p, ok := o.Problem.(Ordered)
		if want := o.Config.Steps() * o.Config.Batch; !ok || len(p.Order()) < want {
			return fmt.Errorf("order %q: this instance has none for %d steps", o.Config.Order, want)
		}
	}
	o.Environment.TrainSHA256, o.Environment.TestSHA256 = o.Problem.Fingerprints()
	o.Config.Init = ""
	if o.Init != "" {
		sum, err := FileChecksum(o.Init)
		if err != nil {
			return err
		}
		o.Config.Init = sum
	}
	return nil
}

// prepareDir makes the run folder, or finds in it the run to resume; done tells
// that there is nothing left to train.
func (o *Options) prepareDir() (status metrics.Status, done bool, err error) {
	old, err := ReadConfig(o.Dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return metrics.Status{}, false, o.createDir()
	case err != nil:
		return status, false, err
	case !o.Resume:
		return status, false, fmt.Errorf("%s holds a run: go on with --resume, or choose another folder with --out", o.Dir)
	}
	if err := o.matches(old); err != nil {
		return status, false, fmt.Errorf("%s holds another run: %w: choose another folder with --out", o.Dir, err)
	}
	if err := atomicfile.Clean(o.Dir); err != nil {
		return status, false, err
	}
	status, err = metrics.ReadStatus(o.Dir)
	done = status.State == metrics.Finished || status.State == metrics.Diverged
	return status, done, err
}

// ReadConfig reads the config of a run folder; the error wraps fs.ErrNotExist if
// there is none.
func ReadConfig(dir string) (*ConfigFile, error) {
	path := filepath.Join(dir, metrics.ConfigFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var c ConfigFile
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &c, nil
}

func (o *Options) createDir() error {
	files, err := os.ReadDir(o.Dir)
	if err == nil && len(files) > 0 {
		return fmt.Errorf("%s is not empty and holds no run: choose another folder with --out", o.Dir)
	}
	if err := os.MkdirAll(o.Dir, 0o777); err != nil {
		return err
	}
	b, err := json.MarshalIndent(ConfigFile{o.Config, o.Environment}, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(filepath.Join(o.Dir, metrics.ConfigFile), append(b, '\n'))
}

// matches tells in what the run of a folder differs from the one to be done.
func (o *Options) matches(old *ConfigFile) error {
	if old.Environment.TrainSHA256 != o.Environment.TrainSHA256 || old.Environment.TestSHA256 != o.Environment.TestSHA256 {
		return errors.New("its examples are others")
	}
	a, b := reflect.ValueOf(old.Config), reflect.ValueOf(o.Config)
	for i := range a.NumField() {
		if !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			name := a.Type().Field(i).Tag.Get("json")
			return fmt.Errorf("%s is %v there, %v here", firstOf(name), a.Field(i), b.Field(i))
		}
	}
	return nil
}

// firstOf is the name in a JSON tag.
func firstOf(tag string) string {
	for i, c := range tag {
		if c == ',' {
			return tag[:i]
		}
	}
	return tag
}
