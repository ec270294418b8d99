package pass

import "largestep/train/machine/cpu/pool"

// BatchNormTangent is the tangent of a BatchNorm with the result Y: see
// op.TangentKernels. Tangents of operands may be nil, for zero.
type BatchNormTangent struct {
	Rows                                           // of all that is rows × channels
	X, Y                                 []float32 // rows × channels
	Gamma, Mean, InvStd                  []float32
	DotX, DotGamma, DotBeta, DotResidual []float32
	ReLU, Fixed                          bool

	ResultY, ResultMean, ResultInvStd []float32
}

// Run computes the results. With d = x − μ and s = invstd it needs the sums of ẋ and
// d·ẋ over a channel: ẏ = a·ẋ + b·d + c behind the ReLU.
func (b *BatchNormTangent) Run(p *pool.Pool) {
	b.DotX = orZeros(b.DotX, len(b.X))
	g := newGrid(b.len(len(b.X)), len(b.Gamma))
	params := make([]float32, 4*g.period) // μ, a, b, c
	copy(params, b.Mean)
	g.tile(params[:g.period])
	totals := make([]float64, 2*g.period)
	if !b.Fixed {
		g.sum(p, b.Rows, totals, func(part part, sums []float32) {
			part.gradSums[0](sums, nil, part.of(b.X), part.of(b.X), part.of(b.DotX), params[:g.period], g.period, floor(false))
		})
	}
	n := float64(g.rows())
	for c := range g.channels {
		s, gamma := float64(b.InvStd[c]), float64(b.Gamma[c])
		dotMu, dotS := g.fold(totals[:g.period], c)/n, -s*s*s*g.fold(totals[g.period:], c)/n
		b.ResultMean[c], b.ResultInvStd[c] = float32(dotMu), float32(dotS)
		params[g.period+c] = float32(gamma * s)
		params[2*g.period+c] = float32(float64(gamma*dotS) + float64(orZero(b.DotGamma, c)*s))
		params[3*g.period+c] = float32(orZero(b.DotBeta, c) - float64(gamma*s*dotMu))
	}
	g.tile(params)
	scratch := make([]float32, p.Threads()*2*g.period)
	g.each(p, b.Rows, func(worker int, part part) {
		y := part.of(b.ResultY)
		part.inputGrad(y, part.of(b.X), part.of(b.X), part.of(b.DotX), params, g.period, floor(false))
		if b.DotResidual != nil {
			part.add(y, y, part.of(b.DotResidual), 0, 0, 0)
		}
		if b.ReLU {
			part.mask(y, part.of(b.Y), y, scratch[worker*2*g.period:], g.period)
		}
	})
}

func orZero(x []float32, i int) float64 {
	if x == nil {
		return 0
	}
	return float64(x[i])
}

// orZeros is for operands that no net leaves out.
func orZeros(x []float32, n int) []float32 {
	if x == nil {
		return make([]float32, n)
	}
	return x
}

// mask computes dst = dy where y > 0 or NaN, else 0.
func (p *part) mask(dst, y, dy, scratch []float32, period int) {
	p.gradSums[1](scratch[:2*period], dst, y, y, dy, scratch[:period], period, floor(true)) // for the sake of dst alone
}

// each calls f for all parts of all tasks.
func (g *grid) each(p *pool.Pool, rows Rows, f func(worker int, part part)) {
	p.Do(g.tasks, func(worker, i int) {
		for p := g.parts(i, Matrix{Rows: rows}); p.next(); {
			f(worker, p.part)
		}
	})
}

// sum adds to totals what f adds to sums of as many columns for each part.
func (g *grid) sum(p *pool.Pool, rows Rows, totals []float64, f func(part part, sums []float32)) {
	sums := make([]float32, g.tasks*len(totals))
	p.Do(g.tasks, func(_, i int) {
		for p := g.parts(i, Matrix{Rows: rows}); p.next(); {
			f(p.part, sums[i*len(totals):(i+1)*len(totals)])
		}
	})
	for ; len(sums) > 0; sums = sums[len(totals):] {
		active.addWide(totals, sums[:len(totals)])
	}
}

// BatchNormGradTangent is the tangent of BatchNormGrad's results or, if Fixed, of
// BatchNormInferGrad's: see op.TangentKernels. Tangents of operands may be nil, for
// zero.
type BatchNormGradTangent struct {
	Rows                                   // of all that is rows × channels
	DY, X, Y                     []float32 // rows × channels
	Gamma, Mean, InvStd          []float32
	DotDY, DotX                  []float32
	DotGamma, DotMean, DotInvStd []float32
	ReLU, Fixed                  bool

	ResultX, ResultResidual []float32 // ResultResidual nil if not wanted
	ResultGamma, ResultBeta []float32
}

