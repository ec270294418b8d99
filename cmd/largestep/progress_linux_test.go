package main

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
	"largestep/train/catalog"
	"largestep/train/progress"
	"largestep/train/schedule"
	"largestep/train/trainer"
)

// openTerminal makes a terminal of so many columns; screen is what it was sent.
func openTerminal(t *testing.T, columns uint16) (terminal *os.File, screen func() string) {
	t.Setenv("TERM", "xterm")
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no terminal to be had: %v", err)
	}
	fd := int(master.Fd())
	check(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	check(t, err)
	check(t, unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 25, Col: columns}))
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	check(t, err)
	shown := make(chan string)
	go func() {
		b, _ := io.ReadAll(master) // fails once the other side is closed
		shown <- string(b)
	}()
	return terminal, func() string {
		terminal.Close()
		text := <-shown
		master.Close()
		return text
	}
}

// The bar's line fits the terminal, whatever the run's name, with percentage and
// time; else each refresh would scroll.
func TestProgressFitsTerminal(t *testing.T) {
	t.Chdir(t.TempDir())
	long := strings.Repeat("a-long-name-", 15)
	for _, c := range []struct{ args, says string }{
		{"train resnet18 --dataset made-up --width 4 --train-size 64 --test-size 32 --batch 16 --epochs 60 --out ", "images/s"},
		{"train relu-1d --steps 12000 --out ", "steps/s"},
		{"figure relu-1d --seeds 1 --out ", "1/2 "},
		{"figure main --epochs 3 " + strings.Join(tinyPreset, " ") + " --out ", "1/4 "},
	} {
		for _, columns := range []int{40, 80} {
			terminal, screen := openTerminal(t, uint16(columns))
			code := execute(t.Context(), strings.Fields(c.args+long), io.Discard, terminal)
			text := screen()
			check(t, os.RemoveAll(long))
			if code != 0 {
				t.Fatalf("%s: status %d: %s", c.args, code, text)
			}
			lines := bars(text)
			for _, line := range lines {
				if n := utf8.RuneCountInString(line); n > columns {
					t.Errorf("%s: %d characters on %d columns: %q", c.args, n, columns, line)
				}
			}
			if len(lines) == 0 || strings.Contains(text, "loss 0 ") || columns > 40 && !strings.Contains(text, c.says) {
				t.Errorf("%s on %d columns: it shows %q", c.args, columns, text)
			}
		}
	}
}

// bars are the lines with a bar among what a terminal was sent.
func bars(text string) (lines []string) {
	text = regexp.MustCompile("\x1b\\[[0-9;]*K").ReplaceAllString(text, "")
	for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\r' || r == '\n' }) {
		if strings.Contains(line, "% |") {
			lines = append(lines, line)
		}
	}
	return lines
}

// resize gives a terminal another width.
func resize(t *testing.T, terminal *os.File, columns uint16) {
	t.Helper()
	check(t, unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 25, Col: columns}))
}

// A terminal that becomes narrower gets no line, of text or blanks, that is wider
// than it is now: each would scroll it.
func TestProgressOnNarrowingTerminal(t *testing.T) {
	terminal, screen := openTerminal(t, 120)
	svm, err := catalog.Find("svm")
	check(t, err)
	config := svm.Defaults(catalog.Circumstances{})
	config.MaxSteps, config.Schedule = 1000, schedule.Constant(0.1)
	hooks, finish := progress.Follow(terminal, "a label of some length", "run")
	hooks.Start(config, 0)
	widths := []uint16{120, 120, 60, 60, 30, 30, 16, 16}
	for i, columns := range widths {
		resize(t, terminal, columns)
		time.Sleep(110 * time.Millisecond)
		hooks.Step(trainer.Progress{Step: 100 * (i + 1), Steps: 1000, Loss: 0.5, ImagesPerSecond: 1000})
	}
	finish()
	text := screen()
	if strings.Contains(text, "\n") {
		t.Errorf("it scrolls: %q", text)
	}
	lines := bars(text)
	if len(lines) < len(widths) {
		t.Fatalf("%d lines: %q", len(lines), text)
	}
	for i, line := range lines[len(lines)-len(widths):] {
		if n := utf8.RuneCountInString(line); n > int(widths[i]) {
			t.Errorf("%d characters on %d columns: %q", n, widths[i], line)
		}
	}
	for _, part := range regexp.MustCompile("[\r\n]").Split(text, -1) { // after the first lines, which were wider
		if strings.TrimSpace(part) == "" && len(part) > 16 {
			t.Errorf("%d blanks: %q", len(part), part)
		}
	}
}

// The bar tells where in its schedule the training is.
func TestProgressTellsPlace(t *testing.T) {
	terminal, screen := openTerminal(t, 120)
	t.Chdir(t.TempDir())
	check(t, os.Mkdir("data", 0o777))
	args := "train resnet18 --dataset made-up --width 4 --train-size 64 --test-size 32 --batch 16 --epochs 60 --step-size 0.7 --decay-at 0.3 --out run"
	if code := execute(t.Context(), strings.Fields(args), io.Discard, terminal); code != 0 {
		t.Fatalf("status %d: %s", code, screen())
	}
	text := screen()
	for _, want := range []string{`epoch [0-9.]+, η 0\.7 `, `epoch [0-9.]+, η 0\.07 `} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("no %s in %q", want, text)
		}
	}
}

// A terminal that cannot go back gets lines.
func TestProgressOnDumbTerminal(t *testing.T) {
	terminal, screen := openTerminal(t, 80)
	t.Setenv("TERM", "dumb")
	t.Chdir(t.TempDir())
	code := execute(t.Context(), strings.Fields("train relu-1d --steps 12000 --out run"), io.Discard, terminal)
	text := strings.ReplaceAll(screen(), "\r\n", "\n") // as the terminal's driver has it
	if code != 0 || strings.ContainsAny(text, "\r\x1b") || !strings.Contains(text, "run: epoch ") {
		t.Errorf("status %d: %q", code, text)
	}
}
