package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// A precision that the CPU lacks is refused, also where the run folder asks for
// it: the run must not go on in another one.
func TestPrecisionOfAnotherEngine(t *testing.T) {
	t.Chdir(t.TempDir())
	if o := try(tiny("new", "--engine", "cpu", "--precision", "tf32")...); o.code != exitError || !strings.Contains(o.stderr, "--engine cuda") {
		t.Errorf("tf32 on the CPU: status %d, %q", o.code, o.stderr)
	}
	succeed(t, tiny("old")...)
	config := filepath.Join("old", "config.json")
	text := readFile(t, config)
	if !strings.Contains(text, `"precision": "fp32"`) {
		t.Fatalf("no precision in %s", text)
	}
	writeFile(t, config, strings.Replace(text, `"precision": "fp32"`, `"precision": "tf32"`, 1))
	o := try("train", "resnet18", "--engine", "cpu", "--resume", "--out", "old")
	if o.code != exitError || !strings.Contains(o.stderr, "--precision tf32 needs --engine cuda") {
		t.Errorf("resume in tf32 on the CPU: status %d, %q", o.code, o.stderr)
	}
}

// A figure's precision is that of all its runs, and no other.
func TestPrecisionOfSmallFigure(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, "figure", "relu-1d", "--seeds", "1", "--precision", "fp64")
	for _, run := range []string{"decay2-seed0", "decay50-seed0"} {
		if c := config(t, "figures/relu-1d", run); c.Precision != "fp64" {
			t.Errorf("%s has %s", run, c.Precision)
		}
	}
	bad{"figure relu-1d", 1, "precision is fp64 there, fp32 here"}.test(t)
	bad{"figure teacher-2 --precision bf16", 1, `precision "bf16": teacher-2 has fp32, fp64`}.test(t)
}
