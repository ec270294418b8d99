package pass

import (
	"math"
	"sync"

	"largestep/train/machine/cpu/pool"
)

// BatchNorm is batch norm fused with residual add and ReLU:
// y = relu(γ·(x−μ)/√(σ²+ε) + β + residual), per channel.
type BatchNorm struct {
	X        Matrix // rows × channels
	Residual Matrix // like X, or none
	Y        Matrix // like X; may be X or Residual
	ReLU     bool

	// One value per channel.
	Gamma, Beta             []float32
	RunningMean, RunningVar []float32
	Mean, InvStd            []float32 // written by Train: μ and 1/√(σ²+ε) of the batch

	Eps      float32
	Momentum float32 // m in running = (1−m)·running + m·batch, as PyTorch has it
}

// Train normalises by the statistics of the batch, which it saves for Backward
// and mixes into the running ones (the variance there being the unbiased one).
// There must be two rows or more.
func (b *BatchNorm) Train(p *pool.Pool) {
	channels := b.check()
	need(channels, b.Mean, b.InvStd)
	j := forwards.Get().(*forward)
	j.start(b, channels)
	j.shift = sized(j.shift, j.period)
	j.sums = sized(j.sums, 2*j.period*j.tasks)
	j.totals = sized(j.totals, 2*j.period)
	j.chooseShift()
	p.Do(j.tasks, j.sumTask)
	for sums := j.sums; len(sums) > 0; sums = sums[2*j.period:] {
		active.addWide(j.totals, sums[:2*j.period])
	}
	j.statistics()
	j.tile(j.params)
	p.Do(j.tasks, j.normaliseTask)
	j.end()
}

// Infer normalises by the running statistics. Mean and InvStd are not used.
func (b *BatchNorm) Infer(p *pool.Pool) {
	channels := b.check()
	j := forwards.Get().(*forward)
	j.start(b, channels)
	for c := range channels {
		invStd := 1 / math.Sqrt(float64(b.RunningVar[c])+float64(b.Eps))
		j.setParams(c, float64(b.RunningMean[c]), invStd)
	}
	j.tile(j.params)
	p.Do(j.tasks, j.normaliseTask)
	j.end()
}

func (b *BatchNorm) check() (channels int) {
	channels = len(b.Gamma)
	need(channels, b.Beta, b.RunningMean, b.RunningVar)
	needLen(b.X.len(), b.Y)
	needRows(b.X.Rows, b.Y, b.Residual)
	if !b.Residual.none() {
		needLen(b.X.len(), b.Residual)
	}
	return channels
}

// forward is a BatchNorm under way, with its scratch memory.
type forward struct {
	BatchNorm
	grid
	floor  float32
	shift  []float32 // one period: near the mean, so that squares do not cancel
	sums   []float32 // per task: Σ(x−shift), Σ(x−shift)²
	totals []float64 // the same over all tasks
	params []float32 // as normalise takes them

	sumTask, normaliseTask func(worker, i int)
}

var forwards = sync.Pool{New: func() any {
	j := new(forward)
	j.sumTask, j.normaliseTask = j.sum, j.write
	return j
}}

func (j *forward) start(b *BatchNorm, channels int) {
	j.BatchNorm, j.grid = *b, newGrid(b.X.len(), channels)
	j.params = sized(j.params, 3*j.period)
	j.floor = floor(b.ReLU)
}

func (j *forward) end() {
	j.BatchNorm = BatchNorm{}
	forwards.Put(j)
}

func floor(relu bool) float32 {
	if relu {
		return 0
	}
	return float32(math.Inf(-1))
}

// chooseShift takes the mean of eight rows spread over the batch: a single row
// might be an outlier.
func (j *forward) chooseShift() {
	const samples = 8
	for s := range samples {
		row := s * (j.rows() - 1) / (samples - 1) * j.channels
		for b := rangeOf(row, row+j.channels, j.channels, j.X); b.next(); {
			for c, v := range b.in(0, j.X) {
				j.shift[c] += v / samples
			}
		}
	}
	j.tile(j.shift)
}

func (j *forward) sum(_, i int) {
	sums := j.sums[i*2*j.period : (i+1)*2*j.period]
	for part := j.parts(i, j.X); part.next(); {
		part.addSums(sums, part.in(0, j.X), j.shift, j.period)
	}
}

// write takes the tasks backwards: what sum read last is still in the cache.
func (j *forward) write(_, i int) {
	for part := j.parts(j.tasks-1-i, j.X); part.next(); {
		x, residual := part.in(0, j.X), part.in(1, j.Residual)
		part.normalise[has(residual)](part.out(2, j.Y), x, residual, j.params, j.period, j.floor)
		part.store(2, j.Y)
	}
}

func (j *forward) statistics() {
	n, m := float64(j.rows()), float64(j.Momentum)
	for c := range j.channels {
		shifted := j.fold(j.totals[:j.period], c) / n
		mean := float64(j.shift[c]) + shifted
		variance := max(j.fold(j.totals[j.period:], c)/n-shifted*shifted, 0)
		invStd := 1 / math.Sqrt(variance+float64(j.Eps))
		j.Mean[c], j.InvStd[c] = float32(mean), float32(invStd)
		j.RunningMean[c] = float32((1-m)*float64(j.RunningMean[c]) + m*mean)
		j.RunningVar[c] = float32((1-m)*float64(j.RunningVar[c]) + m*variance*n/(n-1))
		j.setParams(c, mean, invStd)
	}
}

// setParams sets a channel's mean, scale and beta, the last of which takes up
// what rounding takes from the mean.
func (j *forward) setParams(c int, mean, invStd float64) {
	scale := float64(j.Gamma[c]) * invStd
	j.params[c] = float32(mean)
	j.params[j.period+c] = float32(scale)
	j.params[2*j.period+c] = float32(float64(j.Beta[c]) - scale*(mean-float64(float32(mean))))
}
