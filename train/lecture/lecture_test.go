package lecture

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// All slopes are within a tenth of the theory's, and the figure is drawn.
func TestSlopes(t *testing.T) {
	if testing.Short() {
		t.Skip("ten million steps")
	}
	t.Parallel()
	f, err := Make(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Numbers) != 9 {
		t.Errorf("%d numbers, want 9", len(f.Numbers))
	}
	for _, n := range f.Numbers {
		if !(math.Abs(n.Measured/n.Theory-1) <= 0.1) {
			t.Errorf("%s: %g, theory %g", n.Name, n.Measured, n.Theory)
		}
	}
	dir := filepath.Join(t.TempDir(), "new")
	if _, _, err := f.Draw(dir); err != nil {
		t.Fatal(err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 5 {
		t.Errorf("files %v, %v", files, err)
	}
}

// The formulas of a sum of two terms, by hand.
func TestQuadratic(t *testing.T) {
	q := quadratic{a: []float64{1, 2}, b: []float64{3, 2}, dims: 1}
	if h, x := q.curvature(), q.optimum(); h != 2.5 || math.Abs(x-1.4) > 1e-15 {
		t.Errorf("curvature %g, optimum %g", h, x)
	}
	if low, high := q.confusion(); low != 1 || high != 3 {
		t.Errorf("confusion from %g to %g", low, high)
	}
	if v := q.gradientNoise(0); v != 0.25 { // gradients −3 and −4
		t.Errorf("variance %g", v)
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Make(ctx); err == nil {
		t.Error("no error")
	}
}
