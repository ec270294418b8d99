package measure

import (
	"math"
	"slices"
)

const (
	plateauBlocks   = 200 // a phase is looked at in so many blocks, at most
	plateauMinimum  = 32  // steps and blocks; fewer have no plateau
	plateauBlock    = 5   // steps, where that makes enough blocks
	plateauFraction = 0.3 // of a phase, the shortest plateau
	// plateauDrift is the factor by which a loss that stands still would change,
	// at most, if it went on over the whole phase.
	plateauDrift = 1.5
	// plateauNoise is the smallest noise assumed of a block's logarithm: a loss
	// that wanders by less stands still.
	plateauNoise = 0.05
)

// Plateau is a stretch on which the loss stands still: steps Start to End−1, at
// a mean loss of Level.
type Plateau struct {
	Phase      int // index of the phase, 0 from FindPlateau
	Start, End int
	Level      float64
}

// Plateaus finds the plateau of each phase of a training; starts holds the first
// step of each phase, and losses the mini-batch loss of every step. A phase
// without a plateau is left out.
func Plateaus(losses Series, starts []int) []Plateau {
	var found []Plateau
	for i, start := range starts {
		end := losses.Len()
		if i+1 < len(starts) {
			end = min(end, starts[i+1])
		}
		if start >= end {
			continue
		}
		if p, ok := findPlateau(losses, start, end); ok {
			p.Phase = i
			found = append(found, p)
		}
	}
	return found
}

// FindPlateau finds the plateau of the losses of one phase, in steps from its
// start; ok is false where the loss never stands still for 30 % of it. What
// follows a loss that is not finite is left out.
//
// The logarithms of the losses are reduced to medians over up to 200 blocks, to
// which a parabola, a constant and a parabola are fitted, with the two change
// points that leave the smallest squared residual. The plateau is the longest
// constant part among all change points that the noise cannot tell from the
// best ones, provided that lines through it and through its halves hardly drift;
// of its first block, what precedes the first loss at its level is left out.
func FindPlateau(losses []float64) (p Plateau, ok bool) {
	return findPlateau(Losses(losses), 0, len(losses))
}

// findPlateau is FindPlateau of the losses start to end−1.
func findPlateau(losses Series, start, end int) (p Plateau, ok bool) {
	end = First(losses, start, end, notFinite)
	edges, y := blockMedians(losses, start, end)
	if len(y) < plateauMinimum {
		return Plateau{}, false
	}
	first, last, ok := flattest(y)
	if !ok {
		return Plateau{}, false
	}
	p.Start, p.End = edges[first], edges[last]
	p.Start = fallen(losses, p.Start, p.End)
	for l := range losses.From(p.Start, p.End) {
		p.Level += l / float64(p.End-p.Start)
	}
	return p, true
}

// fallen is the step at which the losses start to end−1 first come down to their
// median, or as near as drift may be: a fall before it is too short for blocks to
// show it.
func fallen(losses Series, start, end int) int {
	median := Select(losses, start, end, (end-start)/2)
	return First(losses, start, end, func(l float64) bool { return l <= max(median, plateauDrift*median) })
}

func notFinite(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }

// blockMedians cuts the losses start to end−1 into blocks, block k being edges[k] to
// edges[k+1]−1, and returns the logarithms of their medians, after a running
// median of three.
func blockMedians(losses Series, start, end int) (edges []int, y []float64) {
	length := end - start
	n := min(max(length/plateauBlock, plateauMinimum), plateauBlocks, length)
	edges = make([]int, n+1)
	edges[0] = start
	var block []float64
	for k := range n {
		edges[k+1] = start + (k+1)*length/n
		block = slices.AppendSeq(block[:0], losses.From(edges[k], edges[k+1]))
		slices.Sort(block)
		if len(block) == 0 { // of a series that was cut short
			return edges, nil
		}
		median := block[(len(block)-1)/2]/2 + block[len(block)/2]/2
		y = append(y, math.Log(max(median, math.SmallestNonzeroFloat64)))
	}
	smooth := slices.Clone(y) // a block full of spikes alone does not end a plateau
	for k := 1; k+1 < n; k++ {
		smooth[k] = max(min(y[k-1], y[k]), min(max(y[k-1], y[k]), y[k+1]))
	}
	return edges, smooth
}

