package data

import (
	"bytes"
	"math"
	"runtime"
	"slices"
	"testing"
)

func TestMadeUpIsFixed(t *testing.T) {
	d := MadeUp(0, 100, 50)
	if d.Name != "made-up" || d.Train.Len() != 100 || d.Test.Len() != 50 || len(d.Train.Classes) != 10 {
		t.Fatalf("%q, %d, %d images of %d classes", d.Name, d.Train.Len(), d.Test.Len(), len(d.Train.Classes))
	}
	// Fixed, so that figures from different machines show the same images.
	if got, want := d.Train.Fingerprint(), "35a4b3080b8b0acbcb430296cfc9a64f866ab216f3782d4af6cdcdda2f128dba"; got != want {
		t.Errorf("fingerprint %s, want %s", got, want)
	}
}

func TestMadeUpPrefix(t *testing.T) {
	all := MadeUp(3, 40, 20)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	part := MadeUp(3, 7, 5)
	for _, c := range []struct{ all, part *Images }{{all.Train, part.Train}, {all.Test, part.Test}} {
		if !bytes.HasPrefix(c.all.Pixels, c.part.Pixels) || !slices.Equal(c.all.Labels[:c.part.Len()], c.part.Labels) {
			t.Error("the first images depend on the size of the set")
		}
	}
	if bytes.Equal(all.Train.Image(0), all.Test.Image(0)) {
		t.Error("training and test images are the same")
	}
	if bytes.Equal(all.Train.Image(0), MadeUp(4, 1, 1).Train.Image(0)) {
		t.Error("the seed has no effect")
	}
	if d := MadeUp(3, 0, 0); d.Train.Len() != 0 || d.Test.Len() != 0 {
		t.Error("an empty set is not empty")
	}
}

func TestMadeUpStatistics(t *testing.T) {
	im := MadeUp(1, 4000, 0).Train
	counts := make([]int, 10)
	for _, l := range im.Labels {
		counts[l]++
	}
	if z := chiSquared(counts); !(math.Abs(z) <= 4) {
		t.Errorf("labels are not uniform: %v", counts)
	}
	sum, clipped := 0.0, 0
	for _, p := range im.Pixels {
		sum += float64(p)
		if p == 0 || p == 255 {
			clipped++
		}
	}
	n := float64(len(im.Pixels))
	// Every part is symmetric about 0.5.
	if mean := sum / n / 255; !(math.Abs(mean-0.5) <= 0.005) {
		t.Errorf("mean %.4f, want 0.5", mean)
	}
	if share := float64(clipped) / n; share < 0.01 || share > 0.1 {
		t.Errorf("%.3f of the pixels are clipped", share)
	}
}

// The noise is what is left of the corner's difference to its neighbour: no
// shape reaches the corners, and the background hardly changes over a pixel.
func TestMadeUpNoise(t *testing.T) {
	im := MadeUp(2, 4000, 0).Train
	var square, count float64
	for i := range im.Len() {
		a, b := im.Image(i)[0], im.Image(i)[1]
		if a < 64 || a > 191 || b < 64 || b > 191 {
			continue // near the clipping
		}
		d := (float64(a) - float64(b)) / 255
		square += d * d
		count++
	}
	// Two deviations of 0.15 in a difference, less what the selection cuts off.
	if deviation := math.Sqrt(square / count / 2); deviation < 0.10 || deviation > 0.16 {
		t.Errorf("noise of deviation %.3f, want about 0.13", deviation)
	}
}

// Areas in units of the half-size squared, from the shapes' dimensions.
func TestMadeUpShapes(t *testing.T) {
	areas := map[string]float64{
		"disk": math.Pi, "ring": math.Pi * (1 - 0.36), "square": 1.8 * 1.8, "triangle": 2,
		"cross": 2*2*0.6 - 0.6*0.6, "horizontal stripes": 3 * 0.4 * 2, "vertical stripes": 3 * 0.4 * 2,
		"checkerboard": 2, "diamond": 2 * 1.1 * 1.1, "frame": 1.9*1.9 - 1.2*1.2,
	}
	const step = 0.01
	for class, name := range madeUpClasses {
		inside := 0
		for u := -1.5; u < 1.5; u += step {
			for v := -1.5; v < 1.5; v += step {
				if inShape(int32(class), u, v) {
					inside++
				}
			}
		}
		if got := float64(inside) * step * step; !(math.Abs(got-areas[name]) <= 0.05) {
			t.Errorf("%s: area %.3f, want %.3f", name, got, areas[name])
		}
	}
	shape := func(name string, u, v float64) bool {
		for class, n := range madeUpClasses {
			if n == name {
				return inShape(int32(class), u, v)
			}
		}
		panic(name)
	}
	if !shape("horizontal stripes", 0.3, 0) || shape("horizontal stripes", 0, 0.3) {
		t.Error("horizontal stripes are not horizontal")
	}
	if !shape("vertical stripes", 0, 0.3) || shape("vertical stripes", 0.3, 0) {
		t.Error("vertical stripes are not vertical")
	}
}

// Class means of |pixel − 0.5| about the centre: a filled shape stands out
// against the mean background there, a hollow one does not.
func TestMadeUpContrast(t *testing.T) {
	im := MadeUp(5, 3000, 0).Train
	contrast, counts := make([]float64, 10), make([]float64, 10)
	for i, l := range im.Labels {
		counts[l]++
		contrast[l] += math.Abs(float64(im.Image(i)[16*madeUpSide+16])/255 - 0.5)
	}
	filled := (contrast[0] + contrast[2] + contrast[8]) / (counts[0] + counts[2] + counts[8])
	hollow := (contrast[1] + contrast[9]) / (counts[1] + counts[9])
	if filled < 0.25 || hollow > 0.22 {
		t.Errorf("contrast at the centre: filled shapes %.3f, hollow ones %.3f", filled, hollow)
	}
}

func BenchmarkMadeUp(b *testing.B) {
	for b.Loop() {
		MadeUp(1, 1000, 0)
	}
}
