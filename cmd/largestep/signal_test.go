package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	ossignal "os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// start begins a command; its standard error goes to a pipe.
func start(t *testing.T, bin string, args ...string) (*exec.Cmd, io.ReadCloser) {
	t.Helper()
	cmd := exec.Command(bin, args...)
	stderr, err := cmd.StderrPipe()
	check(t, err)
	check(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() })
	return cmd, stderr
}

func waitFor(t *testing.T, what string, there func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !there(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s for a minute", what)
		}
	}
}

// Signals save the step, tell by the exit status which they were, and lose nothing.
func TestSignals(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals")
	}
	bin := program(t)
	t.Chdir(t.TempDir())
	options := []string{"--epochs", "60", "--eval-every", "20", "--log-steps", "--checkpoint-every", "1h", "--step-size", "0.1"}
	succeed(t, tiny("whole", options...)...)
	for signal, code := range map[syscall.Signal]int{syscall.SIGTERM: 143, syscall.SIGHUP: 129, syscall.SIGINT: 130} {
		if ossignal.Ignored(signal) { // by who runs the tests under nohup, which the program then respects
			continue
		}
		dir := signal.String()
		cmd, stderr := start(t, bin, tiny(dir, options...)...)
		waitFor(t, "row", func() bool { b, _ := os.ReadFile(dir + "/metrics.csv"); return bytes.Count(b, []byte("\n")) > 1 })
		check(t, cmd.Process.Signal(signal))
		said, _ := io.ReadAll(stderr)
		cmd.Wait()
		state, step := status(t, dir)
		if got := cmd.ProcessState.ExitCode(); got != code || state != "interrupted" || step >= 240 || !strings.Contains(string(said), "go on with largestep train") {
			t.Errorf("%s: exit status %d, %s at step %d: %s", dir, got, state, step, said)
		}
		succeed(t, "train", "resnet18", "--resume", "--out", dir)
		sameEnd(t, "whole", dir)
	}
}

// nohup's choice is respected.
func TestHangUpIgnored(t *testing.T) {
	if _, err := exec.LookPath("nohup"); err != nil {
		t.Skip(err)
	}
	bin := program(t)
	t.Chdir(t.TempDir())
	cmd, stderr := start(t, "nohup", append([]string{bin}, tiny("run", "--epochs", "40")...)...)
	waitFor(t, "row", func() bool { b, _ := os.ReadFile("run/metrics.csv"); return bytes.Count(b, []byte("\n")) > 1 })
	check(t, cmd.Process.Signal(syscall.SIGHUP))
	io.Copy(io.Discard, stderr)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if state, _ := status(t, "run"); state != "finished" {
		t.Error(state)
	}
}

// Whoever listened has gone: the training goes on.
func TestClosedOutput(t *testing.T) {
	bin := program(t)
	t.Chdir(t.TempDir())
	succeed(t, tiny("whole")...)
	read, write, err := os.Pipe()
	check(t, err)
	cmd := exec.Command(bin, tiny("run")...)
	cmd.Stdout, cmd.Stderr = write, write
	read.Close()
	check(t, cmd.Start())
	write.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	sameEnd(t, "whole", "run")
}

// While the images are made there is nothing to save, and nothing to wait for.
func TestSignalWhileImagesAreMade(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals")
	}
	bin := program(t)
	t.Chdir(t.TempDir())
	t.Setenv("GOMAXPROCS", "1") // or they are made before the signal
	cmd, stderr := start(t, bin, tiny("run", "--train-size", "200000")...)
	time.Sleep(time.Second)
	sent := time.Now()
	check(t, cmd.Process.Signal(syscall.SIGTERM))
	said, _ := io.ReadAll(stderr)
	cmd.Wait()
	if took := time.Since(sent); cmd.ProcessState.ExitCode() != 143 || took > 5*time.Second || !strings.HasSuffix(string(said), "interrupted before there was anything to save\n") {
		t.Errorf("exit status %d after %v: %s", cmd.ProcessState.ExitCode(), took, said)
	}
	if _, err := os.Stat("run"); err == nil {
		t.Error("it left a folder")
	}
}

// A measure around the parameters takes minutes here, and is abandoned.
func TestSignalWhileItMeasures(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals")
	}
	bin := program(t)
	t.Chdir(t.TempDir())
	cmd, stderr := start(t, bin, tiny("run", "--width", "16", "--train-size", "2000", "--measure", "hessian_trace", "--measure-images", "2000", "--batch", "50", "--threads", "1")...)
	waitFor(t, "log", func() bool { b, _ := os.ReadFile("run/log.txt"); return len(b) > 0 })
	time.Sleep(2 * time.Second) // evaluates
	sent := time.Now()
	check(t, cmd.Process.Signal(syscall.SIGTERM))
	said, _ := io.ReadAll(stderr)
	cmd.Wait()
	if took := time.Since(sent); cmd.ProcessState.ExitCode() != 143 || took > 5*time.Second || !strings.Contains(string(said), "interrupted at step 0") {
		t.Errorf("exit status %d after %v: %s", cmd.ProcessState.ExitCode(), took, said)
	}
}
