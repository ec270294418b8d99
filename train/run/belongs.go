package run

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"largestep/metrics/record"
	"largestep/train/safetensors"
)

// ErrConfigChanged tells that config.json is not what it was when a checkpoint was
// taken.
var ErrConfigChanged = errors.New("was saved by a training with another config.json")

// Belongs tells in what a checkpoint's training differs from one that goes on with
// it, which may be a longer one than before. Checkpoints of programs that did not
// note what they trained belong to any.
func (c *Checkpoint) Belongs(now Config, before *Config) error {
	if c.Config == nil {
		return nil
	}
	name, there, here := c.Config.difference(&now)
	if name == "" {
		return nil
	}
	if before != nil {
		if other, _, _ := c.Config.difference(before); other == "" {
			return nil
		}
	}
	return fmt.Errorf("%w: %s was %v, and is %v now: put it back", ErrConfigChanged, name, there, here)
}

// CheckConfig tells in what a config differs from that of a run's last checkpoint, as
// far as there is one that can be read.
func CheckConfig(dir string, now Config) error {
	path := filepath.Join(dir, CheckpointFile)
	metadata, err := safetensors.ReadMetadata(path)
	if err != nil || metadata[configKey] == "" {
		return nil // for LoadCheckpoint to judge
	}
	f, err := ParseConfig([]byte(metadata[configKey]))
	if err != nil {
		return nil
	}
	if longer, err := f.Config.Extends(now); longer && err == nil { // killed before config.json said so
		return nil
	}
	c := Checkpoint{Config: &f.Config}
	if err := c.Belongs(now, nil); err != nil {
		return fmt.Errorf("%s %w", path, err)
	}
	return nil
}

// ErrEndsOtherwise refuses to make a training longer whose step sizes depend on its
// length.
var ErrEndsOtherwise = errors.New("cannot be made longer: its step sizes depend on how long it is")

// ErrDiverged refuses to make a training longer that has diverged.
var ErrDiverged = errors.New("has diverged, and cannot be made longer")

// Continues tells why a run cannot go on with a config, which may be of a longer
// training; its initial parameters are taken to be the same.
func (f *File) Continues(status record.Status, c Config) error {
	c.InitSHA256 = f.InitSHA256
	longer, err := c.Extends(f.Config)
	switch {
	case err != nil:
		return err
	case longer && status.State == record.Diverged:
		return ErrDiverged
	case longer:
		return nil
	}
	return f.matches(c)
}

// Extends tells whether a training is a longer one than another and else the same;
// it is an error if the step sizes do not allow that.
func (c Config) Extends(shorter Config) (bool, error) {
	if c.Steps() <= shorter.Steps() {
		return false, nil
	}
	schedule := shorter.Schedule
	shorter.Epochs, shorter.MaxSteps = c.Epochs, c.MaxSteps
	if name, _, _ := shorter.difference(&c); name != "" {
		return false, nil
	}
	if !schedule.Endless() {
		return false, ErrEndsOtherwise
	}
	return true, nil
}

// Reopen is the position from which a finished training goes on for longer. Its last
// checkpoint does not say what was recorded; the records, which are complete, do.
func (p Position) Reopen(dir string, c Config) (Position, error) {
	path := filepath.Join(dir, record.TableFile)
	table, err := record.ReadTable(path)
	if err != nil {
		return p, err
	}
	n := len(table.Rows)
	if n == 0 || table.Rows[n-1].Step != p.Step {
		return p, fmt.Errorf("%s: its last row is not of step %d, with which the run finished: %w", path, p.Step, record.ErrLost)
	}
	p.Seconds = table.Rows[n-1].Seconds
	p.Sizes, err = wholeRecords(dir, c)
	return p, err
}

// wholeRecords are the sizes of a run's rows as they are. Its events are to be begun
// anew.
func wholeRecords(dir string, c Config) (s Sizes, err error) {
	for _, file := range []struct {
		name string
		size *int64
		has  bool
	}{{record.TableFile, &s.Table, true}, {record.StepsFile, &s.Steps, c.LogSteps}, {record.HistogramsFile, &s.Histograms, c.Histograms}} {
		if !file.has {
			continue
		}
		if *file.size, err = size(filepath.Join(dir, file.name)); err != nil {
			return s, err
		}
	}
	return s, nil
}

func size(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
