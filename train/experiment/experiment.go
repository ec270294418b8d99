// Package experiment says which runs stand behind a figure, trains those that
// are missing, and draws what they recorded.
package experiment

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"largestep/data"
	"largestep/metrics/figure"
	"largestep/metrics/record"
	"largestep/nets/op"
	"largestep/train/catalog"
	"largestep/train/run"
	"largestep/train/trainer"
)

// Run is one training of an experiment.
type Run struct {
	Name     string // of its folder
	Config   run.Config
	Init     string        // file of initial parameters, or ""
	Data     *data.Dataset // nil for the experiment's
	relative *relative     // nil if the config's step sizes are meant as they are
}

// Setting is one curve of a figure: runs that differ in their seeds alone.
type Setting struct {
	Label  string // of the legend; "" for what its runs' schedules say
	Family string // of settings that differ in their schedules alone, as figures colour them
	Runs   []Run
}

// Experiment trains what is missing of its runs, each in a folder of its own.
type Experiment struct {
	Dir         string
	Problem     catalog.Problem
	Data        *data.Dataset // of a problem that reads one
	Settings    []Setting
	Engines     []op.Engine     // each trains one run at a time
	Environment run.Environment // but for what differs between the runs
	Watcher     Watcher
	// CheckpointEvery is the least time between two checkpoints of a run; half a
	// minute if it is 0.
	CheckpointEvery time.Duration

	edges edges
}

// Watcher is told how an experiment goes, by several goroutines where there are
// several engines.
type Watcher interface {
	// Plan is called first, with the number of runs and of steps to be taken.
	Plan(runs, steps int)
	// Begin is called before each run; the hooks follow it.
	Begin(label, dir string) trainer.Hooks
	// End is called after it, with what trainer.Run returned. Of a run that another
	// process trains that is run.ErrLocked; it is begun again when that is over.
	End(dir string, status record.Status, err error)
	// Search is called before an edge of divergence is searched for; the function
	// is told of each trial.
	Search(what string) func(stepSize float64, diverged bool)
}

// runs are those of all settings, seed by seed.
func (e *Experiment) runs() (list []Run) {
	for k, more := 0, true; more; k++ {
		more = false
		for _, s := range e.Settings {
			if k < len(s.Runs) {
				list, more = append(list, s.Runs[k]), true
			}
		}
	}
	return list
}

// problem makes what a run minimises.
func (e *Experiment) problem(r Run) (trainer.Problem, run.Config, error) {
	set := r.Data
	if set == nil {
		set = e.Data
	}
	return e.Problem.Make(r.Config, set)
}

// Records reads what the runs recorded, a group for each setting.
func (e *Experiment) Records() ([]figure.Group, error) {
	groups := make([]figure.Group, len(e.Settings))
	for i, s := range e.Settings {
		groups[i].Label, groups[i].Family = s.Label, s.Family
		for _, r := range s.Runs {
			recorded, err := catalog.Open(filepath.Join(e.Dir, r.Name))
			if err != nil {
				return nil, err
			}
			groups[i].Runs = append(groups[i].Runs, recorded)
		}
	}
	return groups, nil
}

// FolderError tells why a figure cannot have a folder.
type FolderError struct{ error }

func (e *FolderError) Unwrap() error { return e.error }

// CheckFolder refuses a folder that holds a run itself, or runs of another
// experiment: a figure drawn into it would replace theirs. It refuses one, too, in which
// any run cannot go on as it is asked for, before others do. The error is a *FolderError.
func (e *Experiment) CheckFolder() error {
	if err := cmp.Or(e.checkFolder(), e.checkRuns()); err != nil {
		return &FolderError{err}
	}
	return nil
}

func (e *Experiment) checkRuns() error {
	for _, r := range e.runs() {
		dir := filepath.Join(e.Dir, r.Name)
		file, status, err := run.Inspect(dir)
		if err != nil || file == nil {
			continue // not begun, or one for the training to judge
		}
		if r.relative != nil {
			if file.Environment.Edge == 0 {
				continue
			}
			r = r.at(file.Environment.Edge)
		}
		_, config, err := e.problem(r)
		if err != nil {
			return err
		}
		if err := file.Continues(status, config); err != nil {
			return fmt.Errorf("%s %w", dir, err)
		}
	}
	return nil
}

func (e *Experiment) checkFolder() error {
	if err := run.CheckNew(e.Dir); errors.Is(err, run.ErrHoldsRun) {
		return fmt.Errorf("%w, not a figure", err)
	}
	entries, err := os.ReadDir(e.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	instance := e.Settings[0].Runs[0].Config.Instance
	for _, entry := range entries {
		file, err := run.ReadConfig(filepath.Join(e.Dir, entry.Name()))
		if err != nil || file.Net == e.Problem.Name && file.Instance == instance {
			continue // no run, or one for the training to judge
		}
		what := file.Net
		if file.Instance != "" {
			what = fmt.Sprintf("%s, %s instance", file.Net, file.Instance)
		}
		return fmt.Errorf("%s holds a run of another figure, %s (%s)", e.Dir, entry.Name(), what)
	}
	return nil
}
