package run

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"largestep/metrics/record"
)

// Records are the growing files of a run folder.
type Records struct {
	Log        *record.Log
	dir        string
	config     Config
	net        []string // the net's own columns
	table      *record.TableWriter
	steps      *record.StepsWriter      // nil unless the config asks for it
	histograms *record.HistogramsWriter // likewise
	events     *record.EventWriter
}

// Sizes is how far the files had grown at a checkpoint, in bytes.
type Sizes struct {
	Table         int64  `json:"metrics"`
	Steps         int64  `json:"steps"`
	Histograms    int64  `json:"histograms,omitempty"`
	Events        int64  `json:"events"`
	EventsFile    string `json:"events_file"`              // "" if they are to be begun anew
	TableSum      string `json:"metrics_sha256,omitempty"` // of so many bytes; "" of programs that did not note it
	StepsSum      string `json:"steps_sha256,omitempty"`
	HistogramsSum string `json:"histograms_sha256,omitempty"`
}

// OpenRecords opens the files to go on from the sizes; zero sizes start over.
func OpenRecords(dir string, net []string, c Config, at Sizes) (*Records, error) {
	r := &Records{dir: dir, config: c, net: net}
	if err := r.open(at); err != nil {
		r.Close() // which says the same again
		return nil, err
	}
	return r, nil
}

func (r *Records) open(at Sizes) (err error) {
	if r.Log, err = record.OpenLog(filepath.Join(r.dir, record.LogFile)); err != nil {
		return err
	}
	if r.table, err = record.ResumeTable(filepath.Join(r.dir, record.TableFile), r.net, at.Table, at.TableSum); err != nil {
		return err
	}
	if r.config.LogSteps {
		if r.steps, err = record.ResumeSteps(filepath.Join(r.dir, record.StepsFile), at.Steps, at.StepsSum); err != nil {
			return err
		}
	}
	if r.config.Histograms {
		if r.histograms, err = record.ResumeHistograms(filepath.Join(r.dir, record.HistogramsFile), at.Histograms, at.HistogramsSum); err != nil {
			return err
		}
	}
	r.events, err = r.openEvents(at)
	return err
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

// Row appends an evaluation to the table and the events.
func (r *Records) Row(row record.Row) error {
	if err := r.table.Append(row); err != nil {
		return err
	}
	return r.events.Row(row, r.net, time.Now())
}

// Step appends an update to steps.csv and the events, if the config asks for it.
func (r *Records) Step(row record.StepRow) error {
	if r.steps == nil {
		return nil
	}
	if err := r.steps.Append(row); err != nil {
		return err
	}
	return r.events.StepLoss(row, time.Now())
}

// Histograms appends those of an evaluation, after its row, if the config asks for
// them.
func (r *Records) Histograms(step int, list []record.Histogram) error {
	if r.histograms == nil {
		return nil
	}
	if err := r.histograms.Append(step, list); err != nil {
		return err
	}
	return r.events.Histograms(step, list, time.Now())
}

// Sync makes everything durable and returns how far the files have grown. It is an
// error if rows are gone; events that are gone are begun anew.
func (r *Records) Sync() (s Sizes, err error) {
	if s.Table, s.TableSum, err = sync(r.table); err != nil {
		return s, err
	}
	if r.steps != nil {
		if s.Steps, s.StepsSum, err = sync(r.steps); err != nil {
			return s, err
		}
	}
	if r.histograms != nil {
		if s.Histograms, s.HistogramsSum, err = sync(r.histograms); err != nil {
			return s, err
		}
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

// rows is a file of rows.
type rows interface {
	Gone() bool
	Path() string
	Sync() (size int64, err error)
	Sum() string
}

func sync(file rows) (size int64, sum string, err error) {
	if file.Gone() {
		return 0, "", fmt.Errorf("%s was deleted, or replaced, while the run went on: %w", file.Path(), record.ErrLost)
	}
	size, err = file.Sync()
	return size, file.Sum(), err
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
	if r.histograms != nil {
		errs = append(errs, r.histograms.Close())
	}
	if r.events != nil {
		errs = append(errs, r.events.Close())
	}
	if r.Log != nil {
		errs = append(errs, r.Log.Close())
	}
	return errors.Join(errs...)
}
