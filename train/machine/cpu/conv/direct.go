package conv

func (c *Conv) planDirectData() {
	s, threads := c.shape, c.pool.Threads()
	c.forward = s.gatherForward(threads, s.C, panelLanes(s.OC))
	c.backward = s.gatherBackward(threads, s.OC, panelLanes(s.C))
}

func (c *Conv) planDirectFilter() {
	s, threads := c.shape, c.pool.Threads()
	areas := s.areas(s.N * (s.C*s.Stride*s.Stride + min(s.OC, panelLanes(s.OC))))
	groups := min(enoughItems/panels(s.OC), s.outH()*s.outW()*s.N/groupRows)
	x, dy := s.whole()
	p := pitches{pitch{x, s.N * s.C, s.inPitch(s.C)}, pitch{dy, s.N * s.OC, s.outPitch(s.OC)}, s.Stride == 1}
	c.filter = newCorrelate(s, threads, grouped(areas, groups), func(area) pitches { return p })
}

// gatherDirect computes y from x, or dx from dy.
func (c *Conv) gatherDirect(g *gather, out, in, w []float32, add bool) {
	c.pool.Do(g.items(), func(worker, i int) {
		t, q := &c.work[worker].tile, &c.work[worker].queue
		q.restart()
		*t = tile{a: in, b: w, c: out, add: add, steps: g.from, lda: g.from, ldb: g.lanes, ldc: g.to, queue: q}
		var s span // computed when the next is known
		compute := func(next span) {
			if s.rows > 0 {
				c.prefetchSpan(q, g, next, out, in)
				t.taps, t.a0, t.b0, t.c0 = s.taps, s.a0, s.b0, s.c0
				computeBlock(c.kernels.nn, t, s.rows, s.lanes, g.from)
			}
			s = next
		}
		g.item(i, compute, emptied(out, add))
		compute(span{})
	})
}

// prefetchSpan has q ask for what s sets and takes, of all panels with the first. Of
// several taps most was taken by the pixels before.
func (c *Conv) prefetchSpan(q *queue, g *gather, s span, out, in []float32) {
	if !c.kernels.fetches || s.rows == 0 || s.b0 > 0 {
		return
	}
	q.restart()
	if g.blocks() == 1 {
		q.add(out[s.c0:][:s.rows*g.to])
	}
	if len(s.taps) == 1 {
		q.add(in[s.a0+s.taps[0].a:][:s.rows*g.from])
	}
}

// correlateDirect computes dw, with memory for partial sums.
func (c *Conv) correlateDirect(dw, dy, x, partial []float32) {
	s, nr := c.shape, panelLanes(c.shape.OC)
	c.pool.Do(c.filter.items(), func(worker, i int) {
		t := &c.work[worker].tile
		*t = tile{a: x, b: dy, lda: s.C, ldb: s.OC, ldc: nr}
		c.filter.item(i, dw, partial, func(m meeting, panel int, sums []float32, c0 int, add bool) {
			t.c, t.c0, t.add = sums, c0, add
			t.steps, t.taps, t.b0 = m.rows, m.runs, panel*nr
			computeBlock(c.kernels.tn, t, s.C, min(nr, s.OC-panel*nr), 1)
		})
	})
	c.filter.reduce(c.pool, dw, partial)
}
