package trainer_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"largestep/metrics/record"
	"largestep/train/trainer"
)

// While a run goes on, somebody deletes a file of it, or puts another in its place:
// charts are made anew of the rows, rows are missed, and the status says so.
func TestFilesVanishWhileTraining(t *testing.T) {
	whole := options(t, small())
	runAll(t, whole)
	for _, replace := range []bool{false, true} {
		for _, pattern := range []string{"events.out.*", record.TableFile, record.StepsFile} {
			o := options(t, small())
			o.Hooks = trainer.Hooks{Row: func(r record.Row) {
				if r.Step != 4 {
					return
				}
				files, err := filepath.Glob(filepath.Join(o.Dir, pattern))
				check(t, err)
				if len(files) != 1 {
					t.Fatalf("%s: %v", pattern, files)
				}
				check(t, os.Remove(files[0]))
				if replace {
					check(t, os.WriteFile(files[0], nil, 0o666))
				}
			}}
			status, err := trainer.Run(context.Background(), o)
			if strings.HasPrefix(pattern, "events") {
				if err != nil || status.State != record.Finished || eventBytes(t, o.Dir) != eventBytes(t, whole.Dir) {
					t.Errorf("events: %+v, %v; %d bytes, want %d", status, err, eventBytes(t, o.Dir), eventBytes(t, whole.Dir))
				}
				continue
			}
			if !errors.Is(err, record.ErrLost) || !strings.Contains(err.Error(), pattern) {
				t.Errorf("%s: %+v, %v", pattern, status, err)
			}
			if saved, err := record.ReadStatus(o.Dir); err != nil || saved.State != record.Failed || !strings.Contains(saved.Message, pattern) {
				t.Errorf("%s: status.json %+v, %v", pattern, saved, err)
			}
		}
	}
}

// eventBytes is the size of the only event file of a run.
func eventBytes(t *testing.T, dir string) int64 {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "events.out.*"))
	check(t, err)
	if len(files) != 1 {
		t.Fatalf("event files: %v", files)
	}
	info, err := os.Stat(files[0])
	check(t, err)
	return info.Size()
}
