package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
	"largestep/metrics"
	"largestep/train/catalog"
	"largestep/train/run"
	"largestep/train/trainer"
)

// lineEvery is how often progress is told where there is no terminal.
const lineEvery = 15 * time.Second

// isTerminal tells whether a person watches.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// follow shows a training: a bar on a terminal, lines elsewhere. finish ends it.
func follow(w io.Writer, label, dir string) (hooks trainer.Hooks, finish func()) {
	if isTerminal(w) {
		return followBar(w, label)
	}
	return followLines(w, cmp.Or(label, dir)), func() {}
}

func followBar(w io.Writer, label string) (trainer.Hooks, func()) {
	var bar *progressbar.ProgressBar
	var config run.Config
	test := ""
	hooks := trainer.Hooks{
		Start: func(c run.Config, step int) {
			config = c
			bar = newBar(w, int64(c.Steps()), fit(textWidth(w), label))
			bar.Set(step)
		},
		Step: func(p trainer.Progress) {
			if p.Step == 0 { // no loss yet, and no speed
				return
			}
			bar.Describe(fit(textWidth(w), label, fmt.Sprintf("loss %.4g", p.Loss), speed(&config, p.ImagesPerSecond), test))
			bar.Set(p.Step)
		},
		Row: func(r metrics.Row) { test = strings.TrimPrefix(testResult(r), ", ") },
	}
	return hooks, func() {
		if bar != nil {
			bar.Clear()
		}
	}
}

// barWidth is what a line has beside its text: the percentage, the shortest bar
// worth drawing, and hours passed and left.
const barWidth = len(" 100% |1234| [12h34m56s:12h34m56s] ")

// textWidth is how many characters a terminal leaves for the text before a bar.
func textWidth(w io.Writer) int {
	width := 80
	if f, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			width = columns
		}
	}
	return max(width-barWidth, 0)
}

// fit joins as many of the parts as a width has room for, the first ones first,
// and cuts the very first if need be.
func fit(width int, parts ...string) string {
	text := ""
	for _, part := range parts {
		switch n := utf8.RuneCountInString(text) + utf8.RuneCountInString(part); {
		case text == "" && n > width:
			text = string([]rune(part)[:width])
		case text == "":
			text = part
		case part != "" && n+2 <= width:
			text += "  " + part
		}
	}
	return text
}

// speed is in images or, of small problems, in steps; nothing before the first.
func speed(c *run.Config, examplesPerSecond float64) string {
	switch {
	case examplesPerSecond == 0:
		return ""
	case readsImages(c):
		return fmt.Sprintf("%.0f images/s", examplesPerSecond)
	}
	return fmt.Sprintf("%.0f steps/s", examplesPerSecond/float64(c.StepExamples()))
}

func readsImages(c *run.Config) bool {
	p, err := catalog.Find(c.Net)
	return err == nil && p.Reads()
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

func followLines(w io.Writer, label string) trainer.Hooks {
	var config run.Config
	var started, last time.Time
	first := 0
	return trainer.Hooks{
		Start: func(c run.Config, step int) {
			config, first, started = c, step, time.Now()
		},
		Row: func(r metrics.Row) {
			steps := config.Steps()
			if time.Since(last) < lineEvery && r.Step < steps {
				return
			}
			last = time.Now()
			rate, left := speed(&config, r.ImagesPerSecond), ""
			if rate != "" {
				rate = ", " + rate
			}
			if done := r.Step - first; done > 0 {
				rest := time.Duration(float64(time.Since(started)) * float64(steps-r.Step) / float64(done))
				left = fmt.Sprintf(", %v left", rest.Round(time.Second))
			}
			fmt.Fprintf(w, "%s: epoch %s of %d, training loss %.4g%s%s%s\n",
				label, strconv.FormatFloat(math.Round(100*r.Epoch)/100, 'f', -1, 64), config.Epochs, r.TrainLoss, testResult(r), rate, left)
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
