package pass

import "math"

// CrossEntropy returns the mean over the images of
// −log softmax(logits)[label], for logits (images × classes). Labels must be
// in [0, classes). Logits that are not finite give a loss that is not.
func CrossEntropy(logits []float32, labels []int32, classes int) float64 {
	need(len(labels)*classes, logits)
	var sum float64
	for n, label := range labels {
		sum += imageLoss(logits[n*classes:(n+1)*classes], label)
	}
	return sum / float64(len(labels))
}

// CrossEntropyGrad computes the gradient of CrossEntropy:
// dlogits = (softmax(logits) − onehot(labels)) / images · dloss.
// dlogits may be logits.
func CrossEntropyGrad(dlogits, logits []float32, labels []int32, classes int, dloss float32) {
	need(len(labels)*classes, logits, dlogits)
	share := float64(dloss) / float64(len(labels))
	for n, label := range labels {
		row := logits[n*classes : (n+1)*classes]
		logSum := logSumExp(row)
		for c, v := range row {
			probability := math.Exp(float64(v) - logSum)
			if c == int(label) {
				probability--
			}
			dlogits[n*classes+c] = float32(probability * share)
		}
	}
}

// Totals add up over the mini-batches of an evaluation.
type Totals struct {
	Loss   float64 // sum of the images' losses
	Errors float64 // images whose largest logit is not their label's
	Images float64
}

// Evaluate adds a mini-batch to the totals, images with a negative label left
// out. An image with a NaN among its logits is an error.
func (t *Totals) Evaluate(logits []float32, labels []int32, classes int) {
	need(len(labels)*classes, logits)
	for n, label := range labels {
		if label < 0 {
			continue
		}
		row := logits[n*classes : (n+1)*classes]
		t.Loss += imageLoss(row, label)
		t.Images++
		if argMax(row) != int(label) {
			t.Errors++
		}
	}
}

func imageLoss(logits []float32, label int32) float64 {
	return logSumExp(logits) - float64(logits[label])
}

// logSumExp returns log Σ exp(v), NaN if that has no value.
func logSumExp(logits []float32) float64 {
	largest := math.Inf(-1)
	for _, v := range logits {
		largest = max(largest, float64(v)) // NaN stays NaN
	}
	var sum float64
	for _, v := range logits {
		sum += math.Exp(float64(v) - largest)
	}
	return largest + math.Log(sum)
}

// argMax returns the first index of the largest logit, −1 if one is NaN.
func argMax(logits []float32) int {
	best := 0
	for c, v := range logits {
		if v != v {
			return -1
		}
		if v > logits[best] {
			best = c
		}
	}
	return best
}
