package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"largestep/train/machine/cpu/isa"
)

// The environment chooses the kernels; a run notes them, and going on with others is
// said.
func TestChosenKernels(t *testing.T) {
	bin := program(t)
	t.Chdir(t.TempDir())
	run := func(set string, args ...string) (code int, output string) {
		cmd := exec.Command(bin, args...)
		cmd.Env = append(os.Environ(), isa.Variable+"="+set)
		out, err := cmd.CombinedOutput()
		if _, exited := err.(*exec.ExitError); err != nil && !exited {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), string(out)
	}
	for _, set := range isa.Available() {
		if code, out := run(set, "engines"); code != 0 || !strings.Contains(out, set+" kernels") {
			t.Errorf("%s: status %d: %s", set, code, out)
		}
	}
	for _, set := range []string{"sse", "AVX2"} {
		if code, out := run(set, tiny("run")...); code != exitError || !strings.Contains(out, "LARGESTEP_CPU="+set+": this processor, or this build, has "+strings.Join(isa.Available(), ", ")) {
			t.Errorf("%s: status %d: %s", set, code, out)
		}
	}
	if len(isa.Available()) == 1 {
		t.Skip("only one instruction set here")
	}
	runContext(interruptAfter(5), tiny("run")...)
	code, out := run(isa.Go, "train", "resnet18", "--resume", "--out", "run")
	if want := "run: computed by " + isa.Chosen() + "/"; code != 0 || !strings.Contains(out, want) || !strings.Contains(out, "and by go/") || !strings.Contains(readFile(t, "run/log.txt"), "and by go/") {
		t.Errorf("status %d: %s; want %q in it", code, out, want)
	}
	runContext(interruptAfter(5), "train", "diagonal", "--steps", "100", "--out", "small") // float64, of plain Go in any case
	if code, out := run(isa.Go, "train", "diagonal", "--resume", "--out", "small"); code != 0 || strings.Contains(out, "computed by") {
		t.Errorf("status %d: %s", code, out)
	}
}
