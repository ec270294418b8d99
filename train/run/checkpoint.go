package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"largestep/metrics/atomicfile"
	"largestep/metrics/record"
	"largestep/train/safetensors"
)

const (
	CheckpointFile = "checkpoint.safetensors"
	summaryFile    = "checkpoint.json"  // of programs before: the position, for people
	positionKey    = "largestep"        // of the checkpoint's metadata
	configKey      = "largestep.config" // of the checkpoint's metadata
)

// Position is where a training stands, beside its parameters.
type Position struct {
	Format    int     `json:"format"`
	Step      int     `json:"step"`
	Part      int     `json:"part,omitempty"`           // of the step under way, those that are done
	Due       bool    `json:"evaluation_due,omitempty"` // no row of this step has been written
	LossSum   float64 `json:"loss_sum"`                 // mini-batch losses since the last row
	LossCount int     `json:"loss_count"`               //
	// CurvatureSum is that of what steps since the last row measured along their
	// gradients, CurvatureCount of how many of them.
	CurvatureSum   float64 `json:"curvature_sum,omitempty"`
	CurvatureCount int     `json:"curvature_count,omitempty"`
	Seconds        float64 `json:"seconds"`       // of the whole run
	Training       float64 `json:"training"`      // seconds of steps since the last row
	Images         int     `json:"images"`        // trained on since the last row
	Sizes          Sizes   `json:"records"`       // what was in the record files
	Velocity       string  `json:"velocity_file"` // of the rest of the state; "" if the parameters are all
	// VelocitySum is the checksum that file has.
	VelocitySum string `json:"velocity_sha256,omitempty"`
	// Kernels are what computed the training so far, each name once.
	Kernels []string `json:"kernels,omitempty"`
	// Diverged is, of a run that has, the last finite state being this one, how.
	Diverged *Divergence `json:"diverged,omitempty"`
}

// Divergence is how a run diverged.
type Divergence struct {
	Step    int    `json:"step"`
	Message string `json:"message"`
}

// label tells checkpoints of a run apart in the names of files.
func (p Position) label() string {
	if p.Part > 0 {
		return fmt.Sprintf("%d-%d", p.Step, p.Part)
	}
	return fmt.Sprint(p.Step)
}

// Checkpoint is a state of a training from which it goes on.
type Checkpoint struct {
	Position
	Config     *Config // that was trained; nil of programs that did not note it
	Parameters []safetensors.Tensor
	// Velocities are those of momentum, and what there is of a step under way.
	Velocities []safetensors.Tensor
}

// IsCheckpoint tells from a file's metadata whether it is one of a run.
func IsCheckpoint(metadata map[string]string) bool { return metadata[positionKey] != "" }

// Save makes a checkpoint the run's latest. The rename of
// checkpoint.safetensors is the instant at which it counts: the velocities, which
// PyTorch's model would not know, lie in a file of their own that its metadata
// names. The checkpoint before and the latest older ones, so many in all, stay
// under other names. The metadata are those for other programs.
func (c Checkpoint) Save(dir string, older int, metadata map[string]string) error {
	p := c.Position
	p.Format, p.Velocity, p.VelocitySum = Format, "", ""
	if len(c.Velocities) > 0 {
		p.Velocity = "velocity-" + p.label() + ".safetensors"
		var err error
		if p.VelocitySum, err = writeTensors(filepath.Join(dir, p.Velocity), c.Velocities, nil); err != nil {
			return err
		}
	}
	state, err := json.Marshal(p)
	if err != nil {
		return err
	}
	config, err := json.Marshal(formatted{Format, *c.Config})
	if err != nil {
		return err
	}
	metadata["format"] = "pt" // what PyTorch's tools look for
	metadata[positionKey], metadata[configKey] = string(state), string(config)
	if err := setAside(dir, p); err != nil {
		return err
	}
	if _, err := writeTensors(filepath.Join(dir, CheckpointFile), c.Parameters, metadata); err != nil {
		return err
	}
	return removeOlder(dir, older, p)
}

// SaveParameters keeps parameters of a training under a name of their own: from
// there another one can go on with other step sizes. The metadata are those for
// other programs.
func SaveParameters(dir, name string, parameters []safetensors.Tensor, metadata map[string]string) error {
	metadata["format"] = "pt"
	_, err := writeTensors(filepath.Join(dir, name+".safetensors"), parameters, metadata)
	return err
}

// DamagedParameters tells of files that SaveParameters wrote under names that begin so,
// and that are damaged now.
func DamagedParameters(dir string, prefixes ...string) (damages []error) {
	for _, prefix := range prefixes {
		list, err := names(dir, prefix, ".safetensors")
		if err != nil {
			damages = append(damages, err)
		}
		for _, name := range list {
			if _, _, err := safetensors.ReadFile(filepath.Join(dir, name)); err != nil {
				damages = append(damages, err)
			}
		}
	}
	return damages
}

