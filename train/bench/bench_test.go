package bench

import (
	"errors"
	"strings"
	"testing"

	"largestep/nets/op"
	"largestep/train/machine/cpu"
	"largestep/train/trainer"
)

// What is measured is training: the loss changes from step to step.
func TestStepTrains(t *testing.T) {
	for _, o := range []Options{{Side: 32, Classes: 10}, {Side: 20, Classes: 300}} {
		o.Net, o.Width, o.Batch, o.Precision = "resnet18", 4, 4, "fp32"
		step, index, err := prepare(op.Reference{}, o)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := step.Run(trainer.MiniBatch{Index: index}, stepSize); err != nil {
				t.Fatal(err)
			}
		}
		losses, err := step.Losses()
		if err != nil || len(losses) != 3 || losses[0] == losses[1] || losses[1] == losses[2] {
			t.Errorf("losses %v, %v", losses, err)
		}
	}
}

// Every convolution but the first is there in three directions, that one in two,
// and no share exceeds what can be.
func TestLayers(t *testing.T) {
	e := cpu.New(2)
	defer e.Close()
	r, err := Layers(t.Context(), e, Options{Net: "resnet18", Width: 16, Batch: 8, Side: 32, Classes: 10, Precision: "fp32"})
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	transformed := false
	for _, l := range r.Layers {
		counts[l.Kernel] += l.Count
		if !(l.Seconds > 0) || !(l.Bandwidth > 0) || l.Transforms < 0 || l.Transforms > 1 {
			t.Errorf("%+v", l)
		}
		if convolution := strings.HasPrefix(l.Kernel, "conv"); convolution != (l.GFLOPS > 0) || convolution != (l.Peak > 0) {
			t.Errorf("%+v", l)
		}
		transformed = transformed || l.Transforms > 0
	}
	want := map[string]int{"conv": 20, "conv backward data": 19, "conv backward filter": 20, "batch norm": 20, "batch norm backward": 20}
	for name, n := range want {
		if counts[name] != n {
			t.Errorf("%d × %s, want %d", counts[name], name, n)
		}
	}
	if len(counts) != len(want) || !transformed || !(r.Limits.FLOP > 0) || !(r.Limits.Bytes > 0) {
		t.Errorf("%v, transforms %t, limits %+v", counts, transformed, r.Limits)
	}
}

func TestLayersNeedLimits(t *testing.T) {
	if _, err := Layers(t.Context(), op.Reference{}, Options{}); !errors.Is(err, ErrNoLimits) {
		t.Errorf("error %v", err)
	}
}
