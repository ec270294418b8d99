package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"largestep/metrics/record"
)

// Open reads the records of a run folder, for figures and tables.
func Open(dir string) (*record.Run, error) {
	f, err := ReadConfig(dir)
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
	return record.OpenRun(dir, about)
}

// describe is what figures need to know of the config.
func (f *File) describe() (record.Config, error) {
	c := record.Config{
		Net: f.Net, Dataset: f.Dataset, Schedule: f.Schedule.Label(), Exact: f.Schedule.Exact(),
		Momentum: f.Momentum, Epochs: float64(f.Epochs), Steps: f.MaxSteps, Engine: f.Environment.Engine,
	}
	for _, p := range f.Schedule.Phases {
		c.Phases = append(c.Phases, record.Phase{Name: p.Name, Start: p.Start, StepSize: p.StepSize})
	}
	b, err := json.Marshal(f.Config)
	if err != nil {
		return c, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return c, d.Decode(&c.Options)
}
