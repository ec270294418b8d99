package record

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// Every number is in the one bin whose ends it lies between.
func TestNewHistogram(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		x := make([]float64, 1+rng.IntN(200))
		for i := range x {
			x[i] = math.Ldexp(rng.NormFloat64(), rng.IntN(20))
		}
		h, ok := NewHistogram("x", x)
		if !ok {
			t.Fatalf("not made of %g", x)
		}
		total := 0
		for k, n := range h.Bins {
			least, most := 0, 0 // within a rounding error of the edges
			for _, v := range x {
				width := (h.High - h.Low) / HistogramBins
				if v > h.edge(k)+1e-9*width && v < h.edge(k+1)-1e-9*width {
					least++
				}
				if v >= h.edge(k)-1e-9*width && v <= h.edge(k+1)+1e-9*width {
					most++
				}
			}
			if n < least || n > most {
				t.Fatalf("bin %d has %d of %d to %d", k, n, least, most)
			}
			total += n
		}
		if total != len(x) || h.Count != len(x) {
			t.Fatalf("%d numbers in bins, %d counted, want %d", total, h.Count, len(x))
		}
	}
	if h, ok := NewHistogram("x", []float64{3, 3}); !ok || h.Bins[HistogramBins-1] != 2 || h.Low != 3 || h.High != 3 {
		t.Errorf("of equal numbers: %v, %v", h, ok)
	}
	for _, x := range [][]float64{nil, {math.NaN()}, {1, math.Inf(1)}, {math.Inf(-1), math.Inf(1)}, {-math.MaxFloat64, math.MaxFloat64}} {
		if _, ok := NewHistogram("x", x); ok {
			t.Errorf("made of %g", x)
		}
	}
}

func TestHistogramsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), HistogramsFile)
	w, err := ResumeHistograms(path, 0, "")
	check(t, err)
	a, _ := NewHistogram("weights/a", []float64{0.1, -0.3, 1e-30})
	b, _ := NewHistogram("activity/1", []float64{0, 1, 1})
	check(t, w.Append(0, []Histogram{a, b}))
	size, err := w.Sync()
	check(t, err)
	sum := w.Sum()
	check(t, w.Append(8, []Histogram{b}))
	wantError(t, w.Append(9, []Histogram{{Name: "a,b"}}), "no commas")
	check(t, w.Close())
	want := map[int][]Histogram{0: {a, b}, 8: {b}}
	if got, err := ReadHistograms(path); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	w, err = ResumeHistograms(path, size, sum)
	check(t, err)
	check(t, w.Append(8, []Histogram{a}))
	check(t, w.Close())
	want[8] = []Histogram{a}
	if got, err := ReadHistograms(path); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("resumed: %v, %v", got, err)
	}
	if _, err := ResumeHistograms(path, size, "another"); err == nil {
		t.Error("another checksum: no error")
	}
}

func FuzzParseHistograms(f *testing.F) {
	f.Add([]byte(headerLine(histogramColumns) + "3,a,2,3,5,1,2" + strings.Repeat(",1", HistogramBins) + "\n"))
	f.Add([]byte("step,name\n"))
	f.Fuzz(func(t *testing.T, b []byte) { parseHistograms("x", b) })
}
