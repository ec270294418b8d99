package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// mountSmall mounts a file system of so many bytes at a new folder "disk".
func mountSmall(t *testing.T, bytes int) {
	t.Helper()
	check(t, os.Mkdir("disk", 0o777))
	if err := syscall.Mount("tmpfs", "disk", "tmpfs", 0, fmt.Sprintf("size=%d", bytes)); err != nil {
		t.Skipf("no small file system to be had: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount("disk", syscall.MNT_DETACH) })
}

// A disk that is full makes the training fail, whenever it is; with room made,
// the run goes on from its last checkpoint and loses nothing.
func TestNoSpaceLeft(t *testing.T) {
	sizes := []int{4, 8, 40, 200, 220, 440, 600}
	if testing.Short() {
		sizes = []int{8, 440}
	}
	for _, kilobytes := range sizes {
		t.Run(fmt.Sprintf("%dk", kilobytes), func(t *testing.T) {
			t.Chdir(t.TempDir())
			mountSmall(t, kilobytes<<10)
			options := []string{"--momentum", "0.9", "--log-steps", "--checkpoint-every", "0", "--epochs", "3"}
			succeed(t, tiny("whole", options...)...)
			args := tiny("disk/run", options...)
			o := try(args...)
			if lines := strings.Split(strings.TrimSuffix(o.stderr, "\n"), "\n"); o.code != exitError || !strings.Contains(o.stderr, "no space left on device: make room") || strings.Contains(o.stderr, ".tmp") {
				t.Errorf("status %d: %s", o.code, o.stderr)
			} else if n := strings.Count(o.stderr, "largestep: ") + strings.Count(o.stderr, "disk/run: "); n != len(lines) {
				t.Errorf("want one line that says what is wrong, have %q", o.stderr)
			}
			if _, err := os.Stat("disk/run/config.json"); err == nil {
				args = append(args, "--resume")
			}
			if o := try(args...); o.code == 0 {
				t.Error("still no space, but no error")
			}
			check(t, syscall.Mount("tmpfs", "disk", "tmpfs", syscall.MS_REMOUNT, "size=10m"))
			if _, err := os.Stat("disk/run/config.json"); err == nil && args[len(args)-1] != "--resume" {
				args = append(args, "--resume")
			}
			succeed(t, args...)
			sameEnd(t, "whole", "disk/run")
		})
	}
}

// A checkpoint that Ctrl-C could not save must not be said to be saved.
func TestNoSpaceAtInterruption(t *testing.T) {
	t.Chdir(t.TempDir())
	mountSmall(t, 320<<10)                     // one checkpoint, not two
	constant := []string{"--step-size", "0.3"} // one phase, whose parameters are kept at its end only
	succeed(t, tiny("whole", constant...)...)
	o := runContext(interruptAfter(5), tiny("disk/run", append(constant, "--checkpoint-every", "1h")...)...)
	if o.code != exitError || !strings.Contains(o.stderr, "no space left") || strings.Contains(o.stderr, "saved") {
		t.Errorf("status %d: %s", o.code, o.stderr)
	}
	if state, step := status(t, "disk/run"); state != "failed" || step != 5 || !strings.Contains(readFile(t, "disk/run/status.json"), "no space left") {
		t.Errorf("%s at step %d", state, step)
	}
	check(t, syscall.Mount("tmpfs", "disk", "tmpfs", syscall.MS_REMOUNT, "size=10m"))
	succeed(t, tiny("disk/run", "--resume")...)
	sameEnd(t, "whole", "disk/run")
}

// Other commands on a full disk leave nothing half-written.
func TestNoSpaceForFiles(t *testing.T) {
	enterFixture(t)
	mountSmall(t, 16<<10)
	for _, b := range []bad{
		{"plot done -o disk/new.png", 1, "disk/new.png: no space left on device: make room"},
		{"import pngs --data disk/new", 1, "disk/new/data_batch_1.bin: no space left on device: make room"},
		{"fetch cifar10 --data disk/new --from set.tar.gz --md5 " + md5Of(t, "set.tar.gz"), 1, "disk/new/data_batch_1.bin: no space left on device: make room"},
		{"eval --dataset made-up --logits disk/new.csv done/checkpoint.safetensors", 1, "disk/new.csv: no space left on device: make room"},
	} {
		t.Run(strings.Fields(b.args)[0], b.test)
	}
}

// What a command prints must not be lost in silence.
func TestNoSpaceForOutput(t *testing.T) {
	enterFixture(t)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	check(t, err)
	defer full.Close()
	for _, args := range []string{
		"engines", "--help", "train resnet18 --resume --out done", "eval --dataset made-up --test-size 8 done/checkpoint.safetensors",
		"plot done -o new.png", "figure relu-1d --seeds 1",
	} {
		var stderr strings.Builder
		if code := execute(t.Context(), strings.Fields(args), full, &stderr); code != exitError || !strings.Contains(stderr.String(), "largestep: write /dev/full: no space left") {
			t.Errorf("%s: status %d: %s", args, code, stderr.String())
		}
	}
}
