package progress

import (
	"io"
	"strings"
	"testing"
	"time"

	"largestep/train/catalog"
	trainrun "largestep/train/run"
	"largestep/train/schedule"
	"largestep/train/trainer"
)

// smallConfig is what a small problem is trained with by default.
func smallConfig(t *testing.T, name string) trainrun.Config {
	t.Helper()
	p, err := catalog.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return p.Defaults(catalog.Circumstances{})
}

// What an earlier process has done does not count as done in no time.
func TestStopwatch(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	now := start.Add(10 * time.Second)
	for _, c := range []struct {
		first, done, total int64
		want               string
	}{
		{0, 100, 400, "[10s:30s]"},
		{500, 600, 1000, "[10s:40s]"},
		{500, 500, 1000, "[10s]"},
		{0, 100, -1, "[10s]"},
		{0, 100, 100, "[10s:0s]"},
		{990_000, 990_100, 1_000_000, "[10s:16m30s]"},
	} {
		if got := (stopwatch{start, c.first}).times(c.done, c.total, now); got != c.want {
			t.Errorf("%d to %d of %d: %s, want %s", c.first, c.done, c.total, got, c.want)
		}
	}
}

func TestPlace(t *testing.T) {
	c := smallConfig(t, "svm")
	c.MaxSteps, c.Epochs = 0, 50
	var err error
	if c.Schedule, err = schedule.Decay(0.7, 0.5); err != nil {
		t.Fatal(err)
	}
	for step, want := range map[int]string{1: "epoch 0, η 0.7", 500: "epoch 25, η 0.7", 501: "epoch 25, η 0.07", 1000: "epoch 50, η 0.007"} {
		if got := place(&c, trainer.Progress{Step: step, Steps: 1000}); got != want {
			t.Errorf("step %d: %q, want %q", step, got, want)
		}
	}
	c.MaxSteps = 1000
	if got := place(&c, trainer.Progress{Step: 700, Steps: 1000}); !strings.HasPrefix(got, "step 700, ") {
		t.Errorf("%q", got)
	}
}

func TestCount(t *testing.T) {
	for want, got := range map[string]string{
		"12.3 of 170.1 MB": count(12_345_678, 170_052_171, true),
		"12.3 MB":          count(12_345_678, -1, true),
		"1200 of 60000":    count(1200, 60000, false),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// What somebody should know of a run is told where nothing else is, too.
func TestWarningsOfABriefWatcher(t *testing.T) {
	var told strings.Builder
	w := Watcher{Out: io.Discard, Progress: &told, Brief: true}
	w.Begin("a run", "runs/a").Warn("its latest checkpoint is damaged")
	if want := "a run: its latest checkpoint is damaged\n"; told.String() != want {
		t.Errorf("it tells %q, want %q", told.String(), want)
	}
}
