package experiment

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"largestep/data"
	"largestep/nets/op"
	"largestep/train/run"
	"largestep/train/schedule"
	"largestep/train/trainer"
)

// relative is a step size as a multiple of an edge of divergence.
type relative struct {
	unit     run.Config // whose schedule has the edge
	multiple float64    // of that edge, the first step size; 0 if the config says it
	steps    int        // within which the unit's schedule diverges
}

// OfEdge is a run whose step sizes are multiples of the edge of a constant one,
// within so many steps.
func (r Run) OfEdge(steps int) Run {
	unit := r.Config
	unit.Schedule = schedule.Constant(trainer.EdgeGuess)
	r.relative = &relative{unit: unit, steps: steps}
	return r
}

// relate makes the curves' step sizes relative to the edge of divergence, for
// instances other than the paper's: its step sizes lie at the edge of its own
// instance, and would diverge on most others. The edge is that of the longest
// large-step phase with the same sampling, of whose edge the large step size is
// the fraction given; ratios of step sizes stay as they are.
func relate(curves []curve, fraction float64) {
	units := map[data.Sampling]run.Config{}
	for _, s := range curves {
		c, u := s.config, units[s.config.Sampling]
		if len(u.Schedule.Phases) == 0 || later(c, u) {
			units[c.Sampling] = c
		}
	}
	for i := range curves {
		s := &curves[i]
		unit, eta := units[s.config.Sampling], s.config.Schedule.First()
		s.relative = &relative{unit, fraction * eta / unit.Schedule.First(), unit.Steps()}
		s.label = strings.Replace(s.label, fmt.Sprintf("η = %g", eta), fmt.Sprintf("η = %.3g edge", s.relative.multiple), 1)
	}
}

// later tells whether a keeps its first step size for longer than b, or as long
// a larger one; a constant one counts as the shortest.
func later(a, b run.Config) bool {
	x, y := firstDecay(a), firstDecay(b)
	return x > y || x == y && a.Schedule.First() > b.Schedule.First()
}

func firstDecay(c run.Config) float64 {
	if len(c.Schedule.Phases) < 2 {
		return 0
	}
	return c.Schedule.Phases[1].Start
}

// edge is the search for the edge of a relative run.
func (r Run) edge() trainer.Edge {
	c := r.relative.unit
	c.Seed, c.Precision = r.Config.Seed, r.Config.Precision
	return trainer.Edge{Config: c, Init: r.Init, Steps: r.relative.steps, Tolerance: trainer.EdgeTolerance}
}

// at is a relative run with the step sizes that follow from the edge.
func (r Run) at(edge float64) Run {
	factor := edge
	if r.relative.multiple != 0 {
		factor = r.relative.multiple * edge / r.Config.Schedule.First()
	}
	r.Config.Schedule = r.Config.Schedule.Times(factor)
	return r
}

// edges are those found, by the searches for them.
type edges struct {
	sync.Mutex
	byKey map[string]*sharedEdge
}

// sharedEdge is that of several runs; whoever searches for it holds the lock.
type sharedEdge struct {
	sync.Mutex
	value float64 // 0 until it is known
}

// of is the edge of a search.
func (e *edges) of(search trainer.Edge) *sharedEdge {
	b, err := json.Marshal(search.Config)
	if err != nil {
		panic(err) // a config can be written
	}
	key := fmt.Sprintf("%s %s %d", b, search.Init, search.Steps)
	e.Lock()
	defer e.Unlock()
	if e.byKey == nil {
		e.byKey = map[string]*sharedEdge{}
	}
	if e.byKey[key] == nil {
		e.byKey[key] = &sharedEdge{}
	}
	return e.byKey[key]
}

// findEdge is the edge of a run: the one noted when the run began, or else searched
// for, once for all runs that share it.
func (e *Experiment) findEdge(ctx context.Context, r Run, engine op.Engine) (float64, error) {
	search := r.edge()
	known := e.edges.of(search)
	known.Lock()
	defer known.Unlock()
	if begun, err := run.ReadConfig(filepath.Join(e.Dir, r.Name)); err == nil && begun.Environment.Edge > 0 {
		known.value = begun.Environment.Edge
	}
	if known.value > 0 {
		return known.value, nil
	}
	unit := r
	unit.Config = search.Config
	problem, config, err := e.problem(unit)
	if err != nil {
		return 0, err
	}
	search.Engine, search.Problem, search.Config = engine, problem, config
	search.Tried = e.Watcher.Search(fmt.Sprintf("%s, %s, seed %d", e.Problem.Name, config.Sampling, config.Seed))
	known.value, err = search.Find(ctx)
	return known.value, err
}
