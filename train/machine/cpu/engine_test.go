package cpu_test

import (
	"testing"

	"gorgonia.org/tensor"
	"largestep/nets/op"
	"largestep/train/machine/cpu"
	"largestep/train/machine/enginetest"
)

func open(threads int) func(t *testing.T) op.Engine {
	return func(t *testing.T) op.Engine {
		e := cpu.New(threads)
		t.Cleanup(func() { e.Close() })
		return e
	}
}

// Direct convolutions are within 1e-6; Winograd's transforms cost a digit.
func TestConformance(t *testing.T) { enginetest.Conformance(t, open(2), 2e-5) }

// In bfloat16, what is rounded is known to 8 bits.
func TestConformanceInBF16(t *testing.T) {
	open := func(t *testing.T) op.Engine {
		e := cpu.NewBF16(2)
		t.Cleanup(func() { e.Close() })
		return e
	}
	if testing.Short() { // of an emulated processor
		enginetest.Formulas(t, open, tensor.Float32, 1e-2)
		return
	}
	enginetest.Conformance(t, open, 1e-2)
}

// The engine's own kernels compute in float32; float64 is the reference's, in its
// layout.
func TestGradients(t *testing.T) {
	t.Run("float32", func(t *testing.T) { enginetest.Gradients(t, open(1), tensor.Float32, 2e-5) })
	t.Run("float64", func(t *testing.T) { enginetest.Gradients(t, open(1), tensor.Float64, 1e-6) })
}

func TestTangents(t *testing.T) {
	t.Run("float32", func(t *testing.T) { enginetest.Tangents(t, open(1), tensor.Float32, 2e-5) })
	t.Run("float64", func(t *testing.T) { enginetest.Tangents(t, open(1), tensor.Float64, 1e-6) })
	t.Run("kernels", func(t *testing.T) { enginetest.TangentKernels(t, open(2), 2e-5) })
}
