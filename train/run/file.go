package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"largestep/metrics/atomicfile"
	"largestep/metrics/record"
	"largestep/train/schedule"
)

// Format is the version of config.json and of the metadata of checkpoints. Format 1, which did
// not say so, is read as well.
const Format = 2

// Environment is what a config does not say of how a run was made.
type Environment struct {
	Version string `json:"version"`           // of largestep
	Commit  string `json:"commit,omitempty"`  // that it was built from
	Command string `json:"command,omitempty"` // that began the run
	Host    string `json:"host,omitempty"`
	Go      string `json:"go"`
	Engine  string `json:"engine"`
	Device  string `json:"device"`
	Threads int    `json:"threads,omitempty"`
	DataDir string `json:"data_dir,omitempty"`
	Init    string `json:"init,omitempty"` // path of the file of initial parameters
	// Edge is that of divergence, if step sizes were given relative to it.
	Edge        float64 `json:"edge,omitempty"`
	TrainSHA256 string  `json:"train_sha256"` // of the training examples used
	TestSHA256  string  `json:"test_sha256"`
}

// File is the content of a run folder's config.json.
type File struct {
	Format int `json:"format"`
	Config
	Environment Environment `json:"environment"`
}

// ReadConfig reads the config of a run folder; the error wraps fs.ErrNotExist if
// there is none.
func ReadConfig(dir string) (*File, error) { return readConfig(os.ReadFile, dir) }

func readConfig(read record.ReadFile, dir string) (*File, error) {
	path := filepath.Join(dir, record.ConfigFile)
	b, err := read(path)
	if err != nil {
		return nil, err
	}
	f, err := ParseConfig(b)
	if err != nil {
		return nil, fmt.Errorf("%s %w", path, err)
	}
	return f, nil
}

// WriteConfig puts the config into a folder, which makes it a run's.
func WriteConfig(dir string, c Config, e Environment) error {
	b, err := json.MarshalIndent(File{Format, c, e}, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(filepath.Join(dir, record.ConfigFile), append(b, '\n'))
}

// formatted is a config as files have it beside others.
type formatted struct {
	Format int `json:"format"`
	Config
}

// Print writes a config as a file of settings.
func (c Config) Print(w io.Writer) error {
	b, err := json.MarshalIndent(formatted{Format, c}, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", b)
	return err
}

// ParseConfig reads the content of a config.json.
func ParseConfig(b []byte) (*File, error) {
	var f File
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("is damaged: %w", err)
	}
	switch f.Format {
	case Format:
		if err := f.knows(b); err != nil {
			return nil, fmt.Errorf("is damaged: %w", err)
		}
	case 0:
		if err := f.convert(b); err != nil {
			return nil, fmt.Errorf("is damaged: %w", err)
		}
	default:
		return nil, fmt.Errorf("is of format %d, this program knows up to %d: written by a later largestep?", f.Format, Format)
	}
	if err := f.Validate(); err != nil {
		return nil, fmt.Errorf("is damaged: %w", err)
	}
	return &f, nil
}

// knows refuses names that no option has, which reading alone would pass over, and
// those in other letters. What is said of the environment decides nothing.
func (f *File) knows(b []byte) error {
	own, err := json.Marshal(f)
	if err != nil {
		return err
	}
	var read, known map[string]any
	if err := errors.Join(json.Unmarshal(b, &read), json.Unmarshal(own, &known)); err != nil {
		return err
	}
	if name := unknownName(read, known); name != "" {
		return fmt.Errorf("%q is the name of no option", name)
	}
	return nil
}

func unknownName(read, known any) string {
	switch read := read.(type) {
	case map[string]any:
		known, _ := known.(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(read)) {
			value := read[name]
			of, ok := known[name]
			if !ok {
				return name
			}
			if name == "environment" {
				continue
			}
			if name := unknownName(value, of); name != "" {
				return name
			}
		}
	case []any:
		known, _ := known.([]any)
		for i := range min(len(read), len(known)) {
			if name := unknownName(read[i], known[i]); name != "" {
				return name
			}
		}
	}
	return ""
}

// convert takes over what format 1 said otherwise: the schedule as a step size,
// phases and warm-ups of the first one, and the one measure that there was.
func (f *File) convert(b []byte) error {
	var old struct {
		StepSize    float64          `json:"step_size"`
		Phases      []schedule.Phase `json:"phases"`
		WarmupExp   float64          `json:"warmup_exp"`
		WarmupGain  float64          `json:"warmup_gain"`
		WarmupPower float64          `json:"warmup_power"`
		Sparsity    bool             `json:"sparsity"`
	}
	if err := json.Unmarshal(b, &old); err != nil {
		return err
	}
	f.Format = Format
	f.Schedule = schedule.Schedule{Phases: old.Phases}
	if len(old.Phases) == 0 {
		f.Schedule = schedule.Constant(old.StepSize)
	}
	switch {
	case old.WarmupExp != 0:
		f.Schedule = f.Schedule.With(schedule.Exponential(old.WarmupExp))
	case old.WarmupGain != 0:
		f.Schedule = f.Schedule.With(schedule.Power(old.WarmupGain, old.WarmupPower))
	}
	if old.Sparsity {
		f.Measures = []string{"sparsity"}
	}
	return nil
}
