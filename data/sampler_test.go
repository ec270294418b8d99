package data

import (
	"math"
	"slices"
	"testing"
)

func TestLabelNoise(t *testing.T) {
	const n = 10_000
	noise := LabelNoise(1, 2, 3, n, 0.5)
	if !slices.Equal(noise, LabelNoise(1, 2, 3, n, 0.5)) || slices.Equal(noise, LabelNoise(1, 2, 4, n, 0.5)) {
		t.Error("the noise does not depend on its arguments alone, or not on the step")
	}
	sum, squares := 0.0, 0.0
	for _, x := range noise {
		sum += x
		squares += x * x
	}
	if mean, deviation := sum/n, math.Sqrt(squares/n); !(math.Abs(mean) <= 0.02) || !(math.Abs(deviation-0.5) <= 0.015) {
		t.Errorf("mean %g, deviation %g, want 0, 0.5", mean, deviation)
	}
}

// Each class becomes any other with the same probability, none itself.
func TestLabelFlips(t *testing.T) {
	const n, classes, p = 100_000, 5, 0.4
	flips := LabelFlips(1, 2, 3, n, classes, p)
	if !slices.Equal(flips, LabelFlips(1, 2, 3, n, classes, p)) || slices.Equal(flips, LabelFlips(1, 2, 4, n, classes, p)) {
		t.Error("the flips do not depend on their arguments alone, or not on the step")
	}
	var counts [classes]float64
	for _, f := range flips {
		counts[f]++
	}
	for k, count := range counts {
		want := p / (classes - 1)
		if k == 0 {
			want = 1 - p
		}
		if deviation := math.Sqrt(n * want * (1 - want)); !(math.Abs(count-n*want) <= 4*deviation) {
			t.Errorf("%d added to %g labels, want %g ± %g", k, count, n*want, deviation)
		}
	}
	if slices.Contains(LabelFlips(1, 2, 3, 100, 2, 1), 0) || slices.Max(LabelFlips(1, 2, 3, 100, 2, 0)) != 0 {
		t.Error("with probability 1 a label stays, or with 0 it goes")
	}
}

func TestGradientNoise(t *testing.T) {
	const n = 10_000
	z := GradientNoise(1, 2, 3, n)
	if !slices.Equal(z, GradientNoise(1, 2, 3, n)) || slices.Equal(z, GradientNoise(1, 3, 3, n)) || slices.Equal(z, LabelNoise(1, 2, 3, n, 1)) {
		t.Error("the noise does not depend on its arguments alone, not on the epoch, or is that on the labels")
	}
}

func TestParseSampling(t *testing.T) {
	for _, s := range Samplings {
		if got, err := ParseSampling(string(s)); got != s || err != nil {
			t.Errorf("%q: %q, %v", s, got, err)
		}
	}
	_, err := ParseSampling("Shufle")
	wantError(t, err, `"Shufle"`, "shuffle, with-replacement, sequential, full")
}

func TestOrderIsPermutation(t *testing.T) {
	for _, n := range []int{0, 1, 2, 1000} {
		identity := Order(7, 3, n, Sequential)
		if !slices.IsSorted(identity) || len(identity) != n {
			t.Errorf("sequential: %v", identity)
		}
		if !slices.Equal(Order(7, 3, n, Full), identity) {
			t.Error("full is not the set's own order")
		}
		shuffled := Order(7, 3, n, Shuffle)
		if n == 1000 && slices.Equal(shuffled, identity) {
			t.Error("shuffle did nothing")
		}
		slices.Sort(shuffled)
		if !slices.Equal(shuffled, identity) {
			t.Errorf("shuffle of %d is no permutation", n)
		}
		for _, i := range Order(7, 3, n, WithReplacement) {
			if i < 0 || int(i) >= n {
				t.Errorf("index %d of %d", i, n)
			}
		}
	}
}

