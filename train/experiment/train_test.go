package experiment

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"largestep/metrics/record"
	"largestep/train/catalog"
	"largestep/train/machine/cpu/cputest"
	"largestep/train/run"
	"largestep/train/schedule"
	"largestep/train/trainer"
)

// silent watches nothing but counts steps and runs that failed.
type silent struct {
	sync.Mutex
	steps  atomic.Int64
	failed []string
	plan   int
}

func (s *silent) Plan(_, steps int) { s.plan = steps }

func (s *silent) Begin(string, string) trainer.Hooks {
	at := 0
	return trainer.Hooks{
		Start: func(_ run.Config, step int) { at = step },
		Row:   func(r record.Row) { s.steps.Add(int64(r.Step - at)); at = r.Step },
	}
}

func (s *silent) End(dir string, _ record.Status, err error) {
	if err != nil {
		s.Lock()
		s.failed = append(s.failed, filepath.Base(dir))
		s.Unlock()
	}
}

func (*silent) Search(string) func(float64, bool) { return func(float64, bool) {} }

// treeOf are runs of one problem whose schedules part one after another, two seeds of
// each, and one of other settings.
func treeOf(t *testing.T, dir string, engines int) (*Experiment, *silent) {
	t.Helper()
	base := small(t, "least-squares")
	base.MaxSteps, base.LogSteps, base.Momentum, base.LabelNoise, base.EvalSteps = 120, true, 0.5, 0.01, 17
	base.CountEpochs()
	w := &silent{}
	e := &Experiment{Dir: dir, Problem: must(catalog.Find("least-squares")), Watcher: w, CheckpointEvery: time.Nanosecond}
	for range engines {
		e.Engines = append(e.Engines, cputest.New(t, 1))
	}
	for _, text := range []string{
		"0.1@0", "a:0.1@0,b:0.01@0.1", "a:0.1@0,b:0.01@0.3", "a:0.1@0,b:0.01@0.5", "a:0.1@0,b:0.01@0.5,c:0.001@0.9",
		"a:0.1@0~cosine,b:0.01@0.5", "a:0.1@0~exp:1.01,b:0.01@0.3", "a:0.1@0~exp:1.01,b:0.01@0.32",
	} {
		var s Setting
		for seed := range 2 {
			c := base
			c.Seed = uint64(seed)
			c.Schedule = parse(t, text)
			s.Runs = append(s.Runs, Run{Name: strings.NewReplacer(":", "-", "~", "-").Replace(fmt.Sprintf("%s-%d", text, seed)), Config: c})
		}
		e.Settings = append(e.Settings, s)
	}
	return e, w
}

func parse(t *testing.T, text string) schedule.Schedule {
	t.Helper()
	s, err := schedule.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func names(e *Experiment) (list []string) {
	for _, r := range e.runs() {
		list = append(list, r.Name)
	}
	return list
}

// leaves is what a run leaves but for times.
func leaves(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		switch {
		case e.Name() == record.LogFile || e.Name() == "checkpoint.json":
			continue
		case e.Name() == record.ConfigFile:
			text, _, _ = strings.Cut(text, `"environment"`)
		case e.Name() == record.TableFile:
			text = ""
			for line := range strings.Lines(string(b)) {
				cells := strings.Split(line, ",")
				text += strings.Join(cells[:len(cells)-2], ",") + "\n"
			}
		case strings.HasPrefix(e.Name(), "events."):
			text = fmt.Sprint(len(b))
			fmt.Fprintf(&all, "events: %s\n", text)
			continue
		}
		fmt.Fprintf(&all, "%s: %s\n", e.Name(), text)
	}
	return all.String()
}

// alone are what runs of treeOf leave that were trained alone.
var alone = map[string]string{}

// wantAlone compares all runs with the same ones trained alone.
func wantAlone(t *testing.T, e *Experiment) {
	t.Helper()
	for _, r := range e.runs() {
		if alone[r.Name] == "" {
			dir := filepath.Join(t.TempDir(), r.Name)
			if err := runIn(t, context.Background(), dir, r.Config); err != nil {
				t.Fatal(err)
			}
			alone[r.Name] = leaves(t, dir)
		}
		if got := leaves(t, filepath.Join(e.Dir, r.Name)); got != alone[r.Name] {
			t.Errorf("%s: other files than alone", r.Name)
		}
	}
}

