package pass

import (
	"sync"

	"largestep/train/machine/cpu/pool"
)

// BatchNormGrad is the gradient of BatchNorm in training. With
// g = dy where y > 0, else 0 (everywhere without ReLU), x̂ = (x−μ)·invstd and
// means over the n rows:
//
//	dresidual = g
//	dbeta = Σg
//	dgamma = Σg·x̂
//	dx = γ·invstd·(g − dbeta/n − x̂·dgamma/n)
//
// Where y is NaN, g is dy, so that divergence does not go unseen.
type BatchNormGrad struct {
	DY Matrix // rows × channels: the gradient of y
	X  Matrix // like DY: the input
	Y  Matrix // like DY: the output; none if there was no ReLU, or no residual

	Gamma, Mean, InvStd []float32 // per channel; the latter as Train saved them
	Beta                []float32 // where ReLU had no residual: y > 0 is computed from X, up to rounding

	DX            Matrix    // like DY; may be DY, X or Y
	DResidual     Matrix    // like DY; may be DY or Y; none if not wanted
	DGamma, DBeta []float32 // per channel
}

// Run computes DX, DResidual, DGamma and DBeta.
func (b *BatchNormGrad) Run(p *pool.Pool) {
	channels := b.check()
	j := backwards.Get().(*backward)
	j.BatchNormGrad, j.grid = *b, newGrid(b.X.len(), channels)
	j.floor = floor(!b.Y.none())
	if b.Y.none() {
		j.Y = b.X // a mask that lets all pass
	}
	j.params = sized(j.params, 5*j.period)
	j.sums = sized(j.sums, 2*j.period*j.tasks)
	j.totals = sized(j.totals, 2*j.period)
	copy(j.params, b.Mean)
	for c := range b.Beta {
		j.params[j.period+c] = b.Gamma[c] * b.InvStd[c]
		j.params[2*j.period+c] = b.Beta[c]
	}
	j.tile(j.params[:3*j.period])
	p.Do(j.tasks, j.sumTask)
	for sums := j.sums; len(sums) > 0; sums = sums[2*j.period:] {
		active.addWide(j.totals, sums[:2*j.period])
	}
	j.setParams()
	j.tile(j.params)
	if !b.DResidual.none() { // it holds g
		j.DY, j.Y, j.floor = b.DResidual, b.X, floor(false)
	}
	p.Do(j.tasks, j.writeTask)
	j.BatchNormGrad = BatchNormGrad{}
	backwards.Put(j)
}

func (b *BatchNormGrad) check() (channels int) {
	channels = len(b.Gamma)
	need(channels, b.Mean, b.InvStd, b.DGamma, b.DBeta)
	if b.Beta != nil {
		need(channels, b.Beta)
		if !b.Y.none() || !b.DResidual.none() {
			panic("pass: an output that depends on a residual is not computed from x")
		}
	}
	needLen(b.X.len(), b.DY, b.DX)
	needRows(b.X.Rows, b.Y, b.DY, b.DX, b.DResidual)
	for _, m := range []Matrix{b.Y, b.DResidual} {
		if !m.none() {
			needLen(b.X.len(), m)
		}
	}
	return channels
}

// backward is a BatchNormGrad under way, with its scratch memory.
type backward struct {
	BatchNormGrad
	grid
	floor  float32
	sums   []float32 // per task: Σg, Σg·(x−μ)
	totals []float64 // the same over all tasks
	params []float32 // as gradSumsOfX takes them, then as inputGrad, and beta

	sumTask, writeTask func(worker, i int)
}

var backwards = sync.Pool{New: func() any {
	j := new(backward)
	j.sumTask, j.writeTask = j.sum, j.write
	return j
}}

func (j *backward) sum(_, i int) {
	sums := j.sums[i*2*j.period : (i+1)*2*j.period]
	for part := j.parts(i, j.X); part.next(); {
		if j.Beta != nil {
			part.gradSumsOfX(sums, part.in(0, j.X), part.in(2, j.DY), j.params, j.period)
			continue
		}
		x, y, dy := part.in(0, j.X), part.in(1, j.Y), part.in(2, j.DY)
		g := part.out(3, j.DResidual)
		part.gradSums[has(g)](sums, g, x, y, dy, j.params[:j.period], j.period, j.floor)
		part.store(3, j.DResidual)
	}
}

// write takes the tasks backwards: what sum read last is still in the cache.
func (j *backward) write(_, i int) {
	for part := j.parts(j.tasks-1-i, j.X); part.next(); {
		x, dy, dx := part.in(0, j.X), part.in(2, j.DY), part.out(3, j.DX)
		if j.Beta != nil {
			part.inputGradOfX(dx, x, dy, j.params, j.params[4*j.period:], j.period)
		} else {
			part.inputGrad(dx, x, part.in(1, j.Y), dy, j.params, j.period, j.floor)
		}
		part.store(3, j.DX)
	}
}

// setParams sets dgamma, dbeta, the a, b, c of dx = a·g + b·(x−μ) + c, and beta.
func (j *backward) setParams() {
	n := float64(j.rows())
	for c := range j.channels {
		invStd := float64(j.InvStd[c])
		dbeta := j.fold(j.totals[:j.period], c)
		dgamma := j.fold(j.totals[j.period:], c) * invStd
		a := float64(j.Gamma[c]) * invStd
		j.DBeta[c], j.DGamma[c] = float32(dbeta), float32(dgamma)
		j.params[j.period+c] = float32(a)
		j.params[2*j.period+c] = float32(-a * invStd * dgamma / n)
		j.params[3*j.period+c] = float32(-a * dbeta / n)
		if j.Beta != nil {
			j.params[4*j.period+c] = j.Beta[c]
		}
	}
}
