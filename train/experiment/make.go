package experiment

import (
	"context"

	"largestep/nets/op"
	"largestep/train/run"
)

// Making is a planned figure that is being made in a folder, on engines that each
// train a run at a time.
type Making struct {
	Figure      Figure
	Plan        *Plan
	Dir         string
	Engines     []op.Engine
	Environment run.Environment // but for what differs between the runs
	Watcher     Watcher
}

// experiment trains the runs that stand behind the figure.
func (m *Making) experiment() *Experiment {
	return &Experiment{
		Dir: m.Dir, Problem: m.Figure.Problem(), Data: m.Plan.Data, Settings: m.Plan.Settings,
		Engines: m.Engines, Environment: m.Environment, Watcher: m.Watcher,
	}
}

// Check refuses a folder that the figure cannot have; the error is a *FolderError.
func (m *Making) Check() error { return m.experiment().CheckFolder() }

// Make trains what is missing, and draws the figure; see Drawing.Draw.
func (m *Making) Make(ctx context.Context) (table, file string, err error) {
	e := m.experiment()
	if err := e.Train(ctx); err != nil {
		return "", "", err
	}
	groups, err := e.Records()
	if err != nil {
		return "", "", err
	}
	return m.Plan.Draw(m.Dir, groups)
}
