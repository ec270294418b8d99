package record

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

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
func ReadStatus(dir string) (Status, error) { return readStatus(os.ReadFile, dir) }

func readStatus(read ReadFile, dir string) (Status, error) {
	path := filepath.Join(dir, StatusFile)
	b, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Status{State: Running}, nil
	}
	if err != nil {
		return Status{}, err
	}
	s, err := parseStatus(b)
	if err != nil {
		return Status{}, damaged(path, b, err, "delete it, and the run can be resumed")
	}
	return s, nil
}

// damaged is the error of a file with unusable content b, and what to do.
func damaged(path string, b []byte, err error, remedy string) error {
	if len(bytes.TrimSpace(b)) == 0 {
		err = errors.New("the file is empty")
	}
	return fmt.Errorf("%s: %w: %s", path, err, remedy)
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

// Config is what figures need to know of a run's settings.
type Config struct {
	Net, Dataset string // as config.json names them
	NetTitle     string // as a figure's title names the net; Net if empty
	DatasetTitle string // and the data set
	Schedule     string // of the step size, as a legend says it
	Exact        string // the same with nothing left out
	Momentum     float64
	Epochs       float64 // of the whole training
	Steps        int     // if not that many epochs; else 0
	Phases       []Phase
	Engine       string
	Options      map[string]any // all of config.json but for the circumstances
	Recording    []string       // the options that say what is recorded, and change no training
	File         map[string]any // all of config.json, as this version would write it
	Part         string         // what features are numbered by; "layer" if empty
	Pool         int            // the number of the feature that is the average pool; 0 for none
}

// TitleOfNet is what a figure's title calls the net.
func (c Config) TitleOfNet() string { return cmp.Or(c.NetTitle, c.Net) }

// TitleOfDataset is what a figure's title calls the data set.
func (c Config) TitleOfDataset() string { return cmp.Or(c.DatasetTitle, c.Dataset) }

// Feature names one by its number: "stage 4", for instance.
func (c Config) Feature(number string) string {
	if number == strconv.Itoa(c.Pool) {
		return "average pool"
	}
	return cmp.Or(c.Part, "layer") + " " + number
}

// A Phase is a stretch of the training with one step size.
type Phase struct {
	Name     string
	Start    float64 // fraction of the training at which it begins
	StepSize float64
	WarmUp   bool // to the step size of the next phase
}

// A Run is a run folder as it was when it was opened.
type Run struct {
	Dir      string
	Config   Config
	Status   Status
	Plateaus []Plateau // nil if it was not searched for any
	Table
}

// ReadFile reads a file whole, as os.ReadFile does.
type ReadFile func(path string) ([]byte, error)

// OpenRun reads the records of a run folder with a known config. A run that has not evaluated yet
// has no rows.
func OpenRun(dir string, config Config) (*Run, error) { return OpenRunFrom(os.ReadFile, dir, config) }

// OpenRunFrom is OpenRun where files are read in another way, as a server does that
// follows no link out of its folder.
func OpenRunFrom(read ReadFile, dir string, config Config) (*Run, error) {
	status, err := readStatus(read, dir)
	if err != nil {
		return nil, err
	}
	plateaus, err := readPlateaus(read, dir)
	if err != nil {
		return nil, err
	}
	r := &Run{Dir: dir, Config: config, Status: status, Plateaus: plateaus}
	table, err := readTable(read, filepath.Join(dir, TableFile))
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

// Steps reads the run's steps.csv.
func (r *Run) Steps() ([]StepRow, error) { return ReadSteps(filepath.Join(r.Dir, StepsFile)) }
