package op_test

import (
	"math"
	"slices"
	"testing"

	"gorgonia.org/tensor"
	"largestep/nets/op"
)

func host(dtype tensor.Dtype, data any, shape ...int) op.Tensor {
	return op.Tensor{Spec: op.Spec{Kind: op.Plain, Dtype: dtype, Shape: shape}, Data: data}
}

func TestCrossEntropyIsStable(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, test := range []struct {
		logits []float32
		want   float32 // of label 0; NaN stands for not finite
	}{
		{[]float32{1e4, 0, 0}, 0},
		{[]float32{0, 1e4, 0}, 1e4},
		{[]float32{3e38, -3e38, 0}, 0},
		{[]float32{-inf, 0, 0}, nan},
		{[]float32{inf, 0, 0}, nan},
		{[]float32{0, inf, inf}, nan},
		{[]float32{-inf, -inf, -inf}, nan},
		{[]float32{nan, 0, 0}, nan},
		{[]float32{0, 0, nan}, nan},
	} {
		loss := []float32{0}
		op.Reference{}.CrossEntropy(host(tensor.Float32, loss, 1), host(tensor.Float32, test.logits, 1, 3), host(tensor.Int32, []int32{0}, 1))
		finite := loss[0]-loss[0] == 0
		if wanted := test.want == test.want; finite != wanted || (finite && loss[0] != test.want) {
			t.Errorf("loss of %v = %v, want %v", test.logits, loss[0], test.want)
		}
	}
}

func score(logits []float32, labels ...int32) []float64 {
	totals := []float64{0, 0, 0}
	op.Reference{}.Score(host(tensor.Float64, totals, 3), host(tensor.Float32, logits, len(labels), 3),
		host(tensor.Int32, labels, len(labels)))
	return totals
}

func TestScoreCountsErrors(t *testing.T) {
	nan := float32(math.NaN())
	got := score([]float32{
		1, 2, 3, // right
		3, 2, 1, // wrong
		nan, nan, nan, // left out
		2, 2, 1, // a tie goes to the first
		5, 0, 0,
	}, 2, 1, -1, 0, 0)
	if !slices.Equal(got[1:], []float64{1, 4}) || !(got[0] > 0) {
		t.Errorf("loss, errors and images %v, want 1 error of 4 images", got)
	}
	for label := range int32(3) {
		for at := range 3 {
			logits := []float32{1, 1, 1}
			logits[at] = nan
			if got := score(logits, label); got[1] != 1 || got[0] == got[0] {
				t.Errorf("label %d, NaN at %d: loss, errors and images %v, want NaN, 1, 1", label, at, got)
			}
		}
	}
}
