package measure

import (
	"math"
	"math/rand/v2"
	"testing"
)

// curve makes n losses: the shape, a function of the fraction of the phase, times
// log-normal noise of the given deviation, a wandering of a fifth of it that
// lasts for a hundredth of the phase, and rare spikes.
func curve(rng *rand.Rand, n int, noise float64, shape func(t float64) float64) []float64 {
	losses, wander, keep := make([]float64, n), 0.0, math.Exp(-100/float64(n))
	for i := range losses {
		wander = keep*wander + math.Sqrt(1-keep*keep)*rng.NormFloat64()
		losses[i] = shape(float64(i)/float64(n)) * math.Exp(noise*(rng.NormFloat64()+wander/5))
		if noise > 0 && rng.IntN(50) == 0 {
			losses[i] *= 20
		}
	}
	return losses
}

// fallTo falls exponentially from 2.3 to the level at time a and stays there.
func fallTo(level, a float64) func(t float64) float64 {
	return func(t float64) float64 {
		if t < a {
			return 2.3 * math.Pow(level/2.3, t/a)
		}
		return level
	}
}

func TestFindPlateau(t *testing.T) {
	noises := []float64{0, 0.05, 0.3, 1}
	for name, c := range map[string]struct {
		shape      func(t float64) float64
		start, end float64 // fractions
	}{
		"after a descent":         {fallTo(0.3, 0.2), 0.2, 1},
		"after a long descent":    {fallTo(0.01, 0.6), 0.6, 1},
		"from the start":          {fallTo(0.4, 0), 0, 1},
		"decaying towards it":     {func(t float64) float64 { return 0.3 + 2*math.Exp(-20*t) }, 0.17, 1},
		"left at the end":         {func(t float64) float64 { return fallTo(0.3, 0.2)(t) * math.Exp(-10*max(0, t-0.7)) }, 0.2, 0.7},
		"left by diverging":       {func(t float64) float64 { return fallTo(0.3, 0.2)(t) * math.Exp(40*max(0, t-0.8)) }, 0.2, 0.8},
		"slow drift along it":     {func(t float64) float64 { return fallTo(0.3, 0.2)(t) * (1.05 - 0.1*t) }, 0.2, 1},
		"a jump to another level": {func(t float64) float64 { return 1 - 0.8*math.Round(0.2+t) }, 0.3, 1},
	} {
		for _, n := range []int{200, 777, 20000} {
			for _, noise := range noises {
				if noise*noise > float64(n)/4000 {
					continue // too few steps for a change to show
				}
				rng := rand.New(rand.NewPCG(uint64(n), uint64(100*noise)))
				losses := curve(rng, n, noise, c.shape)
				p, ok := FindPlateau(losses)
				if !ok {
					t.Errorf("%s, %d steps, noise %v: no plateau", name, n, noise)
					continue
				}
				tolerance := 0.06 + 0.06*noise
				start, end := float64(p.Start)/float64(n), float64(p.End)/float64(n)
				if !(math.Abs(start-c.start) <= tolerance) || !(math.Abs(end-c.end) <= tolerance) {
					t.Errorf("%s, %d steps, noise %v: plateau from %.3f to %.3f, want %v to %v", name, n, noise, start, end, c.start, c.end)
				}
				mean := 0.0
				for _, l := range losses[p.Start:p.End] {
					mean += l / float64(p.End-p.Start)
				}
				if !(math.Abs(p.Level-mean) <= 1e-9*mean) {
					t.Errorf("%s: level %v, want the mean %v", name, p.Level, mean)
				}
			}
		}
	}
}

func TestNoPlateau(t *testing.T) {
	for name, shape := range map[string]func(t float64) float64{
		"exponential":    func(t float64) float64 { return math.Exp(-6 * t) },
		"slow":           func(t float64) float64 { return math.Exp(-t) },
		"one over t":     func(t float64) float64 { return 1 / (t + 1e-3) },
		"diverging":      func(t float64) float64 { return math.Exp(8 * t) },
		"diverging fast": func(t float64) float64 { return math.Exp(math.Exp(6 * t)) },
		"down and up":    func(t float64) float64 { return math.Exp(6 * math.Abs(t-0.5)) },
	} {
		for _, n := range []int{200, 777, 20000} {
			for _, noise := range []float64{0, 0.05, 0.3} {
				if noise*noise > float64(n)/20000 {
					continue // a fall by a factor e may hide in it
				}
				rng := rand.New(rand.NewPCG(uint64(n), uint64(100*noise)))
				if p, ok := FindPlateau(curve(rng, n, noise, shape)); ok {
					t.Errorf("%s, %d steps, noise %v: plateau %+v", name, n, noise, p)
				}
			}
		}
	}
}

