package data

import (
	"fmt"
	"slices"
	"strings"
)

// Sampling is a way of going through the training set in an epoch.
type Sampling string

// The ways of going through the training set.
const (
	Shuffle         Sampling = "shuffle"          // a new permutation every epoch
	WithReplacement Sampling = "with-replacement" // independent uniform draws
	Sequential      Sampling = "sequential"       // the set's own order
	Full            Sampling = "full"             // the set's own order, one step per epoch (gradient descent)
)

// Samplings lists every Sampling, the default first.
var Samplings = []Sampling{Shuffle, WithReplacement, Sequential, Full}

// ParseSampling returns the Sampling of that name.
func ParseSampling(name string) (Sampling, error) {
	if s := Sampling(name); slices.Contains(Samplings, s) {
		return s, nil
	}
	names := make([]string, len(Samplings))
	for i, s := range Samplings {
		names[i] = string(s)
	}
	return "", fmt.Errorf("unknown sampling %q: choose one of %s", name, strings.Join(names, ", "))
}

// Order returns the n indices into a training set of n images in the order in
// which an epoch uses them. It depends on its arguments alone. It panics on a
// Sampling that ParseSampling does not know.
func Order(seed uint64, epoch, n int, how Sampling) []int32 {
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	r := newRand(seed, streamOrder, uint64(epoch))
	switch how {
	case Sequential, Full:
	case WithReplacement:
		for i := range order {
			order[i] = r.Int32N(int32(n))
		}
	case Shuffle:
		// Not r.Shuffle: its draws differ between 32-bit and 64-bit platforms.
		for i := n - 1; i > 0; i-- {
			j := r.Int32N(int32(i + 1))
			order[i], order[j] = order[j], order[i]
		}
	default:
		panic(fmt.Sprintf("data: unknown sampling %q", how))
	}
	return order
}

// LabelNoise returns normal numbers of the given standard deviation for the n
// examples of a mini-batch. It depends on its arguments alone.
func LabelNoise(seed uint64, epoch, step, n int, deviation float64) []float64 {
	r := newRand(seed, streamLabelNoise, uint64(epoch), uint64(step))
	noise := make([]float64, n)
	for i := range noise {
		noise[i] = deviation * r.NormFloat64()
	}
	return noise
}

// LabelFlips returns what is added, modulo the number of classes, to the labels of
// the n examples of a mini-batch: 0 or, with probability p, any other number below
// the number of classes, which is 2 or more. It depends on its arguments alone.
func LabelFlips(seed uint64, epoch, step, n, classes int, p float64) []int32 {
	r := newRand(seed, streamLabelFlips, uint64(epoch), uint64(step))
	flips := make([]int32, n)
	for i := range flips {
		flip, to := r.Float64() < p, 1+r.Int32N(int32(classes-1))
		if flip {
			flips[i] = to
		}
	}
	return flips
}

// GradientNoise returns n standard normal numbers for the gradient of a step. It
// depends on its arguments alone.
func GradientNoise(seed uint64, epoch, step, n int) []float64 {
	r := newRand(seed, streamGradientNoise, uint64(epoch), uint64(step))
	noise := make([]float64, n)
	for i := range noise {
		noise[i] = r.NormFloat64()
	}
	return noise
}

// CropPadding is the number of zero pixels around an image out of which
// augmentation crops its size again.
const CropPadding = 4

// Augmentation returns a row (dy, dx, flip) for each of the n images of a
// mini-batch: the crop's offset in the padded image, 0 to 2·CropPadding
// (CropPadding means no shift), and 1 for a horizontal flip, else 0. It depends
// on its arguments alone.
func Augmentation(seed uint64, epoch, step, n int) []int32 {
	r := newRand(seed, streamAugmentation, uint64(epoch), uint64(step))
	rows := make([]int32, 0, 3*n)
	for range n {
		dy, dx, flip := r.Int32N(2*CropPadding+1), r.Int32N(2*CropPadding+1), r.Int32N(2)
		rows = append(rows, dy, dx, flip)
	}
	return rows
}
