package data

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// Choice is a way of choosing some images of a set.
type Choice string

// The choices.
const (
	First    Choice = ""         // the set's own order
	Random   Choice = "random"   // drawn from a seed, without replacement
	Balanced Choice = "balanced" // of each class as many, as far as there are, in turn
)

// Choices lists every Choice, the default first.
var Choices = []Choice{First, Random, Balanced}

// String is "first", "random" or "balanced".
func (c Choice) String() string {
	if c == First {
		return "first"
	}
	return string(c)
}

// ParseChoice reads what String gives.
func ParseChoice(text string) (Choice, error) {
	var known []string
	for _, c := range Choices {
		if c.String() == text {
			return c, nil
		}
		known = append(known, c.String())
	}
	return First, fmt.Errorf("unknown subset %q: choose one of %s", text, strings.Join(known, ", "))
}

// choose returns n images, or all if n is 0. The generator is of a random choice.
func (im *Images) choose(n int, how Choice, r *rand.Rand) (*Images, error) {
	if n == 0 {
		n = im.Len()
	}
	part, err := im.Subset(n)
	if err != nil {
		return nil, err
	}
	switch how {
	case First:
	case Random:
		part = im.pick(drawn(r, im.Len(), n))
	case Balanced:
		part = im.pick(im.inTurn(n))
	default:
		return nil, fmt.Errorf("unknown subset %q", string(how))
	}
	part.Doubt = im.doubt(part)
	return part, nil
}

// pick copies some images.
func (im *Images) pick(index []int) *Images {
	part := &Images{Side: im.Side, Classes: im.Classes, Pixels: make([]uint8, 0, len(index)*im.ImageBytes())}
	for _, i := range index {
		part.Labels = append(part.Labels, im.Labels[i])
		part.Pixels = append(part.Pixels, im.Image(i)...)
	}
	return part
}

// drawn are n different numbers below all.
func drawn(r *rand.Rand, all, n int) []int {
	index := make([]int, all)
	for i := range index {
		index[i] = i
	}
	for i := range n {
		j := i + int(r.Int32N(int32(all-i)))
		index[i], index[j] = index[j], index[i]
	}
	return index[:n]
}

// inTurn lists n images, one of each class after the other, of each the first.
func (im *Images) inTurn(n int) (index []int) {
	byClass := make([][]int, len(im.Classes))
	for i, l := range im.Labels {
		byClass[l] = append(byClass[l], i)
	}
	for k := 0; len(index) < n; k++ {
		for _, of := range byClass {
			if k < len(of) && len(index) < n {
				index = append(index, of[k])
			}
		}
	}
	return index
}

// counts are the images of each class.
func (im *Images) counts() []int {
	counts := make([]int, len(im.Classes))
	for _, l := range im.Labels {
		counts[l]++
	}
	return counts
}

// doubt says what is odd about a part of the images: that it lacks classes, or that
// their shares are far from those of the whole.
func (im *Images) doubt(part *Images) string {
	all, some := im.counts(), part.counts()
	var lacks []string
	for c, n := range all {
		if n > 0 && some[c] == 0 {
			lacks = append(lacks, im.Classes[c])
		}
	}
	what := fmt.Sprintf("the %d of %d images that are chosen", part.Len(), im.Len())
	if len(lacks) > 0 {
		return fmt.Sprintf("%s lack %d of %d classes, such as %s", what, len(lacks), len(im.Classes), lacks[0])
	}
	if !uneven(all, some) {
		return ""
	}
	none := func(n int) bool { return n == 0 }
	all, some = slices.DeleteFunc(all, none), slices.DeleteFunc(some, none)
	return fmt.Sprintf("%s are %d to %d of a class, where there are %d to %d", what, slices.Min(some), slices.Max(some), slices.Min(all), slices.Max(all))
}

// uneven tells whether the counts of a part differ from those that the whole leads
// to expect by more than chance does, and one of them by more than a factor of 2:
// Pearson's χ² is more than 6 standard deviations above its mean.
func uneven(all, part []int) bool {
	total, n, classes := 0, 0, 0
	for c := range all {
		total, n = total+all[c], n+part[c]
		if all[c] > 0 {
			classes++
		}
	}
	chi2, worst := 0.0, 1.0
	for c := range all {
		if all[c] == 0 {
			continue
		}
		expected, got := float64(n)*float64(all[c])/float64(total), float64(part[c])
		chi2 += (got - expected) * (got - expected) / expected
		worst = max(worst, got/expected, expected/got)
	}
	freedom := float64(classes - 1)
	return worst > 2 && chi2 > freedom+6*math.Sqrt(2*freedom)
}
