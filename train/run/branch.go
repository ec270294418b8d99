package run

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"

	"largestep/metrics/atomicfile"
	"largestep/metrics/record"
)

// Shared is how many steps two trainings take alike, to the last bit and to the
// last byte of their records: those before their schedules part. Of other settings
// they take none.
func Shared(a, b Config) int {
	x, y := a, b
	x.Schedule, y.Schedule = a.Schedule, a.Schedule
	u, v := reflect.ValueOf(x), reflect.ValueOf(y)
	for i := range u.NumField() {
		if !same(u.Field(i), v.Field(i)) {
			return 0
		}
	}
	total := a.Steps()
	for step := range total {
		i, k := a.Phase(step), b.Phase(step)
		if i != k || a.Schedule.Phases[i].Name != b.Schedule.Phases[k].Name || a.StepSize(step) != b.StepSize(step) {
			return step
		}
	}
	return total
}

// Branch begins a run with another's records and its state, at a step up to which
// both are alike. A run that has a checkpoint stays as it is. The checkpoint is
// written last: without it, the run begins at its first step.
func Branch(from, to string, c Config, e Environment, at Checkpoint, metadata map[string]string) error {
	release, err := Lock(to)
	if err != nil {
		return err
	}
	defer release()
	file, status, err := Inspect(to)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(to, CheckpointFile)); err == nil || status.Step > 0 {
		return nil
	}
	if file == nil {
		if err := WriteConfig(to, c, e); err != nil {
			return err
		}
	}
	if err := copyRecords(from, to, c, at); err != nil {
		return err
	}
	at.Sizes.Events, at.Sizes.EventsFile = 0, "" // which tell the settings: its own, that is
	if err := at.Save(to, 1, metadata); err != nil {
		return err
	}
	epoch := float64(at.Step) / float64(c.StepsPerEpoch())
	return record.WriteStatus(to, record.Status{State: record.Interrupted, Step: at.Step, Epoch: epoch})
}

// copyRecords copies what a run recorded before a checkpoint, and says so in the
// log.
func copyRecords(from, to string, c Config, at Checkpoint) error {
	type part struct {
		name string
		size int64 // -1 for all
	}
	files := []part{{record.TableFile, at.Sizes.Table}}
	if c.LogSteps {
		files = append(files, part{record.StepsFile, at.Sizes.Steps})
	}
	if c.Histograms {
		files = append(files, part{record.HistogramsFile, at.Sizes.Histograms})
	}
	for k := 1; k < len(c.Schedule.Phases) && c.Schedule.Start(k, c.Steps()) < at.Step; k++ {
		files = append(files, part{phaseFile(k), -1})
	}
	if err := remove(to, "events.out.tfevents.", ""); err != nil {
		return err
	}
	for _, f := range files {
		if err := copyStart(filepath.Join(from, f.name), filepath.Join(to, f.name), f.size); err != nil {
			return err
		}
	}
	log, err := record.OpenLog(filepath.Join(to, record.LogFile))
	if err != nil {
		return err
	}
	log.Printf("the first %d steps are those of %s, trained once for both", at.Step, from)
	return log.Close()
}

// copyStart copies the first size bytes of a file, or all if it is negative.
func copyStart(from, to string, size int64) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	return atomicfile.Write(to, func(w io.Writer) error {
		if size < 0 {
			_, err := io.Copy(w, f)
			return err
		}
		if _, err := io.CopyN(w, f, size); err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
		return nil
	})
}