// The golden orders keep a resumed run on its course over versions and
// platforms.
func TestOrderIsFixed(t *testing.T) {
	for _, c := range []struct {
		how  Sampling
		want []int32
	}{
		{Shuffle, []int32{1, 8, 9, 7, 6, 5, 0, 2, 3, 4}},
		{WithReplacement, []int32{4, 3, 0, 1, 8, 0, 0, 3, 9, 5}},
	} {
		if got := Order(1, 2, 10, c.how); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.how, got, c.want)
		}
	}
	if got, want := Augmentation(1, 2, 3, 2), []int32{6, 3, 0, 3, 6, 1}; !slices.Equal(got, want) {
		t.Errorf("augmentation: %v, want %v", got, want)
	}
}

func TestOrderDiffers(t *testing.T) {
	for _, how := range []Sampling{Shuffle, WithReplacement} {
		a := Order(1, 1, 1000, how)
		for _, b := range [][]int32{Order(2, 1, 1000, how), Order(1, 2, 1000, how), Order(1, 0, 1000, how)} {
			same := 0
			for i := range a {
				if a[i] == b[i] {
					same++
				}
			}
			if same > 10 { // expected 1, Poisson
				t.Errorf("%s: %d of 1000 places agree between seeds or epochs", how, same)
			}
		}
	}
}

// chiSquared returns Pearson's statistic against equal counts, as a number of
// standard deviations from its mean.
func chiSquared(counts []int) float64 {
	total := 0
	for _, c := range counts {
		total += c
	}
	want, sum := float64(total)/float64(len(counts)), 0.0
	for _, c := range counts {
		sum += (float64(c) - want) * (float64(c) - want) / want
	}
	freedom := float64(len(counts) - 1)
	return (sum - freedom) / math.Sqrt(2*freedom)
}

func TestOrderIsUniform(t *testing.T) {
	const n, epochs = 12, 6000
	for _, how := range []Sampling{Shuffle, WithReplacement} {
		counts := make([]int, n*n) // which example at which place
		for epoch := range epochs {
			for place, i := range Order(5, epoch, n, how) {
				counts[place*n+int(i)]++
			}
		}
		if z := chiSquared(counts); !(math.Abs(z) <= 4) {
			t.Errorf("%s: chi-squared %.1f standard deviations off", how, z)
		}
	}
	drawn := map[int32]bool{}
	for _, i := range Order(5, 0, 10_000, WithReplacement) {
		drawn[i] = true
	}
	// 1 − 1/e of them, deviation 0.0031.
	if share := float64(len(drawn)) / 10_000; !(math.Abs(share-0.632) <= 0.015) {
		t.Errorf("with replacement %.3f of the examples are drawn, want 0.632", share)
	}
}

func TestAugmentation(t *testing.T) {
	const n, steps = 64, 200
	dy, dx, flip, both := make([]int, 9), make([]int, 9), make([]int, 2), make([]int, 81)
	for step := range steps {
		rows := Augmentation(3, 1, step, n)
		if len(rows) != 3*n {
			t.Fatalf("%d numbers, want %d", len(rows), 3*n)
		}
		for row := range slices.Chunk(rows, 3) {
			dy[row[0]]++
			dx[row[1]]++
			flip[row[2]]++
			both[row[0]*9+row[1]]++
		}
	}
	for name, counts := range map[string][]int{"dy": dy, "dx": dx, "flip": flip, "dy and dx": both} {
		if z := chiSquared(counts); !(math.Abs(z) <= 4) {
			t.Errorf("%s: chi-squared %.1f standard deviations off: %v", name, z, counts)
		}
	}
	a := Augmentation(3, 1, 0, n)
	for _, b := range [][]int32{Augmentation(4, 1, 0, n), Augmentation(3, 2, 0, n), Augmentation(3, 1, 1, n)} {
		if slices.Equal(a, b) {
			t.Error("another seed, epoch or step gave the same augmentation")
		}
	}
}
