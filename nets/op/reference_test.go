package op_test

import (
	"testing"

	"gorgonia.org/tensor"
	"largestep/nets/op"
	"largestep/train/machine/enginetest"
)

func reference(*testing.T) op.Engine { return op.Reference{} }

// The kernels that other engines take from the reference.
func TestFormulas(t *testing.T) {
	t.Run("float32", func(t *testing.T) { enginetest.Formulas(t, reference, tensor.Float32, 1e-6) })
	t.Run("float64", func(t *testing.T) { enginetest.Formulas(t, reference, tensor.Float64, 1e-7) }) // pixels are float32
}

func TestGradients(t *testing.T) {
	t.Run("float32", func(t *testing.T) { enginetest.Gradients(t, reference, tensor.Float32, 1e-5) })
	t.Run("float64", func(t *testing.T) { enginetest.Gradients(t, reference, tensor.Float64, 1e-6) })
}

func TestTangents(t *testing.T) {
	t.Run("float32", func(t *testing.T) { enginetest.Tangents(t, reference, tensor.Float32, 2e-5) })
	t.Run("float64", func(t *testing.T) { enginetest.Tangents(t, reference, tensor.Float64, 1e-6) })
}
