package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
	"largestep/metrics"
	"largestep/train"
)

// lineEvery is how often progress is told where there is no terminal.
const lineEvery = 15 * time.Second

// isTerminal tells whether a person watches.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// follow shows a training: a bar on a terminal, lines elsewhere. finish ends it.
func follow(w io.Writer, label string) (hooks train.Hooks, finish func()) {
	if isTerminal(w) {
		return followBar(w, label)
	}
	return followLines(w, label), func() {}
}

func followBar(w io.Writer, label string) (train.Hooks, func()) {
	var bar *progressbar.ProgressBar
	test := ""
	hooks := train.Hooks{
		Start: func(c train.Config, step int) {
			bar = newBar(w, int64(c.Steps()), label)
			bar.Set(step)
		},
		Step: func(p train.Progress) {
			bar.Describe(fmt.Sprintf("%s  %.0f/s  loss %.4g%s", label, p.ImagesPerSecond, p.Loss, test))
			bar.Set(p.Step)
		},
		Row: func(r metrics.Row) { test = testResult(r) },
	}
	return hooks, func() {
		if bar != nil {
			bar.Clear()
		}
	}
}

func newBar(w io.Writer, total int64, label string, more ...progressbar.Option) *progressbar.ProgressBar {
	return progressbar.NewOptions64(total, append([]progressbar.Option{
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(label),
		progressbar.OptionSetWidth(20),
		progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionClearOnFinish(),
	}, more...)...)
}

func followLines(w io.Writer, label string) train.Hooks {
	var epochs, steps int
	var started, last time.Time
	first := 0
	return train.Hooks{
		Start: func(c train.Config, step int) {
			epochs, steps, first, started = c.Epochs, c.Steps(), step, time.Now()
		},
		Row: func(r metrics.Row) {
			if time.Since(last) < lineEvery && r.Step < steps {
				return
			}
			last = time.Now()
			left := ""
			if done := r.Step - first; done > 0 {
				rest := time.Duration(float64(time.Since(started)) * float64(steps-r.Step) / float64(done))
				left = fmt.Sprintf(", %v left", rest.Round(time.Second))
			}
			fmt.Fprintf(w, "%s: epoch %s of %d, training loss %.4g%s, %.0f/s%s\n",
				label, strconv.FormatFloat(math.Round(100*r.Epoch)/100, 'f', -1, 64), epochs, r.TrainLoss, testResult(r), r.ImagesPerSecond, left)
		},
	}
}

// testResult continues a line with a row's test error, or its test loss where
// there are no classes, or nothing where there is no test set.
func testResult(r metrics.Row) string {
	switch {
	case !math.IsNaN(r.TestError):
		return fmt.Sprintf(", test error %.1f %%", 100*r.TestError)
	case !math.IsNaN(r.TestLoss):
		return fmt.Sprintf(", test loss %.4g", r.TestLoss)
	}
	return ""
}

// followBytes shows a transfer or a count of images.
func followBytes(w io.Writer, label string, bytes bool) (progress func(done, total int64), finish func()) {
	if !isTerminal(w) {
		return nil, func() {}
	}
	var bar *progressbar.ProgressBar
	progress = func(done, total int64) {
		if bar == nil {
			bar = newBar(w, total, label, progressbar.OptionShowBytes(bytes), progressbar.OptionShowCount())
		}
		bar.Set64(done)
	}
	return progress, func() {
		if bar != nil {
			bar.Clear()
		}
	}
}
