package op_test

import (
	"testing"

	"largestep/nets/op"
	"largestep/train/machine/enginetest"
)

func TestGradients(t *testing.T) {
	enginetest.Gradients(t, func(*testing.T) op.Engine { return op.Reference{} })
}