// flattest returns the blocks of the plateau, first to last−1.
func flattest(y []float64) (first, last int, ok bool) {
	n, s := len(y), newPrefix(y)
	shortest := int(math.Ceil(plateauFraction * float64(n)))
	before, after := make([]float64, n+1), make([]float64, n+1)
	for k := range n + 1 {
		before[k], after[k] = parabola(y[:k]), parabola(y[k:])
	}
	residual := func(i, j int) float64 { return before[i] + s.constant(i, j) + after[j] }
	best := math.Inf(1)
	for i := 0; i+shortest <= n; i++ {
		for j := i + shortest; j <= n; j++ {
			best = min(best, residual(i, j))
		}
	}
	best = max(best, float64(n)*plateauNoise*plateauNoise)
	// Twice the log-likelihood may fall by 2·ln n for each change point, were the
	// blocks independent; they count as a quarter of their number.
	limit := best * math.Exp(4*math.Log(float64(n))/(float64(n)/4))
	for i := 0; i+shortest <= n; i++ {
		for j := i + max(shortest, last-first+1); j <= n; j++ {
			if residual(i, j) <= limit && s.still(i, j, 1) && s.still(i, (i+j)/2, 2) && s.still((i+j)/2, j, 2) {
				first, last, ok = i, j, true
			}
		}
	}
	return first, last, ok
}

// parabola is the squared residual of the fitted parabola. On equally spaced
// points about 0, the polynomials 1, t and t²−mean(t²) are orthogonal.
func parabola(y []float64) float64 {
	n := float64(len(y))
	if n <= 3 {
		return 0
	}
	mean, square := 0.0, (n*n-1)/12
	for _, v := range y {
		mean += v / n
	}
	var yy, ty, qy, qq float64
	for k, v := range y {
		t := float64(k) - (n-1)/2
		q := t*t - square
		yy += (v - mean) * (v - mean)
		ty += t * (v - mean)
		qy += q * (v - mean)
		qq += q * q
	}
	return max(0, yy-ty*ty/(n*square)-qy*qy/qq)
}

// prefix holds the sums of 1, t, y, t², t·y, y² over the blocks before each, for
// fits of constants and lines in constant time.
type prefix [][6]float64

func newPrefix(y []float64) prefix {
	mean := 0.0 // without it the differences of sums would lose digits
	for _, v := range y {
		mean += v / float64(len(y))
	}
	s := make(prefix, len(y)+1)
	for k, v := range y {
		t, v := float64(k)-float64(len(y))/2, v-mean
		for m, term := range [6]float64{1, t, v, t * t, t * v, v * v} {
			s[k+1][m] = s[k][m] + term
		}
	}
	return s
}

func (s prefix) size() int { return len(s) - 1 }

// moments returns the number of the blocks i to j−1, at least one, and their
// centred sums Σt², Σty, Σy².
func (s prefix) moments(i, j int) (n, tt, ty, yy float64) {
	var d [6]float64
	for m := range d {
		d[m] = s[j][m] - s[i][m]
	}
	n = d[0]
	return n, d[3] - d[1]*d[1]/n, d[4] - d[1]*d[2]/n, max(0, d[5]-d[2]*d[2]/n)
}

// constant is the squared residual of blocks i to j−1 about their mean.
func (s prefix) constant(i, j int) float64 {
	_, _, _, yy := s.moments(i, j)
	return yy
}

// still reports whether the slope of the line through the blocks is within so
// many times the allowed drift, up to its standard error.
func (s prefix) still(i, j int, times float64) bool {
	n, tt, ty, yy := s.moments(i, j)
	slope := ty / tt
	deviation := math.Sqrt(max(0, yy-slope*ty) / (n - 2) / tt)
	return math.Abs(slope) <= times*math.Log(plateauDrift)/float64(s.size())+deviation
}

// Trend is the slope of the least-squares line through points (x, y): what a
// measure gained per step while the loss stood still, for instance. It is NaN
// for fewer than two different x.
func Trend(x, y []float64) float64 {
	var n, sx, sy float64
	for i := range x {
		n, sx, sy = n+1, sx+x[i], sy+y[i]
	}
	var xx, xy float64
	for i := range x {
		d := x[i] - sx/n
		xx, xy = xx+d*d, xy+d*(y[i]-sy/n)
	}
	return xy / xx
}
