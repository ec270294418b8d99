// Package experiment says which runs stand behind a figure, trains those that
// are missing, and draws what they recorded.
package experiment

import (
	"context"
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
	relative *relative // nil if the config's step sizes are meant as they are
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
	Engine      op.Engine
	Environment run.Environment // but for what differs between the runs
	Watcher     Watcher

	edges map[string]float64 // of divergence, by the keys of Run.edge
}

// Watcher is told how an experiment goes.
type Watcher interface {
	// Begin is called before each run; the hooks follow it.
	Begin(label, dir string) trainer.Hooks
	// End is called after it, with what trainer.Run returned.
	End(dir string, status record.Status, err error)
	// Search is called before an edge of divergence is searched for; the function
	// is told of each trial.
	Search(what string) func(stepSize float64, diverged bool)
}

// checkpointEvery is the least time between two checkpoints of a run.
const checkpointEvery = 30 * time.Second

// Train trains what is missing, all settings with the first seed first, and goes
// on with what was cut short.
func (e *Experiment) Train(ctx context.Context) error {
	list := e.runs()
	for i, r := range list {
		if err := e.train(ctx, r, fmt.Sprintf("%d/%d %s", i+1, len(list), r.Name)); err != nil {
			return err
		}
	}
	return nil
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

func (e *Experiment) train(ctx context.Context, r Run, label string) error {
	dir := filepath.Join(e.Dir, r.Name)
	env := e.Environment
	if r.relative != nil {
		edge, err := e.edge(ctx, r, dir)
		if err != nil {
			return err
		}
		env.Edge, r = edge, r.at(edge)
	}
	if err := e.Problem.Validate(r.Config); err != nil {
		return err
	}
	problem, config, err := e.Problem.Make(r.Config, e.Data)
	if err != nil {
		return err
	}
	status, err := trainer.Run(ctx, trainer.Options{
		Config: config, Environment: env, Dir: dir, Resume: true, Problem: problem, Engine: e.Engine,
		CheckpointEvery: checkpointEvery, Hooks: e.Watcher.Begin(label, dir),
	})
	e.Watcher.End(dir, status, err)
	if err != nil {
		return err
	}
	return e.Engine.Free()
}

// edge is that of a run: the one noted when the run began, or else searched for,
// once for all runs that share it.
func (e *Experiment) edge(ctx context.Context, r Run, dir string) (float64, error) {
	search, key := r.edge()
	if e.edges == nil {
		e.edges = map[string]float64{}
	}
	if begun, err := run.ReadConfig(dir); err == nil && begun.Environment.Edge > 0 {
		e.edges[key] = begun.Environment.Edge
	}
	if edge, ok := e.edges[key]; ok {
		return edge, nil
	}
	problem, config, err := e.Problem.Make(search.Config, e.Data)
	if err != nil {
		return 0, err
	}
	search.Engine, search.Problem, search.Config = e.Engine, problem, config
	search.Tried = e.Watcher.Search(fmt.Sprintf("%s, %s", e.Problem.Name, key))
	e.edges[key], err = search.Find(ctx)
	return e.edges[key], err
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

// CheckFolder refuses a folder that holds a run itself, or runs of another
// experiment: a figure drawn into it would replace theirs.
func (e *Experiment) CheckFolder() error {
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
