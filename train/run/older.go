package run

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"largestep/train/safetensors"
)

// Older checkpoints lie beside the latest one as checkpoint-STEP.safetensors, those
// within a step as checkpoint-STEP-PART.safetensors.
const (
	olderPrefix = "checkpoint-"
	olderSuffix = ".safetensors"
)

// older is an older checkpoint's file.
type older struct {
	path       string
	step, part int
}

func (o older) label() string { return Position{Step: o.step, Part: o.part}.label() }

// after tells whether it is later in the training than a position.
func (o older) after(p Position) bool {
	return o.step > p.Step || o.step == p.Step && o.part > p.Part
}

// olderCheckpoints lists them, the latest first.
func olderCheckpoints(dir string) (list []older, err error) {
	all, err := names(dir, olderPrefix, olderSuffix)
	for _, name := range all {
		o := older{path: filepath.Join(dir, name)}
		label := strings.TrimSuffix(strings.TrimPrefix(name, olderPrefix), olderSuffix)
		if _, err := fmt.Sscanf(label, "%d-%d", &o.step, &o.part); err != nil {
			o.part = 0
		}
		if o.label() == label { // else a file of somebody else
			list = append(list, o)
		}
	}
	slices.SortFunc(list, func(a, b older) int { return cmp.Or(cmp.Compare(b.step, a.step), cmp.Compare(b.part, a.part)) })
	return list, err
}

// setAside gives the latest checkpoint, if it is whole as far as its header tells
// and of another position than the next one, a second name.
func setAside(dir string, next Position) error {
	path := filepath.Join(dir, CheckpointFile)
	metadata, err := safetensors.ReadMetadata(path)
	if err != nil {
		return nil // none, or a damaged one
	}
	var p Position
	if json.Unmarshal([]byte(metadata[positionKey]), &p) != nil || p.label() == next.label() {
		return nil
	}
	aside := filepath.Join(dir, olderPrefix+p.label()+olderSuffix)
	if err := os.Remove(aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if os.Link(path, aside) == nil {
		return nil
	}
	return os.Rename(path, aside) // a file system without links
}

// removeOlder deletes older checkpoints but for so many before the latest one, and
// velocities of those that are gone.
func removeOlder(dir string, keep int, latest Position) error {
	list, err := olderCheckpoints(dir)
	if err != nil {
		return err
	}
	for _, o := range list {
		if !o.after(latest) && keep > 0 {
			keep--
			continue
		}
		if err := os.Remove(o.path); err != nil {
			return err
		}
	}
	return removeVelocities(dir, latest.Velocity)
}

// removeVelocities deletes the files of velocities that belong neither to the
// latest checkpoint nor to an older one.
func removeVelocities(dir, latest string) error {
	list, err := olderCheckpoints(dir)
	if err != nil {
		return err
	}
	all, err := names(dir, "velocity-", ".safetensors")
	if err != nil {
		return err
	}
	for _, name := range all {
		belongs := func(o older) bool { return name == "velocity-"+o.label()+".safetensors" }
		if name == filepath.Base(latest) || slices.ContainsFunc(list, belongs) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}
