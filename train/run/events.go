package run

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"largestep/metrics/record"
)

// Events for TensorBoard can be made of the other records at any time: these here
// are the same, but for their times, as those of a run that wrote them as it went.

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
	if err := r.fill(events, now); err != nil {
		events.Close() // which says the same again
		return nil, err
	}
	return events, nil
}

// fill makes the events of all rows.
func (r *Records) fill(events *record.EventWriter, now time.Time) error {
	text, err := r.config.markdown()
	if err != nil {
		return err
	}
	table, err := record.ReadTable(filepath.Join(r.dir, record.TableFile))
	if err != nil {
		return err
	}
	took := func(row record.Row) time.Duration { return time.Duration(row.Seconds * float64(time.Second)) }
	start, histograms := now, map[int][]record.Histogram{}
	if n := len(table.Rows); n > 0 {
		start = now.Add(-took(table.Rows[n-1]))
	}
	if err := events.Begin(r.config.settings(), text, start); err != nil {
		return err
	}
	if r.histograms != nil {
		if histograms, err = record.ReadHistograms(r.histograms.Path()); err != nil {
			return err
		}
	}
	steps, err := r.openStepEvents(events)
	if err != nil {
		return err
	}
	defer steps.close()
	for _, row := range table.Rows {
		at := start.Add(took(row))
		if err := steps.until(row.Step, at); err != nil {
			return err
		}
		if err := events.Row(row, r.net, at); err != nil {
			return err
		}
		if err := events.Histograms(row.Step, histograms[row.Step], at); err != nil {
			return err
		}
	}
	return steps.until(steps.len(), now)
}

// stepEvents makes events of steps.csv, from the first row on.
type stepEvents struct {
	events *record.EventWriter
	losses *record.StepLosses // nil if there are none
	next   int
}

func (r *Records) openStepEvents(events *record.EventWriter) (s stepEvents, err error) {
	s.events = events
	if r.steps == nil {
		return s, nil
	}
	s.losses, err = record.OpenStepLosses(context.Background(), r.steps.Path())
	return s, err
}

func (s *stepEvents) len() int {
	if s.losses == nil {
		return 0
	}
	return s.losses.Len()
}

// until makes those of the steps before one.
func (s *stepEvents) until(step int, at time.Time) error {
	if s.losses == nil {
		return nil
	}
	for loss := range s.losses.From(s.next, min(step, s.losses.Len())) {
		if err := s.events.StepLoss(record.StepRow{Step: s.next, BatchLoss: loss}, at); err != nil {
			return err
		}
		s.next++
	}
	return s.losses.Err()
}

func (s *stepEvents) close() {
	if s.losses != nil {
		s.losses.Close()
	}
}

// settings are the choices of a config, each a number, a word or a truth value, with
// those that sum up its schedule in the place of that.
func (c Config) settings() map[string]record.Setting {
	all := map[string]any{}
	if b, err := json.Marshal(c); err != nil || json.Unmarshal(b, &all) != nil {
		panic("a config is no JSON") // its checkpoints have it as such
	}
	if c.Width == 0 { // a small problem
		delete(all, "width")
	}
	for _, name := range append([]string{"init_sha256"}, Recording...) { // no choice, or of no bit
		delete(all, name)
	}
	settings := map[string]record.Setting{}
	for name, value := range all {
		switch value := value.(type) {
		case float64, string, bool:
			settings[name] = value
		case []any:
			settings[name] = strings.Trim(fmt.Sprint(value), "[]")
		}
	}
	settings["schedule"], settings["step_size"] = c.Schedule.Exact(), c.Schedule.First()
	if at, ok := c.Schedule.DecayAt(); ok {
		settings["decay_at"] = at
	}
	return settings
}

// markdown is the config as a file of settings, for people.
func (c Config) markdown() (string, error) {
	b, err := json.MarshalIndent(formatted{Format, c}, "    ", "  ")
	return "    " + string(b) + "\n", err // four spaces: as it stands
}

// OpenEnd opens the files to write the end of a run that was killed after its last
// checkpoint: all rows are there, and the events are begun anew.
func OpenEnd(dir string, net []string, c Config) (*Records, error) {
	sizes, err := wholeRecords(dir, c)
	if err != nil {
		return nil, err
	}
	return OpenRecords(dir, net, c, sizes)
}

// End makes the events of the end of a run, whose other records are complete, with a
// picture of its curves, a PNG, if there is one.
func (r *Records) End(status record.Status, picture []byte) error {
	if err := r.events.End(status.Step, status.State, picture, time.Now()); err != nil {
		return err
	}
	_, err := r.events.Sync()
	return err
}
