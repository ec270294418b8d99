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
	DY []float32 // rows × channels: the gradient of y
	X  []float32 // like DY: the input
	Y  []float32 // like DY: the output; nil if there was no ReLU

	Gamma, Mean, InvStd []float32 // per channel; the latter as Train saved them

	DX            []float32 // like DY; may be DY, X or Y
	DResidual     []float32 // like DY; may be DY or Y; nil if not wanted
	DGamma, DBeta []float32 // per channel
}

// Run computes DX, DResidual, DGamma and DBeta.
func (b *BatchNormGrad) Run(p *pool.Pool) {
	channels := b.check()
	j := backwards.Get().(*backward)
	j.BatchNormGrad, j.grid = *b, newGrid(len(b.X), channels)
	j.floor = floor(b.Y != nil)
	if b.Y == nil {
		j.Y = b.X // a mask that lets all pass
	}
	j.params = sized(j.params, 4*j.period)
	j.sums = sized(j.sums, 2*j.period*j.tasks)
	j.totals = sized(j.totals, 2*j.period)
	copy(j.params, b.Mean)
	j.tile(j.params[:j.period])
	p.Do(j.tasks, j.sumTask)
	for sums := j.sums; len(sums) > 0; sums = sums[2*j.period:] {
		active.addWide(j.totals, sums[:2*j.period])
	}
	j.setParams()
	j.tile(j.params)
	if b.DResidual != nil { // it holds g
		j.DY, j.Y, j.floor = b.DResidual, b.X, floor(false)
	}
	p.Do(j.tasks, j.writeTask)
	j.BatchNormGrad = BatchNormGrad{}
	backwards.Put(j)
}

func (b *BatchNormGrad) check() (channels int) {
	channels = len(b.Gamma)
	need(channels, b.Mean, b.InvStd, b.DGamma, b.DBeta)
	need(len(b.X), b.DY, b.DX)
	for _, x := range [][]float32{b.Y, b.DResidual} {
		if x != nil {
			need(len(b.X), x)
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
	params []float32 // as inputGrad takes them

	sumTask, writeTask func(worker, i int)
}

var backwards = sync.Pool{New: func() any {
	j := new(backward)
	j.sumTask, j.writeTask = j.sum, j.write
	return j
}}

func (j *backward) sum(_, i int) {
	sums := j.sums[i*2*j.period : (i+1)*2*j.period]
	for _, part := range j.parts(i) {
		part.gradSums[has(j.DResidual)](sums, part.of(j.DResidual), part.of(j.X), part.of(j.Y),
			part.of(j.DY), j.params[:j.period], j.period, j.floor)
	}
}

// write takes the tasks backwards: what sum read last is still in the cache.
func (j *backward) write(_, i int) {
	for _, part := range j.parts(j.tasks - 1 - i) {
		part.inputGrad(part.of(j.DX), part.of(j.X), part.of(j.Y), part.of(j.DY), j.params, j.period, j.floor)
	}
}

// setParams sets dgamma, dbeta and the a, b, c of dx = a·g + b·(x−μ) + c.
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
	}
}
