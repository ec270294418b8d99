package pass

import (
	"math"
	"slices"

	"largestep/train/machine/cpu/isa"
)

// kernels is one implementation of the inner loops. The plain-Go functions in
// this file are the reference: they take any length, a last row cut short
// included. The others take only lengths and periods that are multiples of 16
// and, of the matrices, whole rows of period floats.
//
// A matrix kernel gets per-channel parameters repeated to a period that is a
// multiple of both 16 and the number of channels; several parameters follow
// one another at a distance of one period. ReLU is max(·, floor) with floor 0,
// or -Inf for none; its gradient passes where y > floor or y is NaN.
type kernels struct {
	name string

	addSums   func(sums, x, shift []float32, period int)
	normalise [2]func(y, x, residual, params []float32, period int, floor float32)  // by has(residual)
	gradSums  [2]func(sums, g, x, y, dy, mean []float32, period int, floor float32) // by has(g)
	inputGrad func(dx, x, y, dy, params []float32, period int, floor float32)

	gradSumsOfX  func(sums, x, dy, params []float32, period int)
	inputGradOfX func(dx, x, dy, params, beta []float32, period int)
	addWide      func(dst []float64, x []float32)

	add, larger, scale, accumulate, descend, descendMomentum elementwise

	route func(dx, rest, x, y []float32)

	dot           func(x, y []float32) float32
	countPositive func(x []float32) int64
}

// elementwise computes dst from x, y and scalars; each kernel uses some.
type elementwise func(dst, x, y []float32, a, b, c float32)

var reference = kernels{
	name:            isa.Go,
	addSums:         addSums,
	normalise:       [2]func(y, x, residual, params []float32, period int, floor float32){normalise, normalise},
	gradSums:        [2]func(sums, g, x, y, dy, mean []float32, period int, floor float32){gradSums, gradSums},
	inputGrad:       inputGrad,
	gradSumsOfX:     gradSumsOfX,
	inputGradOfX:    inputGradOfX,
	addWide:         addWide,
	add:             add,
	larger:          larger,
	route:           route,
	scale:           scale,
	accumulate:      accumulate,
	descend:         descend,
	descendMomentum: descendMomentum,
	dot:             dot,
	countPositive:   countPositive,
}

// available lists the implementations that this machine can run, best first.
func available() (list []*kernels) {
	for _, k := range append(slices.Clone(assembly), &reference) {
		if slices.Contains(isa.Available(), k.name) {
			list = append(list, k)
		}
	}
	return list
}

// active is the implementation in use.
var active = func() *kernels {
	all := available()
	return all[slices.IndexFunc(all, func(k *kernels) bool { return k.name == isa.Chosen() })]
}()

// has indexes a kernel's variants: 1 where the optional slice is given.
func has(x []float32) int {
	if x == nil {
		return 0
	}
	return 1
}

// addSums adds Σ(x−shift) to the first period of sums and Σ(x−shift)² to the
// second, by column.
func addSums(sums, x, shift []float32, period int) {
	for ; len(x) > 0; x = x[min(period, len(x)):] {
		row := x[:min(period, len(x))]
		shift, sum, square := shift[:len(row)], sums[:len(row)], sums[period:][:len(row)]
		for j, v := range row {
			d := v - shift[j]
			sum[j] += d
			square[j] += d * d
		}
	}
}

// normalise computes y = max(scale·(x−mean) + beta + residual, floor) for
// params mean, scale, beta.
func normalise(y, x, residual, params []float32, period int, floor float32) {
	for i := 0; i < len(x); i += period {
		row := x[i:min(i+period, len(x))]
		y := y[i:][:len(row)]
		mean, scale, beta := params[:len(row)], params[period:][:len(row)], params[2*period:][:len(row)]
		if residual == nil {
			for j, v := range row {
				v = scale[j]*(v-mean[j]) + beta[j]
				y[j] = choose(v, floor, v, floor)
			}
			continue
		}
		residual := residual[i:][:len(row)]
		for j, v := range row {
			v = scale[j]*(v-mean[j]) + beta[j] + residual[j]
			y[j] = choose(v, floor, v, floor)
		}
	}
}

// gradSums adds Σg and Σg·(x−mean) to sums, by column, for the gradient
// g = dy where y > floor, else 0, which it stores if g is given.
func gradSums(sums, g, x, y, dy, mean []float32, period int, floor float32) {
	for i := 0; i < len(x); i += period {
		row := x[i:min(i+period, len(x))]
		y, dy := y[i:][:len(row)], dy[i:][:len(row)]
		mean, sum, product := mean[:len(row)], sums[:len(row)], sums[period:][:len(row)]
		for j, v := range row {
			d := choose(y[j], floor, dy[j], 0)
			sum[j] += d
			product[j] += d * (v - mean[j])
			if g != nil {
				g[i+j] = d
			}
		}
	}
}

