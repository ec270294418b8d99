package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// openTerminal makes a terminal of so many columns; screen is what it would show.
func openTerminal(t *testing.T, columns uint16) (terminal *os.File, screen func() string) {
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
			bars := 0
			for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\r' || r == '\n' }) {
				if !strings.Contains(line, "% |") {
					continue
				}
				bars++
				if n := utf8.RuneCountInString(line); n > columns {
					t.Errorf("%s: %d characters on %d columns: %q", c.args, n, columns, line)
				}
			}
			if bars == 0 || strings.Contains(text, "loss 0 ") || columns > 40 && !strings.Contains(text, c.says) {
				t.Errorf("%s on %d columns: it shows %q", c.args, columns, text)
			}
		}
	}
}
