package progress

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"largestep/metrics/record"
	"largestep/train/run"
	"largestep/train/trainer"
)

// Watcher shows how an experiment goes.
type Watcher struct {
	Out, Progress io.Writer
	Brief         bool // no lines but of trouble where nobody watches
	Jobs          int  // at a time
	Failures      bool // are told of at once

	sync.Mutex
	all    *board // of several at a time, on a terminal
	finish map[string]func()
	cut    []string // runs that were interrupted
	status record.Status
	told   []string // runs of other processes
	trials *Trials  // of the latest search
}

// Plan makes room for what is to come.
func (w *Watcher) Plan(runs, steps int) {
	if w.Jobs > 1 && isTerminal(w.Progress) {
		w.all = newBoard(w.Progress, runs, steps)
	}
}

// Begin follows a run.
func (w *Watcher) Begin(label, dir string) trainer.Hooks {
	w.Lock()
	defer w.Unlock()
	w.trials = nil
	switch {
	case w.all != nil:
		return w.all.follow(dir)
	case w.Brief && !isTerminal(w.Progress):
		return trainer.Hooks{Warn: warnings(w.Progress, label, dir)}
	}
	hooks, finish := Follow(w.Progress, label, dir)
	if w.finish == nil {
		w.finish = map[string]func(){}
	}
	w.finish[dir] = finish
	return hooks
}

// End says how a run ended.
func (w *Watcher) End(dir string, status record.Status, err error) {
	w.Lock()
	defer w.Unlock()
	if finish := w.finish[dir]; finish != nil {
		finish()
	}
	if w.all != nil {
		w.all.end(dir, !errors.Is(err, run.ErrLocked))
	}
	switch {
	case errors.Is(err, trainer.ErrInterrupted):
		w.cut, w.status = append(w.cut, dir), status
	case errors.Is(err, run.ErrLocked):
		if !slices.Contains(w.told, dir) {
			w.told = append(w.told, dir)
			fmt.Fprintf(w.Progress, "%v: left to it\n", err)
		}
	case err != nil && w.Failures:
		fmt.Fprintf(w.Progress, "%s: failed: %v\n", dir, err)
	case err == nil && (!w.Brief || status.State == record.Diverged):
		out := w.Out
		if w.Brief {
			out = w.Progress
		}
		if err := final(out, dir, status, true); err != nil {
			fmt.Fprintf(w.Progress, "%s: %v\n", dir, err)
		}
	}
}

// Search tells of a search for an edge of divergence.
func (w *Watcher) Search(what string) func(stepSize float64, diverged bool) {
	w.Lock()
	defer w.Unlock()
	fmt.Fprintf(w.Progress, "searching for the edge of divergence: %s\n", what)
	trials := NewTrials(io.Discard, trainer.EdgeTolerance)
	w.trials = trials
	return trials.Tell
}

// Told is the error with which an experiment ended; where it was interrupted, it says
// how to go on with it, and the error is ErrTold.
func (w *Watcher) Told(err error) error {
	if w.all != nil {
		w.all.clear()
	}
	switch {
	case !errors.Is(err, trainer.ErrInterrupted):
		return err
	case w.trials != nil && len(w.cut) == 0:
		w.trials.out = w.Progress
		w.trials.Interrupted()
	case len(w.cut) == 1:
		interrupted(w.Progress, w.cut[0], w.status, "the same command")
	default:
		fmt.Fprintf(w.Progress, "interrupted, %d runs saved; go on with the same command\n", len(w.cut))
	}
	return ErrTold
}

// board shows on a terminal how several runs at a time go.
type board struct {
	sync.Mutex
	w            io.Writer
	bar          *progressbar.ProgressBar
	clock        stopwatch
	runs, ended  int
	steps, taken int64
	underWay     []string // folders
	losses       map[string]string
	shown        time.Time
}

func newBoard(w io.Writer, runs, steps int) *board {
	return &board{w: w, runs: runs, steps: int64(steps), bar: newBar(w, int64(steps), ""), clock: newStopwatch(0), losses: map[string]string{}}
}

// follow shows a run among the others.
func (b *board) follow(dir string) trainer.Hooks {
	at := 0
	return trainer.Hooks{
		Start: func(_ run.Config, step int) {
			b.Lock()
			defer b.Unlock()
			at = step
			b.underWay = append(b.underWay, dir)
		},
		Step: func(p trainer.Progress) {
			b.Lock()
			defer b.Unlock()
			b.taken += int64(p.Step - at)
			at = p.Step
			b.losses[dir] = fmt.Sprintf("%s %.3g", filepath.Base(dir), p.Loss)
			b.show()
		},
		Warn: func(text string) {
			b.Lock()
			defer b.Unlock()
			b.bar.Clear()
			warnings(b.w, "", dir)(text)
		},
	}
}

func (b *board) show() {
	now := time.Now()
	if now.Sub(b.shown) < refreshEvery {
		return
	}
	b.shown = now
	parts := []string{fmt.Sprintf("%d/%d", b.ended, b.runs), b.clock.times(b.taken, b.steps, now)}
	var losses []string
	for _, dir := range b.underWay {
		losses = append(losses, b.losses[dir])
	}
	b.bar.Describe(fit(textWidth(b.w), append(parts, strings.Join(losses, "  "))...))
	b.bar.Set64(min(b.taken, b.steps-1)) // a full bar is gone
}

// end takes a run away, and the bar until the next line has been written.
func (b *board) end(dir string, ended bool) {
	b.Lock()
	defer b.Unlock()
	b.underWay = slices.DeleteFunc(b.underWay, func(d string) bool { return d == dir })
	delete(b.losses, dir)
	if ended {
		b.ended++
	}
	b.bar.Clear()
}

func (b *board) clear() {
	b.Lock()
	defer b.Unlock()
	b.bar.Clear()
}
