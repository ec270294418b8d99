package measure

import (
	"math"
	"testing"
)

// On a parabola of curvature 3 the losses tell it, unless the step is so small that the
// numbers do not.
func TestCurvatureByLosses(t *testing.T) {
	const curvature, x = 3.0, 2.0
	loss := func(x float64) float64 { return 1 + curvature*x*x/2 }
	g := curvature * x
	for _, c := range []struct {
		eta   float64
		known bool
	}{{0.5, true}, {1e-3, true}, {1e-8, false}, {1e-12, false}} {
		at, after := float64(float32(loss(x))), float64(float32(loss(x-c.eta*g)))
		got, known := CurvatureByLosses(at, after, g*g, c.eta, 24)
		if known != c.known || known && math.Abs(got-curvature) > 0.01*2/c.eta {
			t.Errorf("η = %g: %g, known %v", c.eta, got, known)
		}
	}
	if _, known := CurvatureByLosses(1, 1, 0, 0.1, 53); known {
		t.Error("known where the gradient is 0")
	}
	if c, known := CurvatureByLosses(1, math.Inf(1), 1, 0.1, 53); !known || !math.IsNaN(c) {
		t.Errorf("an infinite loss gives %g, known %v", c, known)
	}
}
