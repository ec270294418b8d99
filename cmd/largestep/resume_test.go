package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"largestep/train/safetensors"
)

// resumable are trainings whose resumption must not lose a bit.
var resumable = []struct{ name, options string }{
	{"plain", ""},
	{"steps", "--log-steps --sampling with-replacement"},
	{"momentum", "--momentum 0.9 --augment --log-steps --warmup-exp 1.05"},
	{"measures", "--measure " + allMeasures + " --measure-images 16 --augment"},
	{"causes", "--label-noise 0.3 --sam 0.05 --momentum 0.9 --decay-at 0.5 --log-steps"},
	{"histograms", "--histograms --log-steps --measure none"},
	{"full", "--momentum 0.9 --sampling full --eval-every 2 --log-steps"},
}

// sameEnd compares a run with one that nothing disturbed.
func sameEnd(t *testing.T, want, got string) {
	t.Helper()
	if d := differences(final(t, want), final(t, got)); len(d) > 0 {
		t.Errorf("%s against %s, which nothing disturbed: %s", got, want, strings.Join(d, ", "))
	}
}

func TestInterruptAndResume(t *testing.T) {
	points := []int{0, 1, 3, 4, 6, 11}
	if testing.Short() {
		points = []int{0, 5}
	}
	for _, c := range resumable {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			options := append(strings.Fields(c.options), "--epochs", "3")
			succeed(t, tiny("whole", options...)...)
			_, steps := status(t, "whole")
			for _, at := range points {
				if at >= steps {
					break
				}
				dir := fmt.Sprintf("at-%d", at)
				o := runContext(interruptAfter(at), tiny(dir, options...)...)
				state, step := status(t, dir)
				if want := "go on with largestep train resnet18 --resume --out " + dir + "\n"; o.code != exitInterrupted || !strings.HasSuffix(o.stderr, want) {
					t.Errorf("interrupted: status %d, %q", o.code, o.stderr)
				}
				if state != "interrupted" || step != at {
					t.Errorf("%s at step %d, want interrupted at %d", state, step, at)
				}
				if o := runContext(interruptAfter(2), "train", "resnet18", "--resume", "--out", dir); o.code != 0 && o.code != exitInterrupted {
					t.Errorf("resumed: status %d, %s", o.code, o.stderr)
				}
				succeed(t, "train", "resnet18", "--resume", "--out", dir)
				sameEnd(t, "whole", dir)
			}
		})
	}
}

// What the message after an interruption says must work, and flags may repeat
// what the run has.
func TestResumeRepeatsFlags(t *testing.T) {
	for name, options := range map[string]string{
		"decay": "--step-size 0.3 --decay-at 0.4 --seed 5", "constant": "--step-size 0.3", "phases": "--phases 0.3@0,0.1@0.5",
		"defaults": "", "init": "--init start.safetensors",
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			succeed(t, tiny("start", "--epochs", "1")...)
			check(t, os.Rename("start/checkpoint.safetensors", "start.safetensors"))
			args := strings.Fields(options)
			succeed(t, tiny("whole", args...)...)
			for _, repeat := range []bool{false, true} {
				dir := fmt.Sprint(repeat)
				o := runContext(interruptAfter(3), tiny(dir, args...)...)
				_, command, ok := strings.Cut(o.stderr, "go on with largestep ")
				if o.code != exitInterrupted || !ok {
					t.Fatalf("status %d: %s", o.code, o.stderr)
				}
				resume := strings.Fields(command)
				if repeat {
					resume = append(resume, args...)
				}
				succeed(t, resume...)
				sameEnd(t, "whole", dir)
			}
		})
	}
}

// A program killed while it wrote the first file of a run leaves a temporary
// one: the same command must then begin anew.
func TestKilledAtTheBeginning(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, tiny("whole")...)
	writeFile(t, "killed/.config.json.0123456789abcdef.tmp", `{"net": "resn`)
	succeed(t, tiny("killed")...)
	sameEnd(t, "whole", "killed")
}

