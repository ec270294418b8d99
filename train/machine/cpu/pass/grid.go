package pass

// Tasks of a matrix pass have at least minTask floats, so that they outweigh
// their hand-out, and at least minTaskRows periods, so that their sums are
// small beside them; there are at most maxTasks, enough to keep tens of
// threads busy and few enough to combine in no time.
const (
	minTask     = 8 << 10
	minTaskRows = 32
	maxTasks    = 128
	minPeriod   = 64
)

// A grid cuts a matrix of rows × channels into tasks. Taken as flat, with the
// parameters of the channels repeated to the period, a matrix of any number of
// channels suits the same vector kernels.
type grid struct {
	length, channels int
	period           int // a multiple of channels and of 16, at least minPeriod
	task             int // floats in a task, a multiple of the period
	tasks            int
}

func newGrid(length, channels int) grid {
	if channels < 1 || length%channels != 0 {
		panic("pass: length is not a multiple of the channels")
	}
	period := period(channels)
	task := max(minTask, minTaskRows*period, (length+maxTasks-1)/maxTasks)
	task = (task + 4*period - 1) / (4 * period) * (4 * period)
	return grid{length, channels, period, task, (length + task - 1) / task}
}

// period returns that of a grid of so many channels.
func period(channels int) int {
	n := channels
	for n%16 != 0 {
		n *= 2
	}
	return n * ((minPeriod + n - 1) / n)
}

func (g *grid) rows() int { return g.length / g.channels }

// A part is a block and the kernels for it.
type part struct {
	*kernels
	block
}

// Parts are those of a task: for p := g.parts(…); p.next(); { … }
type parts struct {
	part
	whole, rest blocks // of whole periods, and what is left
}

// next goes on to the next part, if there is one.
func (p *parts) next() bool {
	if p.whole.next() {
		p.part = part{active, p.whole.block}
		return true
	}
	more := p.rest.next()
	p.part = part{&reference, p.rest.block}
	return more
}

// of returns the block's range of x; nil stays nil.
func (b *block) of(x []float32) []float32 {
	if x == nil {
		return nil
	}
	return x[b.rows.place(b.lo):][:b.hi-b.lo]
}

// parts cuts the i-th task into whole periods and, in the last task, the rest; all of it
// where rows end, and of matrices in bfloat16 into blocks of some periods each.
func (g *grid) parts(i int, like Matrix) parts {
	lo, hi := i*g.task, min((i+1)*g.task, g.length)
	whole := hi - (hi-lo)%g.period
	size := max(blockFloats/(4*g.period), 1) * 4 * g.period
	return parts{whole: rangeOf(lo, whole, size, like), rest: rangeOf(whole, hi, size, like)}
}

// tile repeats the first channels values of each period of params.
func (g *grid) tile(params []float32) {
	for ; len(params) > 0; params = params[g.period:] {
		row := params[:g.period]
		for n := g.channels; n < len(row); n *= 2 {
			copy(row[n:], row[:n])
		}
	}
}

// fold adds up the columns of one period that belong to channel c.
func (g *grid) fold(totals []float64, c int) float64 {
	var sum float64
	for ; c < g.period; c += g.channels {
		sum += totals[c]
	}
	return sum
}

// sized returns a zeroed slice of length n, in x's memory where it suffices.
func sized[T any](x []T, n int) []T {
	if cap(x) < n {
		return make([]T, n)
	}
	x = x[:n]
	clear(x)
	return x
}

// need panics unless every slice has length n.
func need(n int, slices ...[]float32) {
	for _, x := range slices {
		if len(x) != n {
			panic("pass: slice of wrong length")
		}
	}
}
