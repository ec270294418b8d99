package figure

import (
	"fmt"
	"testing"

	"largestep/metrics/record"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Range{"": {}, "0,50": {0, 50}, "-1e3,-.5": {-1000, -0.5}} {
		if r, err := ParseRange(text); err != nil || r != want {
			t.Errorf("range %q: %v, %v", text, r, err)
		}
	}
	for _, text := range []string{"1", "1,", ",1", "2,1", "1,1", "0,Inf", "-Inf,0", "NaN,1", "a,b", "1,2,3"} {
		if r, err := ParseRange(text); err == nil {
			t.Errorf("range %q: %v", text, r)
		}
	}
	for text, want := range map[string][2]float64{"": {}, "7x4": {7, 4}, "1.5x50": {1.5, 50}} {
		if s, err := ParseSize(text); err != nil || s != want {
			t.Errorf("size %q: %v, %v", text, s, err)
		}
	}
	for _, text := range []string{"7", "7x", "0x4", "7x51", "NaNx4", "axb"} {
		if s, err := ParseSize(text); err == nil {
			t.Errorf("size %q: %v", text, s)
		}
	}
	for _, text := range []string{"epoch", "step", "seconds"} {
		if _, err := ParseAxis(text); err != nil {
			t.Error(err)
		}
	}
	if _, err := ParseAxis("loss"); err == nil {
		t.Error("an axis of losses")
	}
}

func TestLabels(t *testing.T) {
	labels, err := ParseLabels([]string{"runs/a/=small", "x=y=large"})
	if err != nil || fmt.Sprint(labels) != "map[runs/a:small x=y:large]" {
		t.Errorf("%v, %v", labels, err)
	}
	for _, bad := range []string{"runs/a", "=small"} {
		if _, err := ParseLabels([]string{bad}); err == nil {
			t.Errorf("label %q", bad)
		}
	}
	o := Options{Labels: map[string]string{"runs/a": "small"}}
	if err := o.CheckLabels([]*record.Run{{Dir: "./runs/a"}}); err != nil || o.Labels["./runs/a"] != "small" {
		t.Errorf("%v, %v", o.Labels, err)
	}
	if err := o.CheckLabels([]*record.Run{{Dir: "runs/b"}}); err == nil {
		t.Error("a label of no run")
	}
}
