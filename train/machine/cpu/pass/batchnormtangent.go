package pass

import "largestep/train/machine/cpu/pool"

// The kernels of second derivatives are plain Go: they run between trainings, not
// within them. Sums are of float32 within tangentRows rows and of float64 over
// those, in an order that does not depend on the threads.
const tangentRows = 64

// BatchNormTangent is the tangent of a BatchNorm with the result Y: see
// op.TangentKernels. Tangents of operands may be nil, for zero.
type BatchNormTangent struct {
	X, Y                                 []float32 // rows × channels
	Gamma, Mean, InvStd                  []float32
	DotX, DotGamma, DotBeta, DotResidual []float32
	ReLU, Fixed                          bool
	ResultY, ResultMean, ResultInvStd    []float32
}

// Run computes the results.
func (b *BatchNormTangent) Run(p *pool.Pool) {
	channels := len(b.Gamma)
	sums := make([]float64, 2*channels) // Σẋ, Σ(x−μ)ẋ
	if b.DotX != nil && !b.Fixed {
		sumRows(p, sums, len(b.X)/channels, func(row int, sums []float32) {
			x, dot := b.X[row*channels:][:channels], b.DotX[row*channels:][:channels]
			s0, s1 := sums[:channels], sums[channels:][:channels]
			for c, d := range dot {
				s0[c] += d
				s1[c] += (x[c] - b.Mean[c]) * d
			}
		})
	}
	n := float64(len(b.X) / channels)
	slope, shift, scale := make([]float32, channels), make([]float32, channels), make([]float32, channels)
	for c := range channels {
		s, gamma := float64(b.InvStd[c]), float64(b.Gamma[c])
		dotMu, dotS := sums[c]/n, -s*s*s*sums[channels+c]/n
		b.ResultMean[c], b.ResultInvStd[c] = float32(dotMu), float32(dotS)
		scale[c] = float32(gamma * s)
		slope[c] = float32(float64(gamma*dotS) + float64(orZero(b.DotGamma, c)*s))
		shift[c] = float32(orZero(b.DotBeta, c) - float64(gamma*s*dotMu))
	}
	eachBlock(p, len(b.X)/channels, func(row int) {
		at := row * channels
		for c, x := range b.X[at : at+channels] {
			v := slope[c]*(x-b.Mean[c]) + shift[c]
			if b.DotX != nil {
				v += scale[c] * b.DotX[at+c]
			}
			if b.DotResidual != nil {
				v += b.DotResidual[at+c]
			}
			if b.ReLU && b.Y[at+c] <= 0 {
				v = 0
			}
			b.ResultY[at+c] = v
		}
	})
}

func orZero(x []float32, i int) float64 {
	if x == nil {
		return 0
	}
	return float64(x[i])
}

// eachBlock calls f for all rows.
func eachBlock(p *pool.Pool, rows int, f func(row int)) {
	p.Do((rows+tangentRows-1)/tangentRows, func(_, i int) {
		for row := i * tangentRows; row < min((i+1)*tangentRows, rows); row++ {
			f(row)
		}
	})
}

// sumRows adds to totals what f adds to sums for every row.
func sumRows(p *pool.Pool, totals []float64, rows int, f func(row int, sums []float32)) {
	blocks := (rows + tangentRows - 1) / tangentRows
	sums := make([]float32, blocks*len(totals))
	p.Do(blocks, func(_, i int) {
		mine := sums[i*len(totals) : (i+1)*len(totals)]
		for row := i * tangentRows; row < min((i+1)*tangentRows, rows); row++ {
			f(row, mine)
		}
	})
	for i, s := range sums {
		totals[i%len(totals)] += float64(s)
	}
}

// BatchNormGradTangent is the tangent of BatchNormGrad's results: see
// op.TangentKernels. Tangents of operands may be nil, for zero.
type BatchNormGradTangent struct {
	DY, X, Y                                         []float32 // rows × channels
	Gamma, Mean, InvStd                              []float32
	DotDY, DotX                                      []float32
	DotGamma, DotMean, DotInvStd                     []float32
	ReLU, Fixed                                      bool
	ResultX, ResultGamma, ResultBeta, ResultResidual []float32
}

// Run computes the results. With g the gradient behind the ReLU and d = x − μ it
// needs the sums of g, g·d, ġ, ġ·d and g·ẋ over a channel.
func (b *BatchNormGradTangent) Run(p *pool.Pool) {
	channels := len(b.Gamma)
	rows := len(b.X) / channels
	sums := make([]float64, 5*channels)
	sumRows(p, sums, rows, func(row int, sums []float32) { b.addRow(row*channels, channels, sums) })
	of := b.coefficients(sums, channels, float64(rows))
	eachBlock(p, rows, func(row int) { b.writeRow(row*channels, channels, of) })
}

func (b *BatchNormGradTangent) addRow(at, channels int, sums []float32) {
	s0, s1, s2 := sums[:channels], sums[channels:][:channels], sums[2*channels:][:channels]
	s3, s4 := sums[3*channels:][:channels], sums[4*channels:][:channels]
	for c := range channels {
		if b.ReLU && b.Y[at+c] <= 0 {
			continue
		}
		g, d := b.DY[at+c], b.X[at+c]-b.Mean[c]
		s0[c] += g
		s1[c] += g * d
		if b.DotDY != nil {
			s2[c] += b.DotDY[at+c]
			s3[c] += b.DotDY[at+c] * d
		}
		if b.DotX != nil {
			s4[c] += g * b.DotX[at+c]
		}
	}
}

