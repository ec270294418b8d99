package measure

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// literal is the paper's definition, word for word, with two-pass correlations.
func literal(rows [][]float64, threshold float64) Sparsity {
	units := len(rows[0])
	column := func(u int) []float64 {
		c := make([]float64, len(rows))
		for i, row := range rows {
			c[i] = row[u]
		}
		return c
	}
	positive := func(u int) (n int) {
		for _, v := range column(u) {
			if v > 0 {
				n++
			}
		}
		return n
	}
	var s Sparsity
	remaining := make([]bool, units)
	for u := range units {
		remaining[u] = positive(u) > 0
		s.Active += float64(positive(u)) / float64(units*len(rows))
		if !remaining[u] {
			s.Dead++
		}
	}
	for i := range units {
		for j := range units {
			if i != j && remaining[i] && remaining[j] && math.Abs(pearson(column(i), column(j))) > threshold {
				remaining[i] = false
				s.Duplicates++
			}
		}
	}
	for u := range units {
		if remaining[u] {
			s.Distinct += float64(positive(u)) / float64(units*len(rows))
		}
	}
	return s
}

func pearson(a, b []float64) float64 {
	if slices.Min(a) == slices.Max(a) || slices.Min(b) == slices.Max(b) {
		return 0
	}
	mean := func(x []float64) (m float64) {
		for _, v := range x {
			m += v / float64(len(x))
		}
		return m
	}
	ma, mb := mean(a), mean(b)
	var ab, aa, bb float64
	for i := range a {
		ab += (a[i] - ma) * (b[i] - mb)
		aa += (a[i] - ma) * (a[i] - ma)
		bb += (b[i] - mb) * (b[i] - mb)
	}
	return ab / math.Sqrt(aa*bb)
}

// planted makes features after a ReLU: random units, duplicates up to a scale, a
// shift and noise, dead and constant units, one that fires once, and one with a
// NaN.
func planted(rng *rand.Rand, images, units int) [][]float64 {
	rows := make([][]float64, images)
	for i := range rows {
		rows[i] = make([]float64, units)
	}
	for u := range units {
		kind, source := rng.IntN(10), rng.IntN(units)
		scale, shift, noise := math.Exp(rng.NormFloat64()), rng.Float64(), []float64{0, 0.1, 0.3, 0.5}[rng.IntN(4)]
		for i := range rows {
			v := max(0, rng.NormFloat64()+shift-0.5)
			switch {
			case kind == 0:
				v = 0
			case kind == 1:
				v = scale
			case kind == 2 && i != images/2:
				v = 0
			case kind == 3 && i == images/3 && images > 3:
				v = math.NaN()
			case kind >= 5 && source < u && images > 1:
				v = max(0, scale*rows[i][source]+noise*scale*rng.NormFloat64())
			}
			rows[i][u] = v
		}
	}
	return rows
}

func TestSparsity(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	duplicates := 0
	for _, size := range [][2]int{{1, 1}, {1, 5}, {2, 3}, {12, 100}, {127, 31}, {128, 33}, {129, 64}, {500, 61}, {1001, 40}} {
		for _, threshold := range []float64{0.5, DuplicateConv, DuplicateConnected, DuplicateOneInput} {
			rows := planted(rng, size[0], size[1])
			want := literal(rows, threshold)
			duplicates += want.Duplicates
			if got := inBatches(t, rng, rows).Sparsity(threshold); !close(got, want) {
				t.Errorf("%v, threshold %v: %+v, want %+v", size, threshold, got, want)
			}
		}
	}
	if duplicates < 100 {
		t.Errorf("only %d duplicates were planted", duplicates)
	}
}

// inBatches adds the rows in mini-batches of random sizes.
func inBatches(t *testing.T, rng *rand.Rand, rows [][]float64) *Features[float64] {
	f := NewFeatures[float64](len(rows[0]), len(rows))
	for first := 0; first < len(rows); {
		n := min(1+rng.IntN(50), len(rows)-first)
		if err := f.Add(slices.Concat(rows[first : first+n]...)); err != nil {
			t.Fatal(err)
		}
		first += n
	}
	return f
}

func close(a, b Sparsity) bool {
	return a.Dead == b.Dead && a.Duplicates == b.Duplicates &&
		math.Abs(a.Active-b.Active) < 1e-12 && math.Abs(a.Distinct-b.Distinct) < 1e-12
}

