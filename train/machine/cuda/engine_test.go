//go:build gpu

package cuda

import (
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"
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

// conform runs operations on one engine, since to open one takes a while, and on
// another after a failure: all, or those whose names have one of some words.
func conform(t *testing.T, p Precision, words ...string) {
	e := open(t, p)
	shared := func(t *testing.T) op.Engine {
		if len(words) > 0 && !slices.ContainsFunc(words, func(w string) bool { return strings.Contains(t.Name(), w) }) {
			t.Skip("has no alternatives")
		}
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

// What products with the Hessian compute: all sizes beside the reference, and beside
// central differences in float32.
func TestTangents(t *testing.T) {
	for p, tolerance := range map[Precision]float64{FP32: 2e-5, BF16: 2e-2} {
		t.Run(string(p), func(t *testing.T) {
			e := open(t, p)
			enginetest.TangentKernels(t, func(*testing.T) op.Engine { return e }, tolerance)
		})
	}
	t.Run("differences", func(t *testing.T) {
		e := open(t, FP32)
		enginetest.Tangents(t, func(*testing.T) op.Engine { return e }, tensor.Float32, 2e-5)
	})
}

// The same with all alternatives, of which on the emulation most are the faster.
func TestConformanceOfAlternatives(t *testing.T) {
	for _, p := range []Precision{FP32, BF16} {
		t.Run(string(p), func(t *testing.T) {
			try(t, "1")
			conform(t, p, "batch_norm/", "residual", "resnet18")
		})
	}
}
