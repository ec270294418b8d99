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

// chunkLen is how many floats of a matrix are transformed at a time.
const chunkLen = 2048

// chunks returns the number of chunks of a matrix of all channels.
func (g *winograd) chunks() int {
	return (g.from*panelLanes(g.to) + chunkLen - 1) / chunkLen
}

// filterChunks returns the number of chunks of all panels and phases.
func (g *winograd) filterChunks() int { return panels(g.to) * len(g.phases) * g.chunks() }

// chunk returns the panel and the phase of chunk i of all, its place in a matrix, and its
// length.
func (g *winograd) chunk(i int) (panel, phase, first, n int) {
	first = i % g.chunks() * chunkLen
	i /= g.chunks()
	return i / len(g.phases), i % len(g.phases), first, min(chunkLen, g.from*panelLanes(g.to)-first)
}

// slice returns the i-th piece of a panel, a chunk of each matrix, in memory of its own, of
// sliceLen floats.
func (g *winograd) slice(memory []float32, panel, i int) piece {
	nr := panelLanes(g.to)
	first := i * chunkLen / nr
	return piece{
		floats: memory[:g.sliceLen()], element: len(g.phases) * chunkLen, phase: chunkLen,
		panel: panel, first: first, channels: min(chunkLen/nr, g.from-first),
	}
}

// sliceLen returns the floats of a slice.
func (g *winograd) sliceLen() int { return g.elements() * len(g.phases) * chunkLen }