// Runs that share a beginning end as those do that were trained alone, on any number of
// engines, interrupted or not, and take fewer steps.
func TestSharedBeginnings(t *testing.T) {
	for _, engines := range []int{1, 3} {
		e, w := treeOf(t, filepath.Join(t.TempDir(), "e"), engines)
		if err := e.Train(context.Background()); err != nil {
			t.Fatal(err)
		}
		wantAlone(t, e)
		// The second parts from the first in its phase's name. Those that decay at 30
		// and 50 % share 12 and 36 steps, the one with a third phase 108; the growing
		// ones 36; the first step of cosine and growth is the constant one's.
		if want := int64(2 * (8*120 - 12 - 36 - 108 - 36 - 1 - 1)); w.steps.Load() != want || w.plan != int(want) {
			t.Errorf("%d engines: %d steps, %d planned, want %d", engines, w.steps.Load(), w.plan, want)
		}
	}
}

func TestInterruptedExperiment(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, engines := range []int{1, 3} {
		dir := filepath.Join(t.TempDir(), "e")
		cuts := 0
		for range 100 {
			e, _ := treeOf(t, dir, engines)
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rng.Float64()*200)*time.Millisecond)
			err := e.Train(ctx)
			cancel()
			if err == nil {
				break
			}
			if !errors.Is(err, trainer.ErrInterrupted) {
				t.Fatal(err)
			}
			cuts++
		}
		e, _ := treeOf(t, dir, engines)
		if err := e.Train(context.Background()); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d engines: interrupted %d times", engines, cuts)
		wantAlone(t, e)
	}
}

// Two that train the same runs share them.
func TestTwoExperimentsOnOneFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "e")
	errs := make(chan error)
	var both [2]*silent
	var last *Experiment
	for i := range both {
		e, w := treeOf(t, dir, 2)
		last, both[i] = e, w
		go func() { errs <- e.Train(context.Background()) }()
	}
	for range both {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	wantAlone(t, last)
	if a, b := both[0].steps.Load(), both[1].steps.Load(); a == 0 || b == 0 {
		t.Errorf("one took %d steps, the other %d", a, b)
	}
}

// A folder of which some runs cannot be made as long as is asked for is left as it is.
func TestFolderOfShorterRuns(t *testing.T) {
	e, _ := treeOf(t, filepath.Join(t.TempDir(), "e"), 1)
	e.Settings = e.Settings[:2] // the first can be
	if err := e.Train(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := e.CheckFolder(); err != nil {
		t.Errorf("as they are: %v", err)
	}
	for i := range e.Settings {
		for k := range e.Settings[i].Runs {
			e.Settings[i].Runs[k].Config.MaxSteps *= 2
			e.Settings[i].Runs[k].Config.CountEpochs()
		}
	}
	if err := e.CheckFolder(); !errors.As(err, new(*FolderError)) || !errors.Is(err, run.ErrEndsOtherwise) {
		t.Errorf("twice as long: %v", err)
	}
}

// A run that fails does not end the others, nor does one that it should begin as.
func TestAFailedRun(t *testing.T) {
	e, w := treeOf(t, filepath.Join(t.TempDir(), "e"), 2)
	bad := slices.Index(names(e), "a-0.1@0,b-0.01@0.1-0")
	if bad < 0 {
		t.Fatal(names(e))
	}
	// A file in the place of a folder.
	if err := os.MkdirAll(e.Dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(e.Dir, names(e)[bad]), []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := e.Train(context.Background()); err == nil {
		t.Fatal("no error")
	}
	if len(w.failed) != 1 {
		t.Errorf("failed: %v", w.failed)
	}
	for i := range e.Settings {
		e.Settings[i].Runs = slices.DeleteFunc(e.Settings[i].Runs, func(r Run) bool { return r.Name == w.failed[0] })
	}
	wantAlone(t, e)
}

// A run of the list trained alone begins others where it can.
func TestTrainOne(t *testing.T) {
	e, w := treeOf(t, filepath.Join(t.TempDir(), "e"), 1)
	n := len(names(e))
	for i := n - 1; i >= 0; i-- { // the heirs first: nothing to begin with
		if err := e.TrainOne(context.Background(), names(e)[i]); err != nil {
			t.Fatal(err)
		}
	}
	if w.steps.Load() != int64(120*n) {
		t.Errorf("%d steps", w.steps.Load())
	}
	wantAlone(t, e)
	if err := e.TrainOne(context.Background(), "none"); err == nil {
		t.Error("a run that there is not")
	}
}

// A run that another process trains is waited for, and taken over when that ends.
func TestALockedRun(t *testing.T) {
	e, _ := treeOf(t, filepath.Join(t.TempDir(), "e"), 2)
	release, err := run.Lock(filepath.Join(e.Dir, names(e)[2]))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- e.Train(context.Background()) }()
	select {
	case err := <-done:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(1500 * time.Millisecond):
	}
	release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	wantAlone(t, e)
}
