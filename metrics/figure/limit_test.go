package figure

import (
	"testing"

	"largestep/metrics/record"
)

// limitRun evaluates at two step sizes.
func limitRun(momentum float64) *record.Run {
	r := &record.Run{Config: record.Config{Momentum: momentum, Epochs: 2}}
	r.Own = []string{"sharpness", "batch_sharpness"}
	for i, eta := range []float64{0.5, 0.25} {
		r.Rows = append(r.Rows, record.Row{Epoch: float64(i), Step: i, StepSize: eta, Own: []float64{3, 2}})
	}
	return r
}

// On a parabola of curvature h heavy ball converges up to h = 2(1+β)/η; the limits
// follow the step size.
func TestLimitsOfStability(t *testing.T) {
	for _, c := range []struct {
		column   string
		momentum float64
		want     []float64
	}{
		{"sharpness", 0, []float64{4, 8}},
		{"sharpness", 0.5, []float64{6, 12}},
		{"batch_sharpness", 0.5, []float64{2, 4}},
		{"train_loss", 0, nil},
	} {
		got := limits(limitRun(c.momentum), c.column, Axis{})
		if len(got) != len(c.want) {
			t.Fatalf("%s: %v", c.column, got)
		}
		for i, q := range got {
			if q.y != c.want[i] {
				t.Errorf("%s, momentum %g: %v, want %v", c.column, c.momentum, got, c.want)
			}
		}
	}
}

// Heavy ball on h·x²/2 itself: it shrinks just below the limit, and grows above.
func TestLimitIsThatOfHeavyBall(t *testing.T) {
	const eta = 0.3
	for _, beta := range []float64{0, 0.5, 0.9} {
		limit, _ := limitOf("sharpness", eta, beta)
		for factor, grows := range map[float64]bool{0.99: false, 1.01: true} {
			x, v := 1.0, 0.0
			for range 10_000 {
				v = beta*v + factor*limit*x
				x -= eta * v
				if x > 1e6 || x < -1e6 {
					break
				}
			}
			if (x*x > 1) != grows {
				t.Errorf("β = %g, %g of the limit: x becomes %g", beta, factor, x)
			}
		}
	}
}

// A panel of the sharpness reaches up to its limits.
func TestPanelShowsLimits(t *testing.T) {
	f := figure{groups: []Group{{Label: "a", Runs: []*record.Run{limitRun(0)}}}, across: 2}.withDefaults()
	if p := f.panel("sharpness"); p.Y.Max < 8 {
		t.Errorf("the axis ends at %g, the limit is 8", p.Y.Max)
	}
	f.Columns = []string{"sharpness"}
	if !f.limited() {
		t.Error("the legend does not tell what the dotted line is")
	}
}
