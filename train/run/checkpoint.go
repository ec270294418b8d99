package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"largestep/metrics/atomicfile"
	"largestep/metrics/record"
	"largestep/train/safetensors"
)

const (
	CheckpointFile = "checkpoint.safetensors"
	summaryFile    = "checkpoint.json" // the position, for people
	positionKey    = "largestep"       // of the checkpoint's metadata
)

// Position is where a training stands, beside its parameters.
type Position struct {
	Format    int     `json:"format"`
	Step      int     `json:"step"`
	LossSum   float64 `json:"loss_sum"`      // mini-batch losses since the last row
	LossCount int     `json:"loss_count"`    //
	Seconds   float64 `json:"seconds"`       // of the whole run
	Training  float64 `json:"training"`      // seconds of steps since the last row
	Images    int     `json:"images"`        // trained on since the last row
	Records   Sizes   `json:"records"`       // what was in the record files
	Velocity  string  `json:"velocity_file"` // "" without momentum
}

// Checkpoint is a state of a training from which it goes on.
type Checkpoint struct {
	Position
	Parameters []safetensors.Tensor
	Velocities []safetensors.Tensor // none without momentum
}

// Save makes a checkpoint the run's latest. The rename of
// checkpoint.safetensors is the instant at which it counts: the velocities, which
// PyTorch's model would not know, lie in a file of their own that its metadata
// names. The metadata are those for other programs.
func (c Checkpoint) Save(dir string, metadata map[string]string) error {
	p := c.Position
	p.Format = Format
	if len(c.Velocities) > 0 {
		p.Velocity = fmt.Sprintf("velocity-%d.safetensors", p.Step)
		if err := writeTensors(filepath.Join(dir, p.Velocity), c.Velocities, nil); err != nil {
			return err
		}
	}
	state, err := json.Marshal(p)
	if err != nil {
		return err
	}
	metadata["format"] = "pt" // what PyTorch's tools look for
	metadata[positionKey] = string(state)
	if err := writeTensors(filepath.Join(dir, CheckpointFile), c.Parameters, metadata); err != nil {
		return err
	}
	if err := removeVelocities(dir, p.Velocity); err != nil {
		return err
	}
	pretty, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(filepath.Join(dir, summaryFile), append(pretty, '\n'))
}

// SavePhase keeps the parameters with which phase k, counted from 1, ended: from
// there another training can go on with other step sizes.
func SavePhase(dir string, k int, parameters []safetensors.Tensor) error {
	file := filepath.Join(dir, fmt.Sprintf("phase-%d.safetensors", k))
	return writeTensors(file, parameters, map[string]string{"format": "pt"})
}

func writeTensors(path string, tensors []safetensors.Tensor, metadata map[string]string) error {
	return atomicfile.Write(path, func(w io.Writer) error { return safetensors.Write(w, tensors, metadata) })
}

// removeVelocities deletes the velocity files of older checkpoints.
func removeVelocities(dir, keep string) error { return remove(dir, "velocity-", ".safetensors", keep) }

// Tidy removes what a kill may have left: temporary files, and velocities of
// older checkpoints.
func Tidy(dir string, p Position) error {
	if err := atomicfile.Clean(dir); err != nil {
		return err
	}
	return removeVelocities(dir, p.Velocity)
}

// LoadCheckpoint reads the run's latest checkpoint, nil if the run was killed
// before its first. It is an error if a checkpoint has been lost.
func LoadCheckpoint(dir string, momentum bool) (*Checkpoint, error) {
	path := filepath.Join(dir, CheckpointFile)
	tensors, metadata, err := safetensors.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, checkNeverSaved(dir)
	}
	if err != nil {
		return nil, err
	}
	c := &Checkpoint{Parameters: tensors}
	state, ours := metadata[positionKey]
	if !ours {
		return nil, fmt.Errorf("%s: not a checkpoint of a run, which says where it stands: begin another run from it", path)
	}
	if err := json.Unmarshal([]byte(state), &c.Position); err != nil {
		return nil, fmt.Errorf("%s: position: %w", path, err)
	}
	if c.Format > Format {
		return nil, fmt.Errorf("%s: of format %d, this program knows up to %d: written by a later largestep?", path, c.Format, Format)
	}
	if !momentum {
		return c, nil
	}
	if c.Velocity == "" {
		return nil, fmt.Errorf("%s: names no file of velocities, which momentum needs to go on", path)
	}
	c.Velocities, _, err = safetensors.ReadFile(filepath.Join(dir, filepath.Base(c.Velocity)))
	return c, err
}

// checkNeverSaved refuses to begin anew a run whose checkpoint has been lost.
func checkNeverSaved(dir string) error {
	status, err := record.ReadStatus(dir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, summaryFile)); errors.Is(err, fs.ErrNotExist) && status.Step == 0 {
		return nil
	}
	return fmt.Errorf("%s is missing, though the run had one: put it back, or delete %s and train again", filepath.Join(dir, CheckpointFile), dir)
}
