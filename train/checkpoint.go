package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"largestep/metrics"
	"largestep/metrics/atomicfile"
	"largestep/nets"
	"largestep/train/machine"
	"largestep/train/safetensors"
)

const (
	checkpointFile = "checkpoint.safetensors"
	summaryFile    = "checkpoint.json" // the progress, for people
	progressKey    = "largestep"       // of the checkpoint's metadata
)

// progress is where a training stands, beside its parameters.
type progress struct {
	Step      int         `json:"step"`
	LossSum   float64     `json:"loss_sum"`      // mini-batch losses since the last row
	LossCount int         `json:"loss_count"`    //
	Seconds   float64     `json:"seconds"`       // of the whole run
	Training  float64     `json:"training"`      // seconds of steps since the last row
	Images    int         `json:"images"`        // trained on since the last row
	Records   recordSizes `json:"records"`       // what was in the record files
	Velocity  string      `json:"velocity_file"` // "" without momentum
}

// saveCheckpoint makes the state on the engine and the progress the run's latest
// checkpoint. The rename of checkpoint.safetensors is the instant at which it
// counts: the velocities, which PyTorch's model would not know, lie in a file of
// their own that its metadata names.
func saveCheckpoint(dir string, vars *machine.Variables, m *nets.Model, momentum bool, metadata map[string]string, p progress) error {
	parameters, err := exportParameters(vars, m.Variables, p.Step)
	if err != nil {
		return err
	}
	if momentum {
		p.Velocity = fmt.Sprintf("velocity-%d.safetensors", p.Step)
		velocities, err := exportVelocities(vars, m.Variables)
		if err != nil {
			return err
		}
		if err := writeTensors(filepath.Join(dir, p.Velocity), velocities, nil); err != nil {
			return err
		}
	}
	state, err := json.Marshal(p)
	if err != nil {
		return err
	}
	metadata["format"] = "pt" // what PyTorch's tools look for
	metadata[progressKey] = string(state)
	if err := writeTensors(filepath.Join(dir, checkpointFile), parameters, metadata); err != nil {
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

// savePhase keeps the parameters with which phase k, counted from 1, ended: from
// there another training can go on with other step sizes.
func savePhase(dir string, k int, vars *machine.Variables, m *nets.Model, step int) error {
	parameters, err := exportParameters(vars, m.Variables, step)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, fmt.Sprintf("phase-%d.safetensors", k))
	return writeTensors(file, parameters, map[string]string{"format": "pt"})
}

func exportVelocities(vars *machine.Variables, variables []*nets.Variable) ([]safetensors.Tensor, error) {
	var out []safetensors.Tensor
	for _, name := range velocityNames(variables) {
		t, err := download(vars, name)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
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

func writeTensors(path string, tensors []safetensors.Tensor, metadata map[string]string) error {
	return atomicfile.Write(path, func(w io.Writer) error { return safetensors.Write(w, tensors, metadata) })
}

// removeVelocities deletes the velocity files of older checkpoints.
func removeVelocities(dir, keep string) error {
	files, err := filepath.Glob(filepath.Join(dir, "velocity-*.safetensors"))
	if err != nil {
		return err
	}
	for _, f := range files {
		if filepath.Base(f) != keep {
			if err := os.Remove(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkNeverSaved refuses to begin anew a run whose checkpoint has been lost.
func checkNeverSaved(dir string) error {
	status, err := metrics.ReadStatus(dir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, summaryFile)); errors.Is(err, fs.ErrNotExist) && status.Step == 0 {
		return nil
	}
	return fmt.Errorf("%s is missing, though the run had one: put it back, or delete %s and train again", filepath.Join(dir, checkpointFile), dir)
}

// loadCheckpoint fills the engine from the run's latest checkpoint. ok is false
// if the run was killed before its first.
func loadCheckpoint(dir string, vars *machine.Variables, m *nets.Model, momentum bool) (p progress, ok bool, err error) {
	path := filepath.Join(dir, checkpointFile)
	tensors, metadata, err := safetensors.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, false, nil
	}
	if err != nil {
		return p, false, err
	}
	state, ours := metadata[progressKey]
	if !ours {
		return p, false, fmt.Errorf("%s: not a checkpoint of a run; use it with --init", path)
	}
	if err := json.Unmarshal([]byte(state), &p); err != nil {
		return p, false, fmt.Errorf("%s: progress: %w", path, err)
	}
	if err := importParameters(vars, m.Variables, tensors); err != nil {
		return p, false, fmt.Errorf("%s: %w", path, err)
	}
	if !momentum {
		return p, true, nil
	}
	if p.Velocity == "" {
		return p, false, fmt.Errorf("%s: names no file of velocities, which momentum needs to go on", path)
	}
	path = filepath.Join(dir, filepath.Base(p.Velocity))
	if tensors, _, err = safetensors.ReadFile(path); err != nil {
		return p, false, err
	}
	if err := importTensors(vars, velocityNames(m.Variables), tensors); err != nil {
		return p, false, fmt.Errorf("%s: %w", path, err)
	}
	return p, true, nil
}
