package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"largestep/metrics/record"
)

// Open reads the records of a run folder, for figures and tables.
func Open(dir string) (*record.Run, error) { return OpenFrom(os.ReadFile, dir) }

// OpenFrom is Open where files are read in another way.
func OpenFrom(read record.ReadFile, dir string) (*record.Run, error) {
	f, err := readConfig(read, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: not a run folder: it has no %s", dir, record.ConfigFile)
	}
	if err != nil {
		return nil, err
	}
	about, err := f.describe()
	if err != nil {
		return nil, err
	}
	return record.OpenRunFrom(read, dir, about)
}

// describe is what figures need to know of the config.
func (f *File) describe() (record.Config, error) {
	c := record.Config{
		Net: f.Net, Dataset: f.Dataset, Schedule: f.Schedule.Label(), Exact: f.Schedule.Exact(),
		Momentum: f.Momentum, Epochs: float64(f.Epochs), Steps: f.MaxSteps, Engine: f.Environment.Engine,
		Recording: Recording,
	}
	for i, p := range f.Schedule.Phases {
		c.Phases = append(c.Phases, record.Phase{Name: p.Name, Start: p.Start, StepSize: p.StepSize, WarmUp: i == 0 && f.Schedule.WarmsUp()})
	}
	var err error
	if c.Options, err = keysOf(f.Config); err != nil {
		return c, err
	}
	c.File, err = keysOf(f)
	return c, err
}

// keysOf is config.json or a part of it by its keys.
func keysOf(part any) (keys map[string]any, err error) {
	b, err := json.Marshal(part)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	err = d.Decode(&keys)
	return keys, err
}