// inputGrad computes dx = a·g + b·(x−mean) + c for params mean, a, b, c and g
// as in gradSums.
func inputGrad(dx, x, y, dy, params []float32, period int, floor float32) {
	for i := 0; i < len(x); i += period {
		row := x[i:min(i+period, len(x))]
		dx, y, dy := dx[i:][:len(row)], y[i:][:len(row)], dy[i:][:len(row)]
		mean, a := params[:len(row)], params[period:][:len(row)]
		b, c := params[2*period:][:len(row)], params[3*period:][:len(row)]
		for j, v := range row {
			dx[j] = a[j]*choose(y[j], floor, dy[j], 0) + (b[j]*(v-mean[j]) + c[j])
		}
	}
}

// gradSumsOfX is gradSums with y = scale·(x−mean) + beta and floor 0, for params mean,
// scale, beta.
func gradSumsOfX(sums, x, dy, params []float32, period int) {
	for i := 0; i < len(x); i += period {
		row := x[i:min(i+period, len(x))]
		dy, sum, product := dy[i:][:len(row)], sums[:len(row)], sums[period:][:len(row)]
		mean, scale, beta := params[:len(row)], params[period:][:len(row)], params[2*period:][:len(row)]
		for j, v := range row {
			y := scale[j]*(v-mean[j]) + beta[j]
			d := choose(y, 0, dy[j], 0)
			sum[j] += d
			product[j] += d * (v - mean[j])
		}
	}
}

// inputGradOfX is inputGrad with y = a·(x−mean) + beta and floor 0.
func inputGradOfX(dx, x, dy, params, beta []float32, period int) {
	for i := 0; i < len(x); i += period {
		row := x[i:min(i+period, len(x))]
		dx, dy, beta := dx[i:][:len(row)], dy[i:][:len(row)], beta[:len(row)]
		mean, a := params[:len(row)], params[period:][:len(row)]
		b, c := params[2*period:][:len(row)], params[3*period:][:len(row)]
		for j, v := range row {
			y := a[j]*(v-mean[j]) + beta[j]
			dx[j] = a[j]*choose(y, 0, dy[j], 0) + (b[j]*(v-mean[j]) + c[j])
		}
	}
}

// choose returns v where y > floor or y is NaN, otherwise other. It has no
// branch, which the signs of activations would mislead every other time.
func choose(y, floor, v, other float32) float32 {
	var mask uint32
	if !(y <= floor) {
		mask = 1<<32 - 1
	}
	return math.Float32frombits(math.Float32bits(v)&mask | math.Float32bits(other)&^mask)
}

// addWide computes dst += x.
func addWide(dst []float64, x []float32) {
	for i, v := range x {
		dst[i] += float64(v)
	}
}

// add computes dst = x + y.
func add(dst, x, y []float32, _, _, _ float32) {
	x, y = x[:len(dst)], y[:len(dst)]
	for i := range dst {
		dst[i] = x[i] + y[i]
	}
}

// larger computes dst = max(x, y), NaN if either is.
func larger(dst, x, y []float32, _, _, _ float32) {
	x, y = x[:len(dst)], y[:len(dst)]
	for i := range dst {
		dst[i] = max(x[i], y[i])
	}
}

// route moves rest to dx where x = y or x is NaN, and clears dx elsewhere.
func route(dx, rest, x, y []float32) {
	rest, x, y = rest[:len(dx)], x[:len(dx)], y[:len(dx)]
	for i, v := range x {
		var mask uint32
		if v == y[i] || v != v {
			mask = 1<<32 - 1
		}
		bits := math.Float32bits(rest[i])
		dx[i], rest[i] = math.Float32frombits(bits&mask), math.Float32frombits(bits&^mask)
	}
}

// scale computes dst = a·x.
func scale(dst, x, _ []float32, a, _, _ float32) {
	for i := range dst {
		dst[i] = a * x[i]
	}
}

// accumulate computes dst = b·dst + a·x.
func accumulate(dst, x, _ []float32, a, b, _ float32) {
	for i := range dst {
		dst[i] = fused(float32(b*dst[i]), a, x[i])
	}
}

// descend computes dst −= a·(x + b·dst).
func descend(dst, x, _ []float32, a, b, _ float32) {
	for i := range dst {
		dst[i] = fused(dst[i], -a, fused(x[i], b, dst[i]))
	}
}

// descendMomentum computes y = c·y + (x + b·dst), then dst −= a·y.
func descendMomentum(dst, x, y []float32, a, b, c float32) {
	for i := range dst {
		y[i] = fused(fused(x[i], b, dst[i]), c, y[i])
		dst[i] = fused(dst[i], -a, y[i])
	}
}

// fused is x + a·y, rounded to float32 once but for one case in 2²⁹: what the
// instruction of the other kernels does, so that rounding is the same on all.
func fused(x, a, y float32) float32 { return float32(float64(x) + float64(float64(a)*float64(y))) }

// dot has four sums, so that one addition need not wait for the last.
func dot(x, y []float32) float32 {
	var a, b, c, d float32
	for ; len(x) >= 4 && len(y) >= 4; x, y = x[4:], y[4:] {
		a += x[0] * y[0]
		b += x[1] * y[1]
		c += x[2] * y[2]
		d += x[3] * y[3]
	}
	for i, v := range x {
		a += v * y[i]
	}
	return (a + b) + (c + d)
}

func countPositive(x []float32) int64 {
	var count int64
	for _, v := range x {
		var one int64
		if v > 0 {
			one = 1
		}
		count += one
	}
	return count
}
