package conv

// A piece is a part of a transformed filter, or of its gradient: of every element and
// phase, a matrix of some of the source's channels by the lanes of a panel.
type piece struct {
	floats          []float32
	element, phase  int // floats from one to the next
	panel           int
	first, channels int // of the source
}

// matrix returns the floats of an element and a phase, and what follows.
func (p *piece) matrix(e, phase int) []float32 { return p.floats[e*p.element+phase*p.phase:] }

// column returns the piece of all channels that a transformed filter has in a panel. Its
// matrices lie in the order (element, panel, phase).
func (g *winograd) column(filter []float32, panel int) piece {
	size := g.from * panelLanes(g.to)
	return piece{
		floats: filter[panel*len(g.phases)*size:], element: panels(g.to) * len(g.phases) * size, phase: size,
		panel: panel, channels: g.from,
	}
}

// panel returns the same in memory of its own, of panelLen floats.
func (g *winograd) panel(memory []float32, panel int) piece {
	size := g.from * panelLanes(g.to)
	return piece{floats: memory[:g.panelLen()], element: len(g.phases) * size, phase: size, panel: panel, channels: g.from}
}

// panelLen returns the floats of a panel of a transformed filter.
func (g *winograd) panelLen() int { return g.filterLen() / panels(g.to) }

// slice returns the piece of the i-th chunk of one phase's matrices in a panel, in memory of
// its own, of sliceLen floats.
func (g *winograd) slice(memory []float32, panel, i int) piece {
	nr := panelLanes(g.to)
	first, n := g.chunk(i)
	return piece{floats: memory[:g.sliceLen()], element: chunkLen, panel: panel, first: first / nr, channels: n / nr}
}

// sliceLen returns the floats of a slice.
func (g *winograd) sliceLen() int { return g.elements() * chunkLen }

// chunkLen is how many floats of a matrix are transformed at a time: whole channels.
const chunkLen = 2048

// chunks returns the number of chunks of a matrix of all channels.
func (g *winograd) chunks() int {
	return (g.from*panelLanes(g.to) + chunkLen - 1) / chunkLen
}

// chunk returns where chunk i of a matrix begins, and its length.
func (g *winograd) chunk(i int) (first, n int) {
	return i * chunkLen, min(chunkLen, g.from*panelLanes(g.to)-i*chunkLen)
}

// filterChunks returns the number of chunks of all panels and phases.
func (g *winograd) filterChunks() int { return panels(g.to) * len(g.phases) * g.chunks() }

// filterChunk returns the panel and the phase of chunk i of all, and its place in a matrix.
func (g *winograd) filterChunk(i int) (panel, phase, first, n int) {
	first, n = g.chunk(i % g.chunks())
	i /= g.chunks()
	return i / len(g.phases), i % len(g.phases), first, n
}
