package run

import (
	"cmp"
	"errors"
	"path/filepath"
	"time"

	"largestep/metrics/record"
)

// Records are the growing files of a run folder.
type Records struct {
	Log    *record.Log
	net    []string // the net's own columns
	table  *record.TableWriter
	steps  *record.StepsWriter // nil unless the config asks for it
	events *record.EventWriter
}

// Sizes is how far the files had grown at a checkpoint, in bytes.
type Sizes struct {
	Table      int64  `json:"metrics"`
	Steps      int64  `json:"steps"`
	Events     int64  `json:"events"`
	EventsFile string `json:"events_file"`
}

// OpenRecords opens the files to go on from the sizes; zero sizes start over.
func OpenRecords(dir string, net []string, logSteps bool, at Sizes) (*Records, error) {
	r := &Records{net: net}
	var err error
	if r.Log, err = record.OpenLog(filepath.Join(dir, record.LogFile)); err != nil {
		return nil, err
	}
	if r.table, err = record.ResumeTable(filepath.Join(dir, record.TableFile), net, at.Table); err != nil {
		return nil, cmp.Or(err, r.Close())
	}
	if logSteps {
		if r.steps, err = record.ResumeSteps(filepath.Join(dir, record.StepsFile), at.Steps); err != nil {
			return nil, cmp.Or(err, r.Close())
		}
	}
	if r.events, err = openEvents(dir, at); err != nil {
		return nil, cmp.Or(err, r.Close())
	}
	return r, nil
}

func openEvents(dir string, at Sizes) (*record.EventWriter, error) {
	if at.EventsFile != "" {
		return record.ResumeEvents(filepath.Join(dir, filepath.Base(at.EventsFile)), at.Events, time.Now())
	}
	// A run that starts over leaves the events of its first try to nobody.
	if err := remove(dir, "events.out.tfevents.", "", ""); err != nil {
		return nil, err
	}
	return record.CreateEvents(dir, time.Now())
}

// Row appends an evaluation to the table and the events.
func (r *Records) Row(row record.Row) error {
	if err := r.table.Append(row); err != nil {
		return err
	}
	return r.events.Row(row, r.net, time.Now())
}

// Step appends an update to steps.csv, if the config asks for it.
func (r *Records) Step(row record.StepRow) error {
	if r.steps == nil {
		return nil
	}
	return r.steps.Append(row)
}

// Sync makes everything durable and returns how far the files have grown.
func (r *Records) Sync() (s Sizes, err error) {
	if s.Table, err = r.table.Sync(); err != nil {
		return s, err
	}
	if r.steps != nil {
		if s.Steps, err = r.steps.Sync(); err != nil {
			return s, err
		}
	}
	s.Events, err = r.events.Sync()
	s.EventsFile = r.events.Name()
	return s, err
}

// Close closes the files.
func (r *Records) Close() error {
	var errs []error
	if r.table != nil {
		errs = append(errs, r.table.Close())
	}
	if r.steps != nil {
		errs = append(errs, r.steps.Close())
	}
	if r.events != nil {
		errs = append(errs, r.events.Close())
	}
	return errors.Join(append(errs, r.Log.Close())...)
}
