package data

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// labelled are images of one pixel with these labels, of classes a, b, c, ….
func labelled(labels ...int32) *Images {
	im := &Images{Side: 1, Labels: labels}
	for i := range labels {
		im.Pixels = append(im.Pixels, uint8(i), uint8(i>>8), 0)
	}
	for c := range slices.Max(labels) + 1 {
		im.Classes = append(im.Classes, string('a'+c))
	}
	return im
}

// number is that of a chosen image in the set.
func number(im *Images, i int) int { return int(im.Image(i)[0]) + int(im.Image(i)[1])<<8 }

func TestChoice(t *testing.T) {
	sorted := make([]int32, 3000) // class by class
	for i := range sorted {
		sorted[i] = int32(i / 300)
	}
	all := labelled(sorted...)
	chosen := func(n int, how Choice, seed uint64) []int {
		t.Helper()
		part, err := all.choose(n, how, newRand(seed, streamTrainSubset))
		if err != nil {
			t.Fatal(err)
		}
		var numbers []int
		for i := range part.Len() {
			k := number(part, i)
			if part.Labels[i] != all.Labels[k] {
				t.Fatalf("image %d has the label %d, want %d", k, part.Labels[i], all.Labels[k])
			}
			numbers = append(numbers, k)
		}
		if unique := slices.Compact(slices.Sorted(slices.Values(numbers))); len(unique) != len(numbers) {
			t.Errorf("%v: %d images, %d different ones", how, len(numbers), len(unique))
		}
		return numbers
	}
	if got := chosen(4, First, 0); !slices.Equal(got, []int{0, 1, 2, 3}) {
		t.Errorf("first: %v", got)
	}
	if got := chosen(12, Balanced, 0); !slices.Equal(got, []int{0, 300, 600, 900, 1200, 1500, 1800, 2100, 2400, 2700, 1, 301}) {
		t.Errorf("balanced: %v", got)
	}
	a, b, c := chosen(500, Random, 1), chosen(500, Random, 1), chosen(500, Random, 2)
	if !slices.Equal(a, b) || slices.Equal(a, c) || len(chosen(0, Random, 1)) != 3000 {
		t.Error("a random choice does not depend on the seed, or on more")
	}
	counts := make([]int, 10)
	for _, k := range a {
		counts[k/300]++
	}
	if z := chiSquared(counts); z > 3.5 || z < -3.5 {
		t.Errorf("random images of the classes: %v (%.1f)", counts, z)
	}
}

// A class with few images does not end the turns of the others.
func TestBalancedOfFew(t *testing.T) {
	part, err := labelled(0, 1, 2, 0, 1, 0, 0, 1).choose(7, Balanced, nil)
	if err != nil || !slices.Equal(part.Labels, []int32{0, 1, 2, 0, 1, 0, 1}) {
		t.Errorf("%v, %v", part, err)
	}
}

func TestDoubts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	fair, sorted := make([]int32, 5000), make([]int32, 5000)
	for i := range fair {
		fair[i], sorted[i] = r.Int32N(10), int32(i/500)
	}
	skew := slices.Concat(make([]int32, 900), fair) // 10 classes, the first 900 of one
	rare := make([]int32, 5000)                     // one in a hundred is of class b, which is right
	for i := 0; i < 5000; i += 100 {
		rare[i] = 1
	}
	for name, c := range map[string]struct {
		of   []int32
		n    int
		how  Choice
		want string // "" for none
	}{
		"all":          {sorted, 0, First, ""},
		"fair":         {fair, 300, First, ""},
		"few but fair": {fair, 60, First, ""},
		"one class":    {sorted, 400, First, "the 400 of 5000 images that are chosen lack 9 of 10 classes, such as b"},
		"balanced":     {sorted, 400, Balanced, ""},
		"random":       {sorted, 400, Random, ""},
		"skew":         {skew, 1300, First, "of a class, where there are"},
		"rare":         {rare, 1000, First, ""},
		"rare, lacked": {rare[1:], 90, First, "lack 1 of 2 classes, such as b"},
	} {
		part, err := labelled(c.of...).choose(c.n, c.how, r)
		if err != nil || !strings.Contains(part.Doubt, c.want) || (part.Doubt == "") != (c.want == "") {
			t.Errorf("%s: %q, %v, want %q", name, part.Doubt, err, c.want)
		}
	}
}

func TestParseChoice(t *testing.T) {
	for _, c := range Choices {
		if got, err := ParseChoice(c.String()); err != nil || got != c {
			t.Errorf("%v: %v, %v", c, got, err)
		}
	}
	_, err := ParseChoice("last")
	wantError(t, err, `unknown subset "last": choose one of first, random, balanced`)
	_, err = labelled(0).choose(1, "last", nil)
	wantError(t, err, `unknown subset "last"`)
	_, err = Place{Set: madeUp}.LoadPart(Part{Train: 1, Test: 1, Choice: Balanced})
	wantError(t, err, "nothing to choose from")
}
