package main

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

// watcher shows how an experiment goes.
type watcher struct {
	out, progress io.Writer
	brief         bool // no lines but of trouble where nobody watches
	jobs          int  // at a time
	failures      bool // are told of at once

	sync.Mutex
	all    *board // of several at a time, on a terminal
	finish map[string]func()
	cut    []string // runs that were interrupted
	status record.Status
	told   []string // runs of other processes
	trials *trials  // of the latest search
}

func (w *watcher) Plan(runs, steps int) {
	if w.jobs > 1 && isTerminal(w.progress) {
		w.all = newBoard(w.progress, runs, steps)
	}
}

func (w *watcher) Begin(label, dir string) trainer.Hooks {
	w.Lock()
	defer w.Unlock()
	w.trials = nil
	switch {
	case w.all != nil:
		return w.all.follow(dir)
	case w.brief && !isTerminal(w.progress):
		return trainer.Hooks{}
	}
	hooks, finish := follow(w.progress, label, dir)
	if w.finish == nil {
		w.finish = map[string]func(){}
	}
	w.finish[dir] = finish
	return hooks
}

func (w *watcher) End(dir string, status record.Status, err error) {
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
			fmt.Fprintf(w.progress, "%v: left to it\n", err)
		}
	case err != nil && w.failures:
		fmt.Fprintf(w.progress, "%s: failed: %v\n", dir, err)
	case err == nil && (!w.brief || status.State == record.Diverged):
		out := w.out
		if w.brief {
			out = w.progress
		}
		reportFinal(out, dir, status, true)
	}
}

func (w *watcher) Search(what string) func(stepSize float64, diverged bool) {
	w.Lock()
	defer w.Unlock()
	fmt.Fprintf(w.progress, "searching for the edge of divergence: %s\n", what)
	trials := newTrials(io.Discard, edgeTolerance)
	w.trials = trials
	return trials.tell
}

// translate says how to go on where an experiment was interrupted.
func (w *watcher) translate(err error) error {
	if w.all != nil {
		w.all.clear()
	}
	switch {
	case !errors.Is(err, trainer.ErrInterrupted):
		return advise(err)
	case w.trials != nil && len(w.cut) == 0:
		w.trials.out = w.progress
		return w.trials.interrupted()
	case len(w.cut) == 1:
		return interrupted(w.progress, w.cut[0], w.status, "the same command")
	}
	fmt.Fprintf(w.progress, "interrupted, %d runs saved; go on with the same command\n", len(w.cut))
	return errInterrupted
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
