package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	trainrun "largestep/train/run"
	"largestep/train/safetensors"
)

// Run folders as a program wrote them that knew no format but its own: config.json
// with step size, phases and warm-up beside each other. They go on, are evaluated
// and drawn.
func TestRunsOfFormat1(t *testing.T) {
	dir := t.TempDir()
	check(t, os.CopyFS(filepath.Join(dir, "old"), os.DirFS("testdata/format-1")))
	t.Chdir(dir)
	c, err := trainrun.ReadConfig("old/diagonal")
	check(t, err)
	if got, want := c.Schedule.String(), "constant:0.01@0~exp:1.01"; got != want {
		t.Errorf("schedule %s, want %s", got, want)
	}
	if c, err = trainrun.ReadConfig("old/resnet18"); err != nil || strings.Join(c.Measures, ",") != "sparsity" {
		t.Errorf("measures %v, %v", c.Measures, err)
	}
	succeed(t, "plot", "old/resnet18", "-o", "unfinished.png", "--columns", "train_loss,active_1")
	for _, args := range []string{"resnet18 --decay-at 0.5 --step-size 0.1", "diagonal --warmup-exp 1.01 --momentum 0.5"} {
		net, _, _ := strings.Cut(args, " ")
		succeed(t, strings.Fields("train "+args+" --resume --out old/"+net)...)
		if state, _ := status(t, "old/"+net); state != "finished" {
			t.Errorf("%s: %s", net, state)
		}
	}
	// The end that the program of then came to.
	if got, want := sumOfTensors(t, "old/diagonal/checkpoint.safetensors"), "dfc4f850a5dc6598d9a9866c382efd3fae67894428adca251bb04093c08cbd31"; got != want {
		t.Errorf("diagonal ends with %s, want %s", got, want)
	}
	succeed(t, "eval", "old/resnet18/checkpoint.safetensors")
	succeed(t, "plot", "old/resnet18", "-o", "finished.png")
}

// sumOfTensors is the SHA-256 of names, shapes and values.
func sumOfTensors(t *testing.T, path string) string {
	t.Helper()
	tensors, _, err := safetensors.ReadFile(filepath.FromSlash(path))
	check(t, err)
	slices.SortFunc(tensors, func(a, b safetensors.Tensor) int { return cmp.Compare(a.Name, b.Name) })
	h := sha256.New()
	for _, x := range tensors {
		fmt.Fprintln(h, x.Name, x.Shape)
		h.Write(x.Data)
	}
	return hex.EncodeToString(h.Sum(nil))
}