// Run computes the results. With g the gradient behind the ReLU and d = x − μ it
// needs the sums of g, g·d, ġ, ġ·d and g·ẋ over a channel.
func (b *BatchNormGradTangent) Run(p *pool.Pool) {
	b.DotX, b.DotDY = orZeros(b.DotX, len(b.X)), orZeros(b.DotDY, len(b.X))
	g := newGrid(b.len(len(b.X)), len(b.Gamma))
	below, y := floor(b.ReLU), b.Y
	mean, none := make([]float32, g.period), make([]float32, g.period)
	copy(mean, b.Mean)
	g.tile(mean)
	totals := make([]float64, 6*g.period)
	g.sum(p, b.Rows, totals, func(part part, sums []float32) {
		part.gradSums[0](sums[:2*g.period], nil, part.of(b.X), part.of(y), part.of(b.DY), mean, g.period, below)
		part.gradSums[0](sums[2*g.period:4*g.period], nil, part.of(b.X), part.of(y), part.of(b.DotDY), mean, g.period, below)
		part.gradSums[0](sums[4*g.period:], nil, part.of(b.DotX), part.of(y), part.of(b.DY), none, g.period, below)
	})
	still, moving := b.coefficients(&g, totals, mean)
	scratch := make([]float32, p.Threads()*(2*g.period+g.task))
	g.each(p, b.Rows, func(worker int, part part) {
		mine := scratch[worker*(2*g.period+g.task):]
		if b.ResultResidual != nil {
			part.gradSums[1](mine[:2*g.period], part.of(b.ResultResidual), part.of(b.X), part.of(y), part.of(b.DotDY), mean, g.period, below)
		}
		rest := mine[2*g.period:][:part.hi-part.lo]
		part.inputGrad(rest, part.of(b.DotX), part.of(y), part.of(b.DotDY), moving, g.period, below)
		dx := part.of(b.ResultX)
		part.inputGrad(dx, part.of(b.X), part.of(y), part.of(b.DY), still, g.period, below)
		part.add(dx, dx, rest, 0, 0, 0)
	})
}

// coefficients sets the parameters' results, and gives those of inputGrad for the
// two halves of the tangent of dx: a·g + b·d + c, and a·ġ + b·ẋ.
func (b *BatchNormGradTangent) coefficients(g *grid, totals []float64, mean []float32) (still, moving []float32) {
	still, moving = make([]float32, 4*g.period), make([]float32, 4*g.period)
	copy(still, mean)
	n := float64(g.rows())
	sum := func(k, c int) float64 { return g.fold(totals[k*g.period:(k+1)*g.period], c) }
	for c := range g.channels {
		s, gamma := float64(b.InvStd[c]), float64(b.Gamma[c])
		dotS, dotMu := orZero(b.DotInvStd, c), orZero(b.DotMean, c)
		beta, dotBeta := sum(0, c), sum(2, c)
		scale := s * sum(1, c) // Σ g·x̂
		// x̂˙ = s·(ẋ − μ̇) + d·ṡ
		dotScale := float64(s*sum(3, c)) + float64(s*(sum(5, c)-float64(dotMu*beta))) + float64(dotS*sum(1, c))
		b.ResultBeta[c], b.ResultGamma[c] = float32(dotBeta), float32(dotScale)
		factor, dotFactor := gamma*s, float64(orZero(b.DotGamma, c)*s)+float64(gamma*dotS)
		still[g.period+c], moving[g.period+c] = float32(dotFactor), float32(factor)
		if b.Fixed {
			continue
		}
		still[2*g.period+c] = float32(-(float64(dotFactor*scale*s) + float64(factor*dotScale*s) + float64(factor*scale*dotS)) / n)
		still[3*g.period+c] = float32((float64(factor*scale*s*dotMu) - float64(dotFactor*beta) - float64(factor*dotBeta)) / n)
		moving[2*g.period+c] = float32(-factor * scale * s / n)
	}
	g.tile(still)
	g.tile(moving)
	return still, moving
}

// BatchNormInferGrad gives the gradients of BatchNorm.Infer.
type BatchNormInferGrad struct {
	Rows                          // of all that is rows × channels
	DY, X, Y            []float32 // rows × channels
	Gamma, Mean, InvStd []float32
	ReLU                bool

	DX, DResidual []float32 // DResidual nil if not wanted
	DGamma, DBeta []float32
}

// Run computes the results.
func (b *BatchNormInferGrad) Run(p *pool.Pool) {
	g := newGrid(b.len(len(b.X)), len(b.Gamma))
	params := make([]float32, 4*g.period) // dx = a·g
	copy(params, b.Mean)
	for c := range g.channels {
		params[g.period+c] = b.Gamma[c] * b.InvStd[c]
	}
	g.tile(params)
	totals := make([]float64, 2*g.period)
	g.sum(p, b.Rows, totals, func(part part, sums []float32) {
		part.gradSums[has(b.DResidual)](sums, part.of(b.DResidual), part.of(b.X), part.of(b.Y), part.of(b.DY), params[:g.period], g.period, floor(b.ReLU))
		part.inputGrad(part.of(b.DX), part.of(b.X), part.of(b.Y), part.of(b.DY), params, g.period, floor(b.ReLU))
	})
	for c := range g.channels {
		b.DBeta[c] = float32(g.fold(totals[:g.period], c))
		b.DGamma[c] = float32(g.fold(totals[g.period:], c) * float64(b.InvStd[c]))
	}
}

// Tangent computes doty, the elements of dotx where x is the first largest element
// of each window, or is NaN.
func (m *MaxPool) Tangent(p *pool.Pool, doty, dotx, x []float32) {
	columns := m.columns(x, doty)
	need(len(x), dotx)
	all, width := span{columns, 0, columns}, m.outWidth()
	p.Do(m.outHeight()*width, func(_, at int) {
		best := make([]float32, columns)
		to := all.of(doty, m.Out, at)
		m.window(at/width, at%width, func(k, pixel int) {
			dot := all.of(dotx, m.In, pixel)
			for i, v := range all.of(x, m.In, pixel) {
				if k == 0 || v > best[i] || v != v && best[i] == best[i] {
					best[i], to[i] = v, dot[i]
				}
			}
		})
	})
}
