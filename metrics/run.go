package metrics

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"

	"largestep/metrics/atomicfile"
)

// State tells how a run stands.
type State string

const (
	Running     State = "running" // or killed: a killed program cannot say so
	Finished    State = "finished"
	Diverged    State = "diverged" // a loss was not finite; a result, not a failure
	Interrupted State = "interrupted"
	Failed      State = "failed" // by an error, such as a full disk; can be resumed
)

// Status is the content of status.json.
type Status struct {
	State   State   `json:"state"`
	Step    int     `json:"step"`
	Epoch   float64 `json:"epoch"`
	Message string  `json:"message,omitempty"`
}

// WriteStatus replaces the status in a run folder.
func WriteStatus(dir string, s Status) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, StatusFile), err)
	}
	return atomicfile.WriteFile(filepath.Join(dir, StatusFile), append(b, '\n'))
}

// ReadStatus reads the status of a run folder; without one the run has just
// begun.
func ReadStatus(dir string) (Status, error) {
	path := filepath.Join(dir, StatusFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Status{State: Running}, nil
	}
	if err != nil {
		return Status{}, err
	}
	s, err := parseStatus(b)
	if err != nil {
		return Status{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

func parseStatus(b []byte) (s Status, err error) {
	if err := json.Unmarshal(b, &s); err != nil {
		return s, err
	}
	if !slices.Contains([]State{Running, Finished, Diverged, Interrupted, Failed}, s.State) {
		return s, fmt.Errorf("unknown state %q", s.State)
	}
	return s, nil
}

// Config is what figures need of config.json; Raw is all of it.
type Config struct {
	Net      string  `json:"net"`     // resnet18, for instance
	Dataset  string  `json:"dataset"` // as a figure's title names it
	StepSize float64 `json:"step_size"`
	DecayAt  float64 `json:"decay_at"` // fraction of the epochs; 0 if the schedule is another
	Epochs   float64 `json:"epochs"`
	Steps    int     `json:"steps"` // of the whole training, if not that many epochs; else 0
	Phases   []Phase `json:"phases"`

	Environment struct {
		Engine string `json:"engine"`
	} `json:"environment"`

	Raw json.RawMessage `json:"-"`
}

// A Phase is a stretch of the training with one step size.
type Phase struct {
	Name     string  `json:"name"`
	Start    float64 `json:"start"` // fraction of the training at which it begins
	StepSize float64 `json:"step_size"`
}

// A Run is a run folder as it was when it was opened.
type Run struct {
	Dir      string
	Config   Config
	Status   Status
	Plateaus []Plateau // nil if it was not searched for any
	Table
}

// OpenRun reads the records of a run folder. A run that has not evaluated yet
// has no rows.
func OpenRun(dir string) (*Run, error) {
	config, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	status, err := ReadStatus(dir)
	if err != nil {
		return nil, err
	}
	plateaus, err := readPlateaus(dir)
	if err != nil {
		return nil, err
	}
	r := &Run{Dir: dir, Config: config, Status: status, Plateaus: plateaus}
	table, err := ReadTable(filepath.Join(dir, TableFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err == nil {
		r.Table = *table
	}
	if err := r.checkEnd(); err != nil {
		return nil, err
	}
	return r, nil
}

// checkEnd refuses a table that lacks the last rows of a run that has ended. A
// run that diverged may have ended before its next row was due.
func (r *Run) checkEnd() error {
	if r.Status.State != Finished && r.Status.State != Diverged {
		return nil
	}
	path, n := filepath.Join(r.Dir, TableFile), len(r.Rows)
	remedy := fmt.Sprintf("put it back whole, or delete %s and train again", r.Dir)
	if n == 0 {
		return fmt.Errorf("%s: no rows, but the run has %s: %s", path, r.Status.State, remedy)
	}
	last, late := r.Rows[n-1].Step, 0
	if r.Status.State == Diverged {
		late = r.Status.Step
		if n > 1 {
			late = r.Rows[1].Step - r.Rows[0].Step
		}
	}
	if last > r.Status.Step || last < r.Status.Step-late {
		return fmt.Errorf("%s: the last row is of step %d, but the run has %s at step %d: %s", path, last, r.Status.State, r.Status.Step, remedy)
	}
	return nil
}

func readConfig(dir string) (Config, error) {
	path := filepath.Join(dir, ConfigFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Config{}, fmt.Errorf("%s: not a run folder: it has no %s", dir, ConfigFile)
	}
	if err != nil {
		return Config{}, err
	}
	c, err := parseConfig(b)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

func parseConfig(b []byte) (Config, error) {
	c := Config{Raw: b}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, err
	}
	return c, c.check()
}

func (c *Config) check() error {
	if !(c.Epochs > 0) {
		return fmt.Errorf("epochs is %g, want more than 0", c.Epochs)
	}
	if c.Steps < 0 {
		return fmt.Errorf("steps is %d, want 0 or more", c.Steps)
	}
	if !(c.DecayAt >= 0 && c.DecayAt <= 1) {
		return fmt.Errorf("decay_at is %g, want a fraction of the epochs", c.DecayAt)
	}
	last := math.Inf(-1)
	for _, p := range c.Phases {
		if !(p.Start >= 0 && p.Start <= 1 && p.Start > last) {
			return fmt.Errorf("phase %q starts at %g: want fractions of the epochs, in order", p.Name, p.Start)
		}
		last = p.Start
	}
	return nil
}

// Steps reads the run's steps.csv.
func (r *Run) Steps() ([]StepRow, error) { return ReadSteps(filepath.Join(r.Dir, StepsFile)) }
