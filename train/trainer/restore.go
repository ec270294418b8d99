package trainer

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"largestep/train/run"
	"largestep/train/safetensors"
	"largestep/train/weights"
)

// restore fills the parameters from the run's checkpoint, if there is one; else they
// are the initial ones.
func (t *trainer) restore() (warning string, err error) {
	c, warning, err := run.LoadCheckpoint(t.Dir, t.Config.Momentum != 0)
	if err != nil {
		return "", err
	}
	if c == nil {
		if t.Init == "" && t.Config.InitSHA256 != "" {
			return "", ErrInitialParameters
		}
		t.Position, t.logged = run.Position{Due: true}, 0
		return "", t.begin()
	}
	path := filepath.Join(t.Dir, run.CheckpointFile)
	if err := c.Belongs(t.Config, t.shorter); err != nil {
		return "", fmt.Errorf("%s %w", path, err)
	}
	if c.Step < 0 || c.Step > t.Config.Steps() {
		return "", fmt.Errorf("%s: step %d of a training of %d", path, c.Step, t.Config.Steps())
	}
	if err := t.load(c); err != nil {
		return "", err
	}
	t.Position, t.logged, t.saved = c.Position, c.Step, c.Step
	return warning, nil
}

// ErrInitialParameters is returned where a run that began from a file was killed
// before its first checkpoint, and nobody says where that file is.
var ErrInitialParameters = errors.New("the run was killed before its first checkpoint: its file of initial parameters is needed again")

// load fills the engine from a checkpoint.
func (t *trainer) load(c *run.Checkpoint) error {
	if err := weights.Import(t.vars, t.graph.Model.Variables, c.Parameters); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(t.Dir, run.CheckpointFile), err)
	}
	var velocities, underWay []safetensors.Tensor
	for _, v := range c.Velocities {
		if strings.HasPrefix(v.Name, sumPrefix) {
			underWay = append(underWay, v)
		} else {
			velocities = append(velocities, v)
		}
	}
	err := t.graph.goOn(c.Part, underWay)
	if err == nil && t.Config.Momentum != 0 {
		err = weights.Fill(t.vars, velocityNames(t.graph.Model.Variables), velocities)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(t.Dir, c.Velocity), err)
	}
	return nil
}
