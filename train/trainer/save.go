package trainer

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"largestep/metrics/record"
	"largestep/nets"
	"largestep/train/run"
	"largestep/train/safetensors"
	"largestep/train/weights"
)

// Parameters that stay have names that begin so.
const (
	phasePrefix = "phase-" // and the number of the phase that ended, counted from 1
	epochPrefix = "epoch-" // and the number of epochs trained
)

// keepParameters saves the parameters where a phase has ended, and after the epochs
// that are asked for.
func (t *trainer) keepParameters() error {
	if t.Part > 0 {
		return nil
	}
	names := t.ended()
	if every := t.SaveEvery * t.Config.StepsPerEpoch(); every > 0 && t.Step > 0 && t.Step%every == 0 {
		names = append(names, fmt.Sprint(epochPrefix, t.Step/t.Config.StepsPerEpoch()))
	}
	if len(names) == 0 {
		return nil
	}
	if err := t.wait(); err != nil { // which tells whether it has diverged
		return err
	}
	parameters, err := weights.Export(t.vars, t.graph.Model.Variables, t.Step)
	if err != nil || !allFinite(parameters) { // the next loss is not finite, then
		return err
	}
	for _, name := range names {
		if err := run.SaveParameters(t.Dir, name, parameters, t.metadata()); err != nil {
			return err
		}
	}
	return nil
}

// ended names the phases, counted from 1, that end before the next step: several
// if some have no steps.
func (t *trainer) ended() (phases []string) {
	schedule := t.Config.Schedule
	for k := 1; k < len(schedule.Phases); k++ {
		if schedule.Start(k, t.Config.Steps()) == t.Step {
			phases = append(phases, fmt.Sprint(phasePrefix, k))
		}
	}
	return phases
}

// interrupt saves the very step, or part of one, at which the context ended.
func (t *trainer) interrupt() error {
	if err := t.report(); err != nil {
		return err
	}
	return t.save()
}

// checkpoint saves the step at which the training is, and says so.
func (t *trainer) checkpoint() error {
	if err := t.report(); err != nil {
		return err
	}
	if err := t.save(); err != nil {
		return err
	}
	return t.status(record.Running, "")
}

// save makes a checkpoint of the step at which the training is, whose losses have
// been taken over. A state that is not finite, from which nothing could go on, is
// not saved: the one before stays.
func (t *trainer) save() (err error) {
	if t.Sizes, err = t.records.Sync(); err != nil {
		return err
	}
	t.Seconds = time.Since(t.started).Seconds()
	c, err := t.state()
	if err != nil || !c.finite() || !finite(t.LossSum) {
		return err
	}
	if t.Step == t.Config.Steps() && !t.Due { // nothing goes on from it: no times, so that its bytes are the training's alone
		c.Position = run.Position{Step: t.Step, Kernels: t.Kernels}
	}
	t.lastSaved, t.saved = time.Now(), t.Step
	return t.keep(c)
}

// keep makes a state the run's latest checkpoint.
func (t *trainer) keep(c state) error {
	return c.Save(t.Dir, max(t.Keep, 1), t.metadata())
}

// state is what a checkpoint has.
type state struct{ run.Checkpoint }

func (t *trainer) state() (s state, err error) {
	s.Position, s.Config = t.Position, &t.Config
	if s.Parameters, err = weights.Export(t.vars, t.graph.Model.Variables, t.Step); err != nil {
		return s, err
	}
	if t.Config.Momentum != 0 {
		for _, name := range velocityNames(t.graph.Model.Variables) {
			v, err := weights.Download(t.vars, name)
			if err != nil {
				return s, err
			}
			s.Velocities = append(s.Velocities, v)
		}
	}
	underWay, err := t.graph.underWay()
	s.Velocities = append(s.Velocities, underWay...)
	return s, err
}

func velocityNames(variables []*nets.Variable) []string {
	var names []string
	for _, v := range variables {
		if v.Trained {
			names = append(names, velocityPrefix+v.Name)
		}
	}
	return names
}

// metadata tell other programs, and evaluations, what the parameters are of.
func (t *trainer) metadata() map[string]string {
	m := map[string]string{"net": t.Config.Net, "dataset": t.Config.Dataset}
	if p, ok := t.Problem.(Described); ok {
		maps.Copy(m, p.Metadata())
	}
	return m
}

func (s state) finite() bool { return allFinite(s.Parameters) && allFinite(s.Velocities) }

// allFinite tells whether tensors of numbers hold no NaN and no infinity.
func allFinite(list []safetensors.Tensor) bool {
	for _, t := range list {
		if x, err := t.Float64s(); err == nil && slices.ContainsFunc(x, func(v float64) bool { return !finite(v) }) {
			return false
		}
	}
	return true
}
