package run

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"largestep/metrics/record"
)

// Records are the growing files of a run folder.
type Records struct {
	Log    *record.Log
	dir    string
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
	TableSum   string `json:"metrics_sha256,omitempty"` // of so many bytes; "" of programs that did not note it
	StepsSum   string `json:"steps_sha256,omitempty"`
}

// OpenRecords opens the files to go on from the sizes; zero sizes start over.
func OpenRecords(dir string, net []string, logSteps bool, at Sizes) (*Records, error) {
	r := &Records{dir: dir, net: net}
	var err error
	if r.Log, err = record.OpenLog(filepath.Join(dir, record.LogFile)); err != nil {
		return nil, err
	}
	if r.table, err = record.ResumeTable(filepath.Join(dir, record.TableFile), net, at.Table, at.TableSum); err != nil {
		return nil, cmp.Or(err, r.Close())
	}
	if logSteps {
		if r.steps, err = record.ResumeSteps(filepath.Join(dir, record.StepsFile), at.Steps, at.StepsSum); err != nil {
			return nil, cmp.Or(err, r.Close())
		}
	}
	if r.events, err = r.openEvents(at); err != nil {
		return nil, cmp.Or(err, r.Close())
	}
	return r, nil
}

// openEvents opens the events to go on, or begins them anew, from the rows, if they
// are gone or damaged.
func (r *Records) openEvents(at Sizes) (*record.EventWriter, error) {
	if at.EventsFile != "" {
		events, err := record.ResumeEvents(filepath.Join(r.dir, filepath.Base(at.EventsFile)), at.Events, time.Now())
		if err == nil {
			return events, nil
		}
		r.Log.Printf("events begun anew: %v", err)
	}
	return r.beginEvents()
}

// beginEvents makes an event file of the rows that there are. A run that starts over
// leaves the events of its first try to nobody.
func (r *Records) beginEvents() (*record.EventWriter, error) {
	if err := remove(r.dir, "events.out.tfevents.", ""); err != nil {
		return nil, err
	}
	now := time.Now()
	events, err := record.CreateEvents(r.dir, now)
	if err != nil {
		return nil, err
	}
	table, err := record.ReadTable(filepath.Join(r.dir, record.TableFile))
	if err != nil {
		return nil, errors.Join(err, events.Close())
	}
	for _, row := range table.Rows {
		last := table.Rows[len(table.Rows)-1]
		at := now.Add(-time.Duration((last.Seconds - row.Seconds) * float64(time.Second)))
		if err := events.Row(row, r.net, at); err != nil {
			return nil, errors.Join(err, events.Close())
		}
	}
	return events, nil
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

// Sync makes everything durable and returns how far the files have grown. It is an
// error if rows are gone; events that are gone are begun anew.
func (r *Records) Sync() (s Sizes, err error) {
	if r.table.Gone() {
		return s, fmt.Errorf("%s was deleted, or replaced, while the run went on: %w", r.table.Path(), record.ErrLost)
	}
	if s.Table, err = r.table.Sync(); err != nil {
		return s, err
	}
	s.TableSum = r.table.Sum()
	if r.steps != nil {
		if r.steps.Gone() {
			return s, fmt.Errorf("%s was deleted, or replaced, while the run went on: %w", r.steps.Path(), record.ErrLost)
		}
		if s.Steps, err = r.steps.Sync(); err != nil {
			return s, err
		}
		s.StepsSum = r.steps.Sum()
	}
	if r.events.Gone() {
		r.Log.Printf("events begun anew: %s was deleted", r.events.Path())
		r.events.Close()
		if r.events, err = r.beginEvents(); err != nil {
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
