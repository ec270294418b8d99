//go:build gpu

package main

import (
	"fmt"
	"strings"
	"testing"
)

// Every device is listed and can train, on the emulation of two.
func TestDevices(t *testing.T) {
	if out := succeed(t, "engines"); !strings.Contains(out, "emulated GPU") {
		t.Skip("needs the emulated driver (train/machine/cuda/emulator)")
	}
	t.Setenv("CUDA_EMULATOR_DEVICES", "2")
	t.Setenv("LARGESTEP_CUDA_PLANS", t.TempDir()+"/plans.tsv")
	t.Chdir(t.TempDir())
	out := succeed(t, "engines")
	for device := range 2 {
		if want := fmt.Sprintf("cuda   device %d: emulated GPU", device); !strings.Contains(out, want) {
			t.Errorf("no %q among the engines:\n%s", want, out)
		}
		succeed(t, tiny(fmt.Sprintf("run%d", device), "--engine", "cuda", "--device", fmt.Sprint(device))...)
	}
	if a, b := readFile(t, "run0/metrics.csv"), readFile(t, "run1/metrics.csv"); losses(a) != losses(b) {
		t.Errorf("the devices train differently:\n%s\n%s", a, b)
	}
	if log := readFile(t, "run1/log.txt"); !strings.Contains(log, "cuDNN forward x 16x8x32x32") {
		t.Errorf("the log does not name the plans:\n%s", log)
	}
	bad{"train resnet18 --dataset made-up --width 4 --out run2 --device 2", 1, "no device 2: the driver lists 2"}.test(t)
}

// losses are the columns of a run's table before those of time.
func losses(table string) (text string) {
	for line := range strings.Lines(table) {
		text += strings.Join(strings.Split(line, ",")[:9], ",") + "\n"
	}
	return text
}
