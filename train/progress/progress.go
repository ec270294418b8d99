// Package progress shows people how trainings, searches and transfers go: bars on a
// terminal, lines elsewhere.
package progress

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
	"largestep/metrics/record"
	"largestep/train/catalog"
	"largestep/train/run"
	"largestep/train/trainer"
)

// lineEvery is how often progress is told where there is no terminal.
const lineEvery = 15 * time.Second

// isTerminal tells whether a person watches, on a terminal whose lines can be
// written again.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// Follow shows a training: a bar on a terminal, lines elsewhere. finish ends it.
func Follow(w io.Writer, label, dir string) (hooks trainer.Hooks, finish func()) {
	finish = func() {}
	if isTerminal(w) {
		hooks, finish = followBar(w, label)
	} else {
		hooks = followLines(w, cmp.Or(label, dir))
	}
	hooks.Warn = warnings(w, label, dir)
	return hooks, finish
}

// warnings tells what somebody should know of a run.
func warnings(w io.Writer, label, dir string) func(text string) {
	return func(text string) { fmt.Fprintf(w, "%s: %s\n", cmp.Or(label, dir), text) }
}

func followBar(w io.Writer, label string) (trainer.Hooks, func()) {
	var bar *progressbar.ProgressBar
	var config run.Config
	var clock stopwatch
	test := ""
	hooks := trainer.Hooks{
		Start: func(c run.Config, step int) {
			config, clock = c, newStopwatch(int64(step))
			bar = newBar(w, int64(c.Steps()), fit(textWidth(w), label))
			bar.Set(step)
		},
		Step: func(p trainer.Progress) {
			if int64(p.Step) == clock.first { // no loss yet, and no speed
				return
			}
			bar.Describe(fit(textWidth(w), label, clock.times(int64(p.Step), int64(p.Steps), time.Now()), place(&config, p),
				fmt.Sprintf("loss %.4g", p.Loss), speed(&config, p.ImagesPerSecond), test))
			bar.Set(p.Step)
		},
		Row: func(r record.Row) { test = strings.TrimPrefix(testResult(r), ", ") },
	}
	return hooks, func() {
		if bar != nil {
			bar.Clear()
		}
	}
}

// place tells where in its schedule a training is.
func place(c *run.Config, p trainer.Progress) string {
	at := fmt.Sprintf("step %d", p.Step)
	if c.MaxSteps == 0 {
		at = fmt.Sprintf("epoch %.4g", math.Floor(10*float64(c.Epochs)*float64(p.Step)/float64(p.Steps))/10)
	}
	return fmt.Sprintf("%s, η %.4g", at, c.Schedule.StepSize(max(p.Step-1, 0), p.Steps))
}

// A stopwatch tells how long something takes that this process began at first.
type stopwatch struct {
	started time.Time
	first   int64
}

func newStopwatch(first int64) stopwatch { return stopwatch{time.Now(), first} }

// rate is what is done in a second.
func (s stopwatch) rate(done int64, now time.Time) float64 {
	took := now.Sub(s.started).Seconds()
	if done <= s.first || took <= 0 {
		return 0
	}
	return float64(done-s.first) / took
}

// left is how long the rest of total will take; false if there is no saying.
func (s stopwatch) left(done, total int64, now time.Time) (time.Duration, bool) {
	rate := s.rate(done, now)
	if rate == 0 || total < done {
		return 0, false
	}
	return time.Duration(float64(total-done) / rate * float64(time.Second)).Round(time.Second), true
}

// times are those passed and left: "[2m5s:1h0m2s]".
func (s stopwatch) times(done, total int64, now time.Time) string {
	passed := now.Sub(s.started).Truncate(time.Second)
	if left, ok := s.left(done, total, now); ok {
		return fmt.Sprintf("[%v:%v]", passed, left)
	}
	return fmt.Sprintf("[%v]", passed)
}

// barWidth is what a line has beside its text: the percentage, and the shortest
// bar worth drawing.
const barWidth = len(" 100% |1234| ")

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

// newBar draws a bar. A line is cleared by the terminal's own means: as many blanks
// as it had would be too many for a terminal that has become narrower.
func newBar(w io.Writer, total int64, label string) *progressbar.ProgressBar {
	return progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(label),
		progressbar.OptionSetWidth(20),
		progressbar.OptionThrottle(refreshEvery),
		progressbar.OptionSetPredictTime(false), // it counts what was there before as done in no time
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionUseANSICodes(runtime.GOOS != "windows"),
		progressbar.OptionClearOnFinish(),
	)
}

// refreshEvery is how often a bar is drawn, at most.
const refreshEvery = 100 * time.Millisecond

func followLines(w io.Writer, label string) trainer.Hooks {
	var config run.Config
	var last time.Time
	var clock stopwatch
	return trainer.Hooks{
		Start: func(c run.Config, step int) { config, clock = c, newStopwatch(int64(step)) },
		Row: func(r record.Row) {
			steps := config.Steps()
			if time.Since(last) < lineEvery && r.Step < steps {
				return
			}
			last = time.Now()
			rate, left := speed(&config, r.ImagesPerSecond), ""
			if rate != "" {
				rate = ", " + rate
			}
			if rest, ok := clock.left(int64(r.Step), int64(steps), time.Now()); ok {
				left = fmt.Sprintf(", %v left", rest)
			}
			fmt.Fprintf(w, "%s: epoch %s of %d, training loss %.4g%s%s%s\n",
				label, strconv.FormatFloat(math.Round(100*r.Epoch)/100, 'f', -1, 64), config.Epochs, r.TrainLoss, testResult(r), rate, left)
		},
	}
}

// testResult continues a line with a row's test error, or its test loss where
// there are no classes, or nothing where there is no test set.
func testResult(r record.Row) string {
	switch {
	case !math.IsNaN(r.TestError):
		return fmt.Sprintf(", test error %.1f %%", 100*r.TestError)
	case !math.IsNaN(r.TestLoss):
		return fmt.Sprintf(", test loss %.4g", r.TestLoss)
	}
	return ""
}

// FollowBytes shows a transfer or, with bytes false, a count of images.
func FollowBytes(w io.Writer, label string, bytes bool) (progress func(done, total int64), finish func()) {
	if !isTerminal(w) {
		return nil, func() {}
	}
	var bar *progressbar.ProgressBar
	var clock stopwatch
	var shown time.Time
	progress = func(done, total int64) {
		now := time.Now()
		if bar == nil {
			bar, clock = newBar(w, total, label), newStopwatch(done)
		}
		if now.Sub(shown) >= refreshEvery { // it is called often
			shown = now
			bar.Describe(fit(textWidth(w), label, clock.times(done, total, now), count(done, total, bytes), clock.speed(done, now, bytes)))
		}
		bar.Set64(done)
	}
	return progress, func() {
		if bar != nil {
			bar.Clear()
		}
	}
}

// count is "12.3 of 163 MB", or "1200 of 60000".
func count(done, total int64, bytes bool) string {
	text, unit := func(n int64) string { return strconv.FormatInt(n, 10) }, ""
	if bytes {
		text, unit = func(n int64) string { return strconv.FormatFloat(float64(n)/1e6, 'f', 1, 64) }, " MB"
	}
	if total < 0 {
		return text(done) + unit
	}
	return text(done) + " of " + text(total) + unit
}

func (s stopwatch) speed(done int64, now time.Time, bytes bool) string {
	switch rate := s.rate(done, now); {
	case rate == 0:
		return ""
	case bytes:
		return fmt.Sprintf("%.3g MB/s", rate/1e6)
	default:
		return fmt.Sprintf("%.0f/s", rate)
	}
}
