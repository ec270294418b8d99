package record

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// HistogramBins is how many a histogram has.
const HistogramBins = 30

// A Histogram is of the numbers of an array, in bins of equal width from Low to High;
// the last one has its upper end.
type Histogram struct {
	Name         string // "weights/fc.bias", for instance
	Count        int    // of numbers
	Sum, Squares float64
	Low, High    float64 // the least and the greatest number
	Bins         [HistogramBins]int
}

// NewHistogram counts numbers; ok is false where there are none, or one is not
// finite.
func NewHistogram(name string, x []float64) (h Histogram, ok bool) {
	if len(x) == 0 {
		return h, false
	}
	h = Histogram{Name: name, Count: len(x), Low: slices.Min(x), High: slices.Max(x)}
	for _, v := range x {
		h.Sum += v
		h.Squares += v * v
	}
	if math.IsNaN(h.Sum) || math.IsInf(h.Sum, 0) || math.IsInf(h.High-h.Low, 0) {
		return h, false
	}
	for _, v := range x {
		k := HistogramBins
		if h.High > h.Low {
			k = int((v - h.Low) / (h.High - h.Low) * HistogramBins)
		}
		h.Bins[min(k, HistogramBins-1)]++
	}
	return h, true
}

// edge is the lower end of bin k, counted from 0. All numbers alike make bins of
// width 0.
func (h *Histogram) edge(k int) float64 {
	if k == HistogramBins {
		return h.High
	}
	return h.Low + (h.High-h.Low)*float64(k)/HistogramBins
}

var histogramColumns = func() []string {
	names := []string{"step", "name", "count", "sum", "squares", "low", "high"}
	for k := range HistogramBins {
		names = append(names, fmt.Sprintf("bin_%d", k+1))
	}
	return names
}()

// A HistogramsWriter appends rows to histograms.csv.
type HistogramsWriter struct{ *appender }

// ResumeHistograms opens the file to go on after its first size bytes, as
// ResumeTable does.
func ResumeHistograms(path string, size int64, sum string) (*HistogramsWriter, error) {
	a, err := resumeLines(path, size, sum, headerLine(histogramColumns))
	if err != nil {
		return nil, err
	}
	return &HistogramsWriter{a}, startLines(a, headerLine(histogramColumns))
}

// Append writes the histograms of a step, a row each.
func (w *HistogramsWriter) Append(step int, list []Histogram) error {
	var b []byte
	for _, h := range list {
		if err := checkText("histogram", h.Name); err != nil {
			return fmt.Errorf("%s: %w", w.f.Name(), err)
		}
		b = append(append(append(strconv.AppendInt(b, int64(step), 10), ','), h.Name...), ',')
		b = strconv.AppendInt(b, int64(h.Count), 10)
		for _, v := range []float64{h.Sum, h.Squares, h.Low, h.High} {
			b = appendFloat(append(b, ','), v)
		}
		for _, n := range h.Bins {
			b = strconv.AppendInt(append(b, ','), int64(n), 10)
		}
		b = append(b, '\n')
	}
	if err := w.write(b); err != nil {
		return err
	}
	return w.flush()
}

// ReadHistograms reads histograms.csv, leaving out an unfinished last line: those of
// each step.
func ReadHistograms(path string) (map[int][]Histogram, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseHistograms(path, b)
}

func parseHistograms(path string, b []byte) (map[int][]Histogram, error) {
	of := map[int][]Histogram{}
	readHeader := func(names []string) error {
		if !slices.Equal(names, histogramColumns) {
			return fmt.Errorf("the columns are not %s", strings.Join(histogramColumns, ","))
		}
		return nil
	}
	err := parseLines(path, b, readHeader, func(c cells) error {
		h := Histogram{Name: c.text[1], Count: c.int(2), Sum: c.finite(3), Squares: c.float(4), Low: c.finite(5), High: c.finite(6)}
		for k := range h.Bins {
			h.Bins[k] = c.int(7 + k)
		}
		step := c.int(0)
		of[step] = append(of[step], h)
		return *c.err
	})
	if err != nil {
		return nil, err
	}
	return of, nil
}