// Float32 features give what the same numbers give as float64.
func TestSparsityFloat32(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	narrow := NewFeatures[float32](50, 0)
	rows := planted(rng, 300, 50)
	for _, row := range rows {
		r := make([]float32, len(row))
		for u := range row {
			r[u] = float32(row[u])
			row[u] = float64(r[u])
		}
		if err := narrow.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := narrow.Sparsity(0.95), literal(rows, 0.95); !close(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// A large mean, and energy in a single image, must not lose the correlation.
func TestSparsityHardColumns(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	rows := make([][]float64, 400)
	for i := range rows {
		a, b := rng.Float64(), rng.Float64()
		rows[i] = []float64{1e6 + a, 1e6 + 2*a, 1e6 + b, 3 - a, a * 1e-100, 0, 0, a * 1e-30}
	}
	rows[399][5], rows[399][6] = 7, 1e-3
	want := literal(rows, 0.95)
	if want.Duplicates != 5 {
		t.Fatalf("%d duplicates, want 5", want.Duplicates)
	}
	if got := inBatches(t, rng, rows).Sparsity(0.95); !close(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestLastOfAGroupStays(t *testing.T) {
	f := NewFeatures[float64](3, 4) // unit 2 = 2·unit 0, and unit 1 differs
	if err := f.Add([]float64{1, 0, 2, 0, 1, 0, 0, 1, 0, 1, 1, 2}); err != nil {
		t.Fatal(err)
	}
	f.values[2][3] = 1.9
	s := f.Sparsity(0.95)
	if want := (Sparsity{Active: 7. / 12, Distinct: 5. / 12, Duplicates: 1}); s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
}

func TestNormalizeRows(t *testing.T) {
	f := NewFeatures[float64](2, 3)
	if err := f.Add([]float64{3, 4, 0, 0, 0, 5}); err != nil {
		t.Fatal(err)
	}
	f.NormalizeRows()
	if got, want := fmt.Sprint(f.values), "[[0.6 0 0] [0.8 0 1]]"; got != want {
		t.Errorf("columns %s, want %s", got, want)
	}
}

func TestAddRefusesPartialRows(t *testing.T) {
	if err := NewFeatures[float32](3, 1).Add(make([]float32, 4)); err == nil {
		t.Error("4 features for 3 units: no error")
	}
	if err := NewFeatures[float32](0, 1).Add(nil); err == nil {
		t.Error("no units: no error")
	}
}

func TestNoImages(t *testing.T) {
	s := NewFeatures[float64](3, 0).Sparsity(0.95)
	if !math.IsNaN(s.Active) || !math.IsNaN(s.Distinct) || s.Dead != 3 {
		t.Errorf("%+v", s)
	}
}

func TestDrawUnits(t *testing.T) {
	if got := DrawUnits(5, 9, 1); !slices.Equal(got, []int{0, 1, 2, 3, 4}) {
		t.Errorf("all of 5: %v", got)
	}
	a, b := DrawUnits(65536, 1000, 1), DrawUnits(65536, 1000, 2)
	if len(a) != 1000 || !slices.IsSorted(a) || len(slices.Compact(slices.Clone(a))) != 1000 {
		t.Errorf("not 1000 different units in order")
	}
	if !slices.Equal(a, DrawUnits(65536, 1000, 1)) || slices.Equal(a, b) {
		t.Errorf("the seed does not decide the draw")
	}
	counts := make([]int, 10)
	for seed := range uint64(10000) {
		for _, u := range DrawUnits(10, 3, seed) {
			counts[u]++
		}
	}
	for u, n := range counts { // 3000 ± 46
		if n < 2770 || n > 3230 {
			t.Errorf("unit %d drawn %d times of 10000, want about 3000", u, n)
		}
	}
}

// The paper's size: 1,000 units on 10,752 images.
func BenchmarkSparsity(b *testing.B) {
	const images = 10_752
	rng := rand.New(rand.NewPCG(1, 2))
	for _, shared := range []float64{0, 0.5, 1} {
		f := NewFeatures[float32](SparsityUnits, images)
		row := make([]float32, SparsityUnits)
		for range images {
			common := rng.NormFloat64() // makes the correlations positive
			for u := range row {
				row[u] = float32(max(0, shared*common+rng.NormFloat64()))
			}
			f.Add(row)
		}
		b.Run(fmt.Sprintf("shared=%g", shared), func(b *testing.B) {
			for b.Loop() {
				f.Sparsity(DuplicateConv)
			}
		})
	}
}

func BenchmarkAdd(b *testing.B) {
	rows := make([]float32, 200*SparsityUnits)
	f := NewFeatures[float32](SparsityUnits, 200*100)
	for b.Loop() {
		for u := range f.values {
			f.values[u] = f.values[u][:0]
		}
		f.Add(rows)
	}
	b.SetBytes(int64(4 * len(rows)))
}