func TestPlateauOfFewOrBadLosses(t *testing.T) {
	if p, ok := FindPlateau(make([]float64, 31)); ok {
		t.Errorf("31 steps: %+v", p)
	}
	if p, ok := FindPlateau(nil); ok {
		t.Errorf("no steps: %+v", p)
	}
	losses := curve(rand.New(rand.NewPCG(1, 2)), 2000, 0.1, fallTo(0.3, 0.2))
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		losses[1500] = bad
		if p, ok := FindPlateau(losses); !ok || p.End != 1500 || notFinite(p.Level) {
			t.Errorf("%v at 1500: %+v, %v; want the plateau to end there", bad, p, ok)
		}
	}
	losses[0] = math.NaN()
	if p, ok := FindPlateau(losses); ok {
		t.Errorf("diverged at once: %+v", p)
	}
	if p, ok := FindPlateau(make([]float64, 100)); !ok || p != (Plateau{0, 0, 100, 0}) {
		t.Errorf("zeros: %+v, %v", p, ok)
	}
}

// A fall shorter than a block is no part of the plateau.
func TestPlateauAfterShortFall(t *testing.T) {
	losses := curve(rand.New(rand.NewPCG(1, 2)), 10_000, 0.1, fallTo(0.06, 0))
	copy(losses, []float64{0.65, 0.48, 0.2, 0.06})
	if p, ok := FindPlateau(losses); !ok || p.Start != 3 || p.End != 10_000 {
		t.Errorf("%+v, %v; want 3 to 10000", p, ok)
	}
}

func TestPlateaus(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	losses := append(curve(rng, 5000, 0.2, fallTo(0.3, 0.2)),
		append(curve(rng, 3000, 0.2, func(t float64) float64 { return 0.3 * math.Exp(-8*t) }),
			curve(rng, 2000, 0.2, fallTo(1e-4, 0))...)...)
	got := Plateaus(Losses(losses), []int{0, 5000, 8000})
	if len(got) != 2 || got[0].Phase != 0 || got[1].Phase != 2 {
		t.Fatalf("plateaus %+v, want phases 0 and 2", got)
	}
	if p := got[1]; p.Start < 8000 || p.Start > 8100 || p.End != 10000 {
		t.Errorf("plateau of phase 2: %+v, want 8000 to 10000", p)
	}
	if got := Plateaus(Losses(losses[:4000]), []int{0, 5000, 8000}); len(got) != 1 || got[0].End != 4000 {
		t.Errorf("plateaus of a run cut off at 4000: %+v", got)
	}
}

func TestTrend(t *testing.T) {
	if got := Trend([]float64{1000, 2000, 4000}, []float64{5, 4, 2}); !(math.Abs(got+1e-3) <= 1e-15) {
		t.Errorf("trend %v, want −0.001", got)
	}
	for _, x := range [][]float64{nil, {3}, {3, 3}} {
		if got := Trend(x, x); !math.IsNaN(got) {
			t.Errorf("trend of %v is %v, want NaN", x, got)
		}
	}
}

func BenchmarkFindPlateau(b *testing.B) {
	losses := curve(rand.New(rand.NewPCG(1, 2)), 50000, 0.3, fallTo(0.3, 0.2))
	for b.Loop() {
		FindPlateau(losses)
	}
}

// Whatever the losses, a plateau lies within the finite ones.
func FuzzFindPlateau(f *testing.F) {
	f.Add([]byte{1, 2, 3, 255, 0, 128}, 7)
	f.Add([]byte{}, 100)
	f.Add([]byte{200, 200, 90, 0}, 300)
	special := []float64{0, -1, math.NaN(), math.Inf(1), math.Inf(-1), 1e300, math.SmallestNonzeroFloat64}
	f.Fuzz(func(t *testing.T, b []byte, repeat int) {
		var losses []float64
		for range min(max(repeat, 1), 100) {
			for _, c := range b[:min(len(b), 50)] {
				l := math.Exp(float64(c)/8 - 16)
				if int(c) < len(special) {
					l = special[c]
				}
				losses = append(losses, l)
			}
		}
		finite := 0
		for finite < len(losses) && !notFinite(losses[finite]) {
			finite++
		}
		p, ok := FindPlateau(losses)
		if ok && (p.Start < 0 || p.End <= p.Start || p.End > finite || notFinite(p.Level)) {
			t.Errorf("%d losses, %d finite: %+v", len(losses), finite, p)
		}
		if !ok && p != (Plateau{}) {
			t.Errorf("no plateau, but %+v", p)
		}
	})
}
