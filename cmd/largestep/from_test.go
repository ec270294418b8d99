package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// TestEdgeFrom searches from a checkpoint. Of gradient descent on least squares the
// interval holds what the sharpness predicts; settings are those of the run.
func TestEdgeFrom(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, strings.Fields("train least-squares --train-size 30 --dims 3 --sampling full --steps 50 --step-size 0.1 --out a")...)
	out := succeed(t, strings.Fields("edge least-squares --from a/checkpoint.safetensors --within 3000 --orders 2 --tolerance 0.02")...)
	find := func(pattern string) float64 {
		t.Helper()
		found := regexp.MustCompile(pattern).FindStringSubmatch(out)
		if found == nil {
			t.Fatalf("no %s in %s", pattern, out)
		}
		return number(t, found[1])
	}
	predicted := find(`^sharpness \S+ predicts an edge at (\S+)\n`)
	stable, unstable := find(`up to (\S+) no order diverges within 3000 steps`), find(`from (\S+) on every one does\n`)
	if other := find(`\nbatch sharpness \S+ predicts an edge at (\S+)\n`); other < 0.99*predicted { // of all examples it is a mean of the eigenvalues
		t.Errorf("with all examples sharpness predicts %g, batch sharpness %g", predicted, other)
	}
	if !(0.98*stable <= predicted && predicted <= 1.05*unstable && unstable <= 1.05*stable) {
		t.Errorf("predicted %g, found %g to %g", predicted, stable, unstable)
	}
	if n := strings.Count(out, " of 2 orders\n"); n < 4 {
		t.Errorf("%d step sizes were tried: %s", n, out)
	}
	for _, b := range []bad{
		{"edge svm --from a/checkpoint.safetensors", 1, "is of least-squares, not of svm"},
		{"edge least-squares --from a/checkpoint.safetensors --orders 0", 1, "for 0 orders"},
		{"edge least-squares --from a/checkpoint.safetensors --factor 1", 1, "by a factor of 1"},
		{"edge least-squares --from a/checkpoint.safetensors --within 0", 1, "within 0 steps"},
		{"edge least-squares --from a/checkpoint.safetensors --step-size 0.5edge", 1, "edge"},
		{"edge least-squares --from nowhere.safetensors", 1, "nowhere.safetensors"},
	} {
		t.Run(strings.ReplaceAll(b.args, "/", "|"), b.test)
	}
	if o := runContext(interruptAfter(20), strings.Fields("edge least-squares --from a/checkpoint.safetensors --within 3000")...); o.code != exitInterrupted {
		t.Errorf("interrupted: status %d, %s", o.code, o.stderr)
	}
}

// TestEdgeFromImages searches where the loss of a classifier doubles.
func TestEdgeFromImages(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, tiny("a", "--epochs", "1")...)
	out := succeed(t, strings.Fields("edge resnet18 --from a/checkpoint.safetensors --within 4 --orders 2 --factor 2 --tolerance 0.9")...)
	for _, want := range []string{`^sharpness \S+ predicts`, `\nbatch sharpness \S+ predicts`, `\nedge of resnet18 from a/checkpoint.safetensors: up to \S+ no order diverges within 4 steps, from \S+ on every one does\n$`} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("no %s in %s", want, out)
		}
	}
}

// TestCatapult forks runs below their edge and at it.
func TestCatapult(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, strings.Fields("train least-squares --train-size 30 --dims 3 --sampling full --steps 5 --step-size 0.1 --out a")...)
	edge := number(t, regexp.MustCompile(`up to (\S+) no`).FindStringSubmatch(succeed(t, strings.Fields("edge least-squares --from a/checkpoint.safetensors --within 3000 --orders 1 --tolerance 0.01")...))[1])
	check := "check catapult a/checkpoint.safetensors --orders 2 --within 2000 "
	if out := succeed(t, strings.Fields(check+"--times 1.2")...); !strings.Contains(out, "order 1: ") || !strings.HasSuffix(out, "with 1.2 times its step size 0 of 2 orders catapult\n") {
		t.Errorf("far from the edge: %s", out)
	}
	times := regexp.MustCompile(`\A(.*diverges\n){2}.*2 of 2 orders catapult\n\z`)
	if out := succeed(t, strings.Fields(check+"--times "+fmt.Sprint(1.1*edge/0.1))...); !times.MatchString(out) {
		t.Errorf("beyond the edge of %g: %s", edge, out)
	}
	succeed(t, tiny("b", "--epochs", "1")...)
	if out := succeed(t, "check", "catapult", "b/checkpoint.safetensors", "--orders", "1", "--within", "3"); !strings.Contains(out, "order 0: loss at most ") {
		t.Errorf("of images: %s", out)
	}
	for _, b := range []bad{
		{"check catapult", 2, "CHECKPOINT"},
		{"check catapult nowhere/x.safetensors", 1, "does not lie in a run folder"},
		{"check catapult a/checkpoint.safetensors --times 1", 1, "--times 1"},
		{"check catapult a/checkpoint.safetensors --own-step-size -1", 1, "step size -1"},
		{"check catapult a/checkpoint.safetensors --within 2000 --own-step-size 100", 1, "nothing to compare with"},
	} {
		t.Run(strings.ReplaceAll(b.args, "/", "|"), b.test)
	}
}
