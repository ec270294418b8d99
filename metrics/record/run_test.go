package record

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"testing"
)

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		check(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666))
	}
	return dir
}

func TestOpenRun(t *testing.T) {
	config := Config{Net: "resnet18", Epochs: 40}
	dir := t.TempDir()
	r, err := OpenRun(dir, config)
	check(t, err)
	if r.Status.State != Running || len(r.Rows) != 0 {
		t.Errorf("a run that just began: %+v", r)
	}
	status := Status{State: Diverged, Step: 12, Epoch: 0.5, Message: "the loss is NaN"}
	check(t, WriteStatus(dir, status))
	w, err := ResumeTable(filepath.Join(dir, TableFile), active, 0, "")
	check(t, err)
	check(t, w.Append(rows(1)[0]))
	check(t, w.Close())
	s, err := ResumeSteps(filepath.Join(dir, StepsFile), 0, "")
	check(t, err)
	check(t, s.Append(StepRow{Step: 3}))
	check(t, s.Close())
	r, err = OpenRun(dir, config)
	check(t, err)
	if r.Dir != dir || r.Status != status || !reflect.DeepEqual(r.Config, config) || len(r.Rows) != 1 {
		t.Errorf("got %+v", r)
	}
	if steps, err := r.Steps(); err != nil || len(steps) != 1 || steps[0].Step != 3 {
		t.Errorf("steps %v, %v", steps, err)
	}
}

func TestOpenRunRefuses(t *testing.T) {
	for _, c := range []struct {
		files map[string]string
		want  string
	}{
		{map[string]string{StatusFile: `{"state": "asleep"}`}, `status.json: unknown state "asleep"`},
		{map[string]string{StatusFile: ""}, "status.json: the file is empty: delete it, and the run can be resumed"},
		{map[string]string{StatusFile: "\n"}, "status.json: the file is empty"},
		{map[string]string{PlateausFile: ""}, "plateaus.json: the file is empty: delete it"},
		{map[string]string{TableFile: "x\n"}, "metrics.csv:1: "},
		{map[string]string{PlateausFile: "["}, "plateaus.json: "},
	} {
		_, err := OpenRun(folder(t, c.files), Config{})
		wantError(t, err, c.want)
	}
}

// A run that has ended has a row at its end, or, if it diverged, not long before.
func TestOpenRunWithoutLastRows(t *testing.T) {
	for _, c := range []struct {
		state State
		step  int
		rows  []int
		want  string
	}{
		{Finished, 40, []int{0, 20, 40}, ""},
		{Finished, 40, []int{0, 20}, "metrics.csv: the last row is of step 20, but the run has finished at step 40: put it back whole, or delete"},
		{Finished, 40, nil, "metrics.csv: no rows, but the run has finished"},
		{Finished, 40, []int{0, 50}, "the last row is of step 50"},
		{Diverged, 7, []int{0}, ""},
		{Diverged, 40, []int{0, 20}, ""},
		{Diverged, 59, []int{0, 20, 40}, ""},
		{Diverged, 59, []int{0, 20}, "the last row is of step 20, but the run has diverged at step 59"},
		{Diverged, 7, nil, "no rows, but the run has diverged"},
		{Running, 40, []int{0}, ""},
		{Failed, 40, []int{0, 20}, ""},
	} {
		dir := t.TempDir()
		check(t, WriteStatus(dir, Status{State: c.state, Step: c.step}))
		w, err := ResumeTable(filepath.Join(dir, TableFile), nil, 0, "")
		check(t, err)
		for _, step := range c.rows {
			check(t, w.Append(Row{Step: step}))
		}
		check(t, w.Close())
		if _, err := OpenRun(dir, Config{}); c.want == "" {
			check(t, err)
		} else {
			wantError(t, err, c.want)
		}
	}
}

func FuzzStatus(f *testing.F) {
	f.Add([]byte(`{"state": "finished", "step": 1, "epoch": 2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := parseStatus(b); err == nil && s.State == "" {
			t.Error("no state")
		}
	})
}

func TestLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), LogFile)
	check(t, os.WriteFile(path, []byte("cut sho"), 0o666))
	l, err := OpenLog(path)
	check(t, err)
	check(t, l.Printf("epoch %d", 3))
	check(t, l.Close())
	l, err = OpenLog(path)
	check(t, err)
	check(t, l.Printf("two\nlines\n"))
	check(t, l.Close())
	const stamp = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ `
	want := regexp.MustCompile("^cut sho\n" + stamp + "epoch 3\n" + stamp + "two \\| lines\n$")
	if got := fileBytes(t, path); !want.MatchString(got) {
		t.Errorf("log %q", got)
	}
}
