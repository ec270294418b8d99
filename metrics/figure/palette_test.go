package figure

import (
	"encoding/json"
	"fmt"
	"image/color"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/plot/vg"

	"largestep/metrics/record"
)

// contrast is WCAG 2's, to white.
func contrast(c color.RGBA) float64 {
	linear := func(v uint8) float64 { return math.Pow((float64(v)/255+0.055)/1.055, 2.4) }
	return 1.05 / (0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B) + 0.05)
}

func TestStyles(t *testing.T) {
	var f figure
	for family := range 6 {
		for range 4 {
			f.groups = append(f.groups, Group{Family: fmt.Sprint(family)})
		}
	}
	seen := map[string]bool{}
	for i := range f.groups {
		s := f.style(i)
		if c := contrast(s.color); !(c >= 3) {
			t.Errorf("group %d: %v has a contrast of %.2f to white", i, s.color, c)
		}
		if seen[fmt.Sprint(s)] {
			t.Errorf("group %d looks as another", i)
		}
		seen[fmt.Sprint(s)] = true
		if i%4 > 0 && !slices.Equal(s.dashes, f.style(i-1).dashes) {
			t.Errorf("groups %d and %d of a family have other dashes", i-1, i)
		}
	}
}

// Runs that differ in their schedules alone are a family.
func TestFamilies(t *testing.T) {
	runs := paperRuns()
	if got := families(runs); slices.ContainsFunc(got, func(s string) bool { return s != got[0] }) {
		t.Errorf("schedules: %q", got)
	}
	runs[1].Config.Options = map[string]any{"epochs": json.Number("100"), "seed": json.Number("1")}
	if got := families(runs); got[0] == got[1] || got[0] != got[2] {
		t.Errorf("another seed: %q", got)
	}
}

func TestStairs(t *testing.T) {
	got := stairs([]vg.Point{{X: 0, Y: 5}, {X: 1, Y: 5}, {X: 2, Y: 1}})
	want := []vg.Point{{X: 0, Y: 5}, {X: 0, Y: 5}, {X: 1, Y: 5}, {X: 1, Y: 1}, {X: 2, Y: 1}}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// A run that diverged before the first evaluation after the start is counted,
// but not drawn.
func TestDivergedAtOnce(t *testing.T) {
	g := Group{Label: "a", Runs: []*record.Run{values(1, 2), diverged(values(1))}}
	c := newCurve(g, "test_loss", scales["test_loss"], Steps, style{})
	if len(c.lost) != 0 || g.label() != "a (1 of 2 did not diverge)" {
		t.Errorf("%d diverged runs drawn, label %q", len(c.lost), g.label())
	}
}

func TestLinearRangeBeginsAtZero(t *testing.T) {
	for _, c := range []struct{ low, high, want float64 }{{46, 90, 0}, {95, 100, 94.75}, {-1, 1, -1.1}} {
		if got, _ := linearRange(c.low, c.high); !(math.Abs(got-c.want) <= 1e-9) {
			t.Errorf("%g to %g: from %g, want %g", c.low, c.high, got, c.want)
		}
	}
}