// program builds the command.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "largestep")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	build := exec.Command("go", "build", "-o", path, ".")
	build.Env = environ
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// runKilled runs a command that is killed after a time, if it runs so long, and
// tells whether it was.
func runKilled(t *testing.T, after time.Duration, name string, args ...string) bool {
	t.Helper()
	cmd := exec.Command(name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	check(t, cmd.Start())
	timer := time.AfterFunc(after, func() { cmd.Process.Kill() })
	defer timer.Stop()
	err := cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == -1 {
		return true
	}
	if err != nil {
		t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, &stderr)
	}
	return false
}

// A program killed at any instants, and run again with the same command, ends
// with the bits of one that was left alone.
func TestKill(t *testing.T) {
	bin := program(t)
	dir := t.TempDir()
	t.Chdir(dir)
	cases, kills, repeats := resumable, 5, 2
	if testing.Short() {
		cases, repeats = cases[2:3], 1
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, c := range cases {
		options := append(strings.Fields(c.options), "--epochs", "8", "--checkpoint-every", "0", "--threads", "1")
		start := time.Now()
		if runKilled(t, time.Hour, bin, tiny(c.name, options...)...) {
			t.Fatal("killed by another")
		}
		whole, struck := time.Since(start), 0
		for repeat := range repeats {
			run := fmt.Sprintf("%s-%d", c.name, repeat)
			options[len(options)-1] = fmt.Sprint(1 + repeat)
			killed := 0
			for try := range kills + 1 {
				args := tiny(run, options...)
				if _, err := os.Stat(filepath.Join(run, "config.json")); err == nil {
					args = append(args, "--resume")
				}
				after := time.Hour
				if try < kills {
					after = time.Duration(rng.Float64() * 0.6 * float64(whole))
				}
				if !runKilled(t, after, bin, args...) {
					break
				}
				killed++
				statusFollowsCheckpoint(t, run)
			}
			struck += killed
			t.Logf("%s: killed %d times", run, killed)
			sameEnd(t, c.name, run)
			if t.Failed() {
				return
			}
		}
		if struck == 0 {
			t.Errorf("%s: no kill came before the end: nothing was tested", c.name)
		}
	}
}

// statusFollowsCheckpoint looks at a run that was killed, perhaps between the
// checkpoint and the status: that is at most a step behind, or the tail of a run.
func statusFollowsCheckpoint(t *testing.T, dir string) {
	t.Helper()
	metadata, err := safetensors.ReadMetadata(filepath.Join(dir, "checkpoint.safetensors"))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	check(t, err)
	var checkpoint struct{ Step int }
	check(t, json.Unmarshal([]byte(metadata["largestep"]), &checkpoint))
	if state, step := status(t, dir); step < checkpoint.Step-1 {
		t.Errorf("%s at step %d, the checkpoint is of step %d", state, step, checkpoint.Step)
	}
}

// Ctrl-C: the program saves the step it is at, says how to go on, and can.
func TestCtrlC(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows cannot send Ctrl-C to a process alone")
	}
	bin := program(t)
	t.Chdir(t.TempDir())
	options := []string{"--epochs", "40", "--eval-every", "10", "--log-steps", "--augment", "--checkpoint-every", "1h"}
	if runKilled(t, time.Hour, bin, tiny("whole", options...)...) {
		t.Fatal("killed by another")
	}
	cmd := exec.Command(bin, tiny("run", options...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	check(t, cmd.Start())
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if b, err := os.ReadFile("run/metrics.csv"); err == nil && bytes.Count(b, []byte("\n")) > 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no row for a minute")
		}
	}
	check(t, cmd.Process.Signal(syscall.SIGINT))
	cmd.Wait()
	state, step := status(t, "run")
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted || state != "interrupted" || step >= 160 {
		t.Fatalf("exit status %d, %s at step %d: %s", code, state, step, &stderr)
	}
	want := fmt.Sprintf("run: interrupted at step %d, checkpoint saved; go on with largestep train resnet18 --resume --out run --checkpoint-every 1h0m0s\n", step)
	if !strings.HasSuffix(stderr.String(), want) {
		t.Errorf("it says %q, want %q at the end", stderr.String(), want)
	}
	succeed(t, "train", "resnet18", "--resume", "--out", "run")
	sameEnd(t, "whole", "run")
}
