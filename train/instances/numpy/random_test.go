package numpy

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// The wanted numbers of this file were printed by NumPy 2.4.6 with glibc 2.36.

func TestNormal(t *testing.T) {
	for seed, want := range map[uint32][]float64{
		0:              {1.764052345967664, 0.4001572083672233, 0.9787379841057392, 2.240893199201458, 1.8675579901499675},
		1:              {1.6243453636632417, -0.6117564136500754, -0.5281717522634557, -1.0729686221561705, 0.8654076293246785},
		42:             {0.4967141530112327, -0.13826430117118466, 0.6476885381006925, 1.5230298564080254, -0.23415337472333597},
		math.MaxUint32: {0.6484086742306527, 0.6693235306338161, -1.0805437227474493, 0.2845010447986309, 0.11388773652167104},
	} {
		if got := NewRandomState(seed).Normal(len(want)); !slices.Equal(got, want) {
			t.Errorf("seed %d: randn is %v, want %v", seed, got, want)
		}
	}
}

// All of the numbers that the documentation promises to be glibc's, to the bit.
func TestNormalChecksum(t *testing.T) {
	const want = "143cbdceca80d62aee5a961ad3e185d41c67440caf3b3bdf48b28140c15b83f7"
	if got := checksum(NewRandomState(0).Normal(216200)); got != want {
		t.Errorf("sha256(RandomState(0).randn(216200)) is %s, want %s", got, want)
	}
}

func TestFloat64(t *testing.T) {
	const want = "463d31d765ce302b751b7319c84f1179c3f69b41af5303aba8c7aab70c48ae33"
	r, x := NewRandomState(12345), make([]float64, 1000)
	for i := range x {
		x[i] = r.Float64()
	}
	if got := checksum(x); got != want {
		t.Errorf("sha256(RandomState(12345).random_sample(1000)) is %s, want %s", got, want)
	}
}

func TestIntn(t *testing.T) {
	for n, want := range map[int][]int{
		1:          {0, 0, 0, 0, 0, 0},
		2:          {1, 0, 1, 0, 1, 1},
		3:          {0, 1, 2, 0, 1, 2},
		64:         {47, 4, 25, 54, 3, 19},
		65:         {47, 25, 23, 57, 14, 23},
		80:         {47, 68, 25, 67, 23, 57},
		1000:       {175, 196, 537, 502, 579, 211},
		1 << 31:    {327741615, 976413892, 1202242073, 1369975286, 1882953283, 2053951699},
		3000000000: {327741615, 976413892, 1369975286, 1882953283, 1956722279, 1322904761},
		1<<32 - 1:  {327741615, 976413892, 3349725721, 1369975286, 1882953283, 4201435347},
	} {
		r, got := NewRandomState(7), make([]int, 6)
		for i := range got {
			got[i] = r.Intn(n)
		}
		if !slices.Equal(got, want) {
			t.Errorf("randint(%d) is %v, want %v", n, got, want)
		}
	}
}

// The second number of a pair waits through other draws.
func TestMixedDraws(t *testing.T) {
	r := NewRandomState(3)
	got := fmt.Sprint(r.NormFloat64(), r.Intn(10), r.NormFloat64(), r.Float64(), r.NormFloat64())
	if want := "1.7886284734303186 8 0.43650985051198943 0.12132858120521606 -1.740249209567919"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestIntnPanics(t *testing.T) {
	for _, n := range []int{-1, 0, 1 << 32} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Intn(%d) did not panic", n)
				}
			}()
			NewRandomState(0).Intn(n)
		}()
	}
}

// log against the logarithm by Newton's method on exp's series, in 200 bits.
func TestLog(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	xs := []float64{0x1p-106, 0.5, 0x1.6a09e667f3bccp-1, 0x1.6a09e667f3bcdp-1, math.Nextafter(1, 0), 0x1.fp-1}
	for range 300 {
		xs = append(xs, rng.Float64(), math.Exp(-70*rng.Float64()))
	}
	for _, x := range xs {
		hi, lo := log(x)
		want := bigLog(x)
		if nearest, _ := want.Float64(); hi != nearest {
			t.Errorf("log(%x) is %x, want %x", x, hi, nearest)
		}
		diff := new(big.Float).Sub(want, big.NewFloat(hi))
		diff.Sub(diff, big.NewFloat(lo)).Quo(diff, want)
		if d, _ := diff.Float64(); !(math.Abs(d) <= 0x1p-85) {
			t.Errorf("log(%x): relative error %g", x, d)
		}
	}
}

func bigLog(x float64) *big.Float {
	y := new(big.Float).SetPrec(200).SetFloat64(math.Log(x))
	for range 2 { // y += x·exp(−y) − 1 halves the number of wrong bits
		e := bigExp(new(big.Float).Neg(y))
		e.Mul(e, big.NewFloat(x)).Sub(e, big.NewFloat(1))
		half := new(big.Float).Mul(e, e)
		y.Add(y, e.Sub(e, half.Quo(half, big.NewFloat(2))))
	}
	return y
}

// bigExp is exp(y) = exp(y/2¹⁰)^2¹⁰.
func bigExp(y *big.Float) *big.Float {
	y = new(big.Float).SetPrec(240).SetMantExp(y, -10)
	e, term := big.NewFloat(1).SetPrec(240), big.NewFloat(1).SetPrec(240)
	for k := 1; k < 40; k++ {
		term.Mul(term, y).Quo(term, big.NewFloat(float64(k)))
		e.Add(e, term)
	}
	for range 10 {
		e.Mul(e, e)
	}
	return e
}

func checksum(x []float64) string {
	h := sha256.New()
	for _, v := range x {
		h.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(v)))
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func BenchmarkNormal(b *testing.B) {
	r := NewRandomState(0)
	for b.Loop() {
		r.NormFloat64()
	}
}
