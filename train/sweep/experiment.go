package sweep

import (
	"fmt"

	"largestep/train/catalog"
	"largestep/train/experiment"
	"largestep/train/settings"
)

// Experiment are the sweep's runs to be trained in its folder, those that differ in
// their seeds alone together. What each trains follows from its settings.
func (s *Sweep) Experiment(dir string, p catalog.Problem, resolve func(settings.Point) (experiment.Run, error)) (*experiment.Experiment, error) {
	e := &experiment.Experiment{Dir: dir, Problem: p}
	for i, r := range s.Runs() {
		if i == 0 || r.Setting != e.Settings[len(e.Settings)-1].Label {
			e.Settings = append(e.Settings, experiment.Setting{Label: r.Setting})
		}
		run, err := resolve(r.Settings)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.Name, err)
		}
		run.Name = r.Name
		last := &e.Settings[len(e.Settings)-1]
		last.Runs = append(last.Runs, run)
	}
	return e, nil
}
