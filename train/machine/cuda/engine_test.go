//go:build gpu

package cuda

import (
	"path/filepath"
	"testing"

	"largestep/nets/op"
	"largestep/train/machine/enginetest"
)

// open makes an engine on the first device; the test is skipped where there is no device.
func open(t *testing.T, p Precision) *Engine {
	t.Helper()
	return openDevice(t, p, 0)
}

func openDevice(t *testing.T, p Precision, device int) *Engine {
	t.Helper()
	if _, err := Probe(device); err != nil {
		t.Skip(err)
	}
	e, err := New(p, device)
	if err != nil {
		t.Fatal(err)
	}
	e.convolutions.most = 8 // making plans takes most of the tests' time, and speed is for the benchmark
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// conform runs all operations on one engine, since to open one takes a while, and on
// another after a failure.
func conform(t *testing.T, p Precision) {
	e := open(t, p)
	shared := func(*testing.T) op.Engine {
		if e.err != nil {
			e.err = nil // reported by the test that it failed
			e = open(t, p)
		}
		return e
	}
	enginetest.Conformance(t, shared, map[Precision]float64{FP32: 1e-5, TF32: 2e-3, BF16: 1e-2}[p])
}

func TestConformance(t *testing.T) {
	for _, p := range []Precision{FP32, TF32, BF16} {
		t.Run(string(p), func(t *testing.T) { conform(t, p) })
	}
}

// The same with all alternatives, of which on the emulation most are the faster.
func TestConformanceOfAlternatives(t *testing.T) {
	t.Setenv(fuseVariable, "1")
	t.Setenv(choicesVariable, filepath.Join(t.TempDir(), "plans.tsv"))
	conform(t, BF16)
}
