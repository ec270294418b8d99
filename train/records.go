package train

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"time"

	"largestep/metrics"
)

// records are the growing files of a run folder.
type records struct {
	net    []string // the net's own columns
	table  *metrics.TableWriter
	steps  *metrics.StepsWriter // nil unless the config asks for it
	events *metrics.EventWriter
	log    *metrics.Log
}

// recordSizes is how far the files had grown at a checkpoint, in bytes.
type recordSizes struct {
	Table      int64  `json:"metrics"`
	Steps      int64  `json:"steps"`
	Events     int64  `json:"events"`
	EventsFile string `json:"events_file"`
}

// openRecords opens the files to go on from the sizes; zero sizes start over.
func openRecords(dir string, net []string, logSteps bool, at recordSizes) (*records, error) {
	r := &records{net: net}
	var err error
	if r.log, err = metrics.OpenLog(filepath.Join(dir, metrics.LogFile)); err != nil {
		return nil, err
	}
	if r.table, err = metrics.ResumeTable(filepath.Join(dir, metrics.TableFile), net, at.Table); err != nil {
		return nil, cmp.Or(err, r.close())
	}
	if logSteps {
		if r.steps, err = metrics.ResumeSteps(filepath.Join(dir, metrics.StepsFile), at.Steps); err != nil {
			return nil, cmp.Or(err, r.close())
		}
	}
	if r.events, err = openEvents(dir, at); err != nil {
		return nil, cmp.Or(err, r.close())
	}
	return r, nil
}

func openEvents(dir string, at recordSizes) (*metrics.EventWriter, error) {
	if at.EventsFile != "" {
		return metrics.ResumeEvents(filepath.Join(dir, filepath.Base(at.EventsFile)), at.Events, time.Now())
	}
	// A run that starts over leaves the events of its first try to nobody.
	old, err := filepath.Glob(filepath.Join(dir, "events.out.tfevents.*"))
	if err != nil {
		return nil, err
	}
	for _, f := range old {
		if err := os.Remove(f); err != nil {
			return nil, err
		}
	}
	return metrics.CreateEvents(dir, time.Now())
}

// row appends an evaluation to the table and the events.
func (r *records) row(row metrics.Row) error {
	if err := r.table.Append(row); err != nil {
		return err
	}
	return r.events.Row(row, r.net, time.Now())
}

// sync makes everything durable and returns how far the files have grown.
func (r *records) sync() (s recordSizes, err error) {
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

func (r *records) close() error {
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
	return errors.Join(append(errs, r.log.Close())...)
}
