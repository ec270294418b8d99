package main

import (
	"strings"
	"testing"
)

// A set of fewer images than are looked at by default is looked at whole; more than
// there are cannot be asked for.
func TestSmallSetsAreLookedAtWhole(t *testing.T) {
	enterFixture(t)
	for args, want := range map[string]string{
		"hessian --trace-vectors 0":           "32 training images in 2 mini-batches of 16", // of 40
		"features --layer 5 -o f.npy":         "f.npy: float32 [20 ",
		"features --train --labels y.npy":     "y.npy: int32 [40]",
		"features --images 7 --labels z.npy":  "z.npy: int32 [7]",
		"hessian --images 20 --batch 10":      "20 training images in 2 mini-batches of 10",
		"features --layer 1 -o g.npy --train": "g.npy: float32 [40 ",
	} {
		command, rest, _ := strings.Cut(args, " ")
		out := succeed(t, append([]string{command, "done/checkpoint.safetensors", "--data", "set", "--classes-by-index"}, strings.Fields(rest)...)...)
		if !strings.Contains(out, want) {
			t.Errorf("%s: %q lacks %q", args, out, want)
		}
	}
	bad{"features done/checkpoint.safetensors --data set --classes-by-index --images 1000 --labels y.npy", 1, "1000"}.test(t)
}

// A mini-batch of the run's is looked at even where it has more images than the default.
func TestHessianOfALargeMiniBatch(t *testing.T) {
	t.Chdir(t.TempDir())
	set := strings.Fields("--dataset made-up --train-size 1100 --test-size 10")
	succeed(t, append(strings.Fields("train resnet18 --width 4 --batch 1100 --steps 1 --step-size 0.1 --out run"), set...)...)
	out := succeed(t, "hessian", "run/checkpoint.safetensors", "--dataset", "made-up", "--trace-vectors", "0", "--tolerance", "0.5")
	if !strings.Contains(out, "1,100 training images in 1 mini-batches of 1,100") && !strings.Contains(out, "1100 training images in 1 mini-batches of 1100") {
		t.Error(out)
	}
}