func phaseFile(k int) string { return fmt.Sprintf("phase-%d.safetensors", k) }

// writeTensors writes a file and returns its checksum.
func writeTensors(path string, tensors []safetensors.Tensor, metadata map[string]string) (sum string, err error) {
	metadata, err = safetensors.Sealed(tensors, metadata)
	if err != nil {
		return "", err
	}
	return metadata[safetensors.ChecksumKey], atomicfile.Write(path, func(w io.Writer) error { return safetensors.Write(w, tensors, metadata) })
}

// Tidy removes what a kill may have left beside the position from which a run goes
// on: temporary files, later checkpoints that are damaged, velocities of none.
func Tidy(dir string, p Position) error {
	if err := atomicfile.Clean(dir); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, summaryFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return removeOlder(dir, math.MaxInt, p)
}

// LoadCheckpoint reads the run's latest checkpoint or, if that is damaged, the
// latest older one that is whole, and says so; nil if the run was killed before its
// first. It is an error if a checkpoint has been lost.
func LoadCheckpoint(dir string, momentum bool) (c *Checkpoint, warning string, err error) {
	path := filepath.Join(dir, CheckpointFile)
	c, err = read(path, momentum)
	if err == nil {
		return c, "", nil
	}
	list, listErr := olderCheckpoints(dir)
	if _, missing := os.Lstat(path); errors.Is(missing, fs.ErrNotExist) && len(list) == 0 {
		return nil, "", checkNeverSaved(dir)
	}
	if listErr != nil || errors.Is(err, errNotDamaged) {
		return nil, "", errors.Join(err, listErr)
	}
	for _, o := range list {
		if older, olderErr := read(o.path, momentum); olderErr == nil {
			return older, fmt.Sprintf("%v; going on from the checkpoint before, %s", err, o.path), nil
		}
	}
	return nil, "", err
}

// errNotDamaged is wrapped by errors of a checkpoint that is whole.
var errNotDamaged = errors.New("")

func read(path string, momentum bool) (*Checkpoint, error) {
	tensors, metadata, err := safetensors.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := &Checkpoint{Parameters: tensors}
	state, ours := metadata[positionKey]
	if !ours {
		return nil, fmt.Errorf("%s: not a checkpoint of a run, which says where it stands: begin another run from it%w", path, errNotDamaged)
	}
	if err := json.Unmarshal([]byte(state), &c.Position); err != nil {
		return nil, fmt.Errorf("%s: position: %w", path, err)
	}
	if c.Format > Format {
		return nil, fmt.Errorf("%s: of format %d, this program knows up to %d: written by a later largestep?%w", path, c.Format, Format, errNotDamaged)
	}
	if config, ok := metadata[configKey]; ok {
		f, err := ParseConfig([]byte(config))
		if err != nil {
			return nil, fmt.Errorf("%s: its config %w", path, err)
		}
		c.Config = &f.Config
	}
	if c.Velocity == "" {
		if momentum {
			return nil, fmt.Errorf("%s: names no file of velocities, which momentum needs to go on%w", path, errNotDamaged)
		}
		return c, nil
	}
	return c, c.readVelocities(filepath.Join(filepath.Dir(path), filepath.Base(c.Velocity)))
}

func (c *Checkpoint) readVelocities(path string) error {
	tensors, metadata, err := safetensors.ReadFile(path)
	if err == nil && c.VelocitySum != "" && metadata[safetensors.ChecksumKey] != c.VelocitySum {
		err = fmt.Errorf("%s: not the file of which the checkpoint has the checksum", path)
	}
	c.Velocities = tensors
	return err
}

// Settle reads the run's last checkpoint back, and then removes the older ones but
// for those to keep.
func Settle(dir string, older int, momentum bool) error {
	c, err := read(filepath.Join(dir, CheckpointFile), momentum)
	if err != nil {
		return err
	}
	return removeOlder(dir, older, c.Position)
}

// checkNeverSaved refuses to begin anew a run whose checkpoint has been lost.
func checkNeverSaved(dir string) error {
	status, err := record.ReadStatus(dir)
	if err != nil {
		return err
	}
	velocities, err := names(dir, "velocity-", ".safetensors")
	if err != nil {
		return err
	}
	_, err = os.Stat(filepath.Join(dir, summaryFile))
	if errors.Is(err, fs.ErrNotExist) && status.Step == 0 && (len(velocities) == 0 || len(velocities) == 1 && strings.HasPrefix(velocities[0], "velocity-0.")) {
		return nil
	}
	return fmt.Errorf("%s is missing, though the run had one: put it back, or delete %s and train again", filepath.Join(dir, CheckpointFile), dir)
}