// gradCoefficients make the tangent of dx in a channel:
// g·G + ġ·DotG + d·D + ẋ·DotX + Shift.
type gradCoefficients struct{ g, dotG, d, dotX, shift []float32 }

func (b *BatchNormGradTangent) coefficients(sums []float64, channels int, n float64) gradCoefficients {
	all := make([]float32, 5*channels)
	of := gradCoefficients{all[:channels], all[channels : 2*channels], all[2*channels : 3*channels], all[3*channels : 4*channels], all[4*channels:]}
	for c := range channels {
		s, gamma := float64(b.InvStd[c]), float64(b.Gamma[c])
		dotS, dotMu := orZero(b.DotInvStd, c), orZero(b.DotMean, c)
		beta, dotBeta := sums[c], sums[2*channels+c]
		scale := s * sums[channels+c] // Σ g·x̂
		// x̂˙ = s·(ẋ − μ̇) + d·ṡ
		dotScale := float64(s*sums[3*channels+c]) + float64(s*(sums[4*channels+c]-float64(dotMu*beta))) + float64(dotS*sums[channels+c])
		b.ResultBeta[c], b.ResultGamma[c] = float32(dotBeta), float32(dotScale)
		factor, dotFactor := gamma*s, float64(orZero(b.DotGamma, c)*s)+float64(gamma*dotS)
		of.g[c], of.dotG[c] = float32(dotFactor), float32(factor)
		if b.Fixed {
			continue
		}
		of.d[c] = float32(-(float64(dotFactor*scale*s) + float64(factor*dotScale*s) + float64(factor*scale*dotS)) / n)
		of.dotX[c] = float32(-factor * scale * s / n)
		of.shift[c] = float32((float64(factor*scale*s*dotMu) - float64(dotFactor*beta) - float64(factor*dotBeta)) / n)
	}
	return of
}

func (b *BatchNormGradTangent) writeRow(at, channels int, of gradCoefficients) {
	for c := range channels {
		var g, dotG, dotX float32
		if !b.ReLU || !(b.Y[at+c] <= 0) {
			g = b.DY[at+c]
			if b.DotDY != nil {
				dotG = b.DotDY[at+c]
			}
		}
		if b.DotX != nil {
			dotX = b.DotX[at+c]
		}
		if b.ResultResidual != nil {
			b.ResultResidual[at+c] = dotG
		}
		if b.ResultX != nil {
			b.ResultX[at+c] = of.g[c]*g + of.dotG[c]*dotG + of.d[c]*(b.X[at+c]-b.Mean[c]) + of.dotX[c]*dotX + of.shift[c]
		}
	}
}

// BatchNormInferGrad gives the gradients of BatchNorm.Infer.
type BatchNormInferGrad struct {
	DY, X, Y                     []float32 // rows × channels
	Gamma, Mean, InvStd          []float32
	ReLU                         bool
	DX, DGamma, DBeta, DResidual []float32
}

// Run computes the results.
func (b *BatchNormInferGrad) Run(p *pool.Pool) {
	channels := len(b.Gamma)
	rows := len(b.X) / channels
	sums := make([]float64, 2*channels)
	passes := func(i int) bool { return !b.ReLU || !(b.Y[i] <= 0) }
	sumRows(p, sums, rows, func(row int, sums []float32) {
		s0, s1 := sums[:channels], sums[channels:]
		for c, g := range b.DY[row*channels:][:channels] {
			if i := row*channels + c; passes(i) {
				s0[c] += g
				s1[c] += g * (b.X[i] - b.Mean[c])
			}
		}
	})
	for c := range channels {
		b.DBeta[c], b.DGamma[c] = float32(sums[c]), float32(sums[channels+c]*float64(b.InvStd[c]))
	}
	eachBlock(p, rows, func(row int) {
		for c, g := range b.DY[row*channels:][:channels] {
			i := row*channels + c
			if !passes(i) {
				g = 0
			}
			if b.DResidual != nil {
				b.DResidual[i] = g
			}
			if b.DX != nil {
				b.DX[i] = b.Gamma[c] * b.InvStd[c] * g
			}
		}
	})
}

// Tangent computes doty, the elements of dotx where x is the first largest element
// of each window, or is NaN.
func (m *MaxPool) Tangent(p *pool.Pool, doty, dotx, x []float32) {
	columns := m.columns(x, doty)
	need(len(x), dotx)
	width := m.outWidth()
	p.Do(m.outHeight()*width, func(_, at int) {
		best := make([]float32, columns)
		to := doty[at*columns:][:columns]
		m.window(at/width, at%width, func(k, pixel int) {
			dot := dotx[pixel*columns:][:columns]
			for i, v := range x[pixel*columns:][:columns] {
				if k == 0 || v > best[i] || v != v && best[i] == best[i] {
					best[i], to[i] = v, dot[i]
				}
			}
		})
	})
}
