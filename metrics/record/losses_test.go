package record

import (
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

// Any part of the losses is that of the rows.
func TestStepLosses(t *testing.T) {
	path := filepath.Join(t.TempDir(), StepsFile)
	w, err := ResumeSteps(path, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var want []float64
	for i := range 3*stride + 100 {
		want = append(want, rng.ExpFloat64())
		if err := w.Append(StepRow{Step: i, BatchLoss: want[i]}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	l, err := OpenStepLosses(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if l.Len() != len(want) {
		t.Fatalf("%d losses, want %d", l.Len(), len(want))
	}
	for range 50 {
		i := rng.IntN(len(want) + 1)
		j := i + rng.IntN(len(want)-i+1)
		if got := slices.Collect(l.From(i, j)); !slices.Equal(got, want[i:j]) || l.Err() != nil {
			t.Fatalf("%d to %d: %d losses, %v", i, j, len(got), l.Err())
		}
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range l.From(0, l.Len()) {
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if after.HeapAlloc > before.HeapAlloc+1<<18 {
		t.Errorf("%d bytes stay", after.HeapAlloc-before.HeapAlloc)
	}
	cancel()
	for range l.From(0, l.Len()) {
		t.Error("a loss after the context's end")
	}
	if !errors.Is(l.Err(), context.Canceled) {
		t.Errorf("after the context's end: %v", l.Err())
	}
}
