package pass

import "largestep/train/machine/cpu/pool"

// MaxPool takes the largest of each window of Size × Size pixels, which moves by
// Stride. Tensors are pixels × images × channels, layout HWNC.
type MaxPool struct {
	Height, Width, Size, Stride int

	In, Out Rows // of x and of y; the zero value where all follow each other
}

func (m *MaxPool) outHeight() int { return (m.Height-m.Size)/m.Stride + 1 }
func (m *MaxPool) outWidth() int  { return (m.Width-m.Size)/m.Stride + 1 }

// overlap tells whether a pixel may lie in several windows.
func (m *MaxPool) overlap() bool { return m.Stride < m.Size }

// columns checks lengths and gives the number of floats of a pixel.
func (m *MaxPool) columns(x, y []float32) int {
	out, n := m.outHeight()*m.outWidth(), m.Out.len(len(y))
	columns := n / out
	if n != out*columns || m.Height*m.Width*columns != m.In.len(len(x)) ||
		m.In.apart() && m.In.Len != m.Width*columns || m.Out.apart() && m.Out.Len != m.outWidth()*columns {
		panic("pass: slice of wrong length")
	}
	return columns
}

// poolColumns is the number of columns in a task of a max pool.
const poolColumns = 1 << 10

// A span is a range of the columns of each pixel.
type span struct{ columns, lo, hi int }

// spans is how many spans there are, spanOf one of them.
func spans(columns int) int { return (columns + poolColumns - 1) / poolColumns }
func spanOf(columns, i int) span {
	return span{columns, i * poolColumns, min((i+1)*poolColumns, columns)}
}

// of returns the span of a pixel of x.
func (s span) of(x []float32, r Rows, pixel int) []float32 {
	return x[r.place(pixel*s.columns)+s.lo:][:s.hi-s.lo]
}

// window calls f with the pixels of x of the window at a row and a column of y, row
// by row; k counts them.
func (m *MaxPool) window(row, column int, f func(k, pixel int)) {
	for k := range m.Size * m.Size {
		f(k, (row*m.Stride+k/m.Size)*m.Width+column*m.Stride+k%m.Size)
	}
}

// Forward computes y. NaN is the largest.
func (m *MaxPool) Forward(p *pool.Pool, y, x []float32) {
	columns := m.columns(x, y)
	n, width := spans(columns), m.outWidth()
	p.Do(m.outHeight()*n, func(_, i int) {
		s, row := spanOf(columns, i%n), i/n
		for column := range width {
			to := s.of(y, m.Out, row*width+column)
			m.window(row, column, func(k, pixel int) {
				if from := s.of(x, m.In, pixel); k == 0 {
					copy(to, from)
				} else {
					apply(active.larger, reference.larger, to, to, from, 0, 0, 0)
				}
			})
		}
	})
}

// Grad computes dx, the sum of dy over the windows in which x is the first element
// that equals y or is NaN. Windows that share pixels are taken by one task.
func (m *MaxPool) Grad(p *pool.Pool, dx, dy, x, y []float32) {
	columns := m.columns(x, y)
	need(len(x), dx)
	need(len(y), dy)
	tasks, rows := m.outHeight(), 1
	if m.overlap() {
		tasks, rows = 1, tasks
	}
	n, width := spans(columns), m.outWidth()
	scratch := make([]float32, p.Threads()*2*poolColumns)
	p.Do(tasks*n, func(worker, i int) {
		s, first := spanOf(columns, i%n), i/n*rows
		m.clear(s, dx, first, first+rows)
		mine := scratch[worker*2*poolColumns:][:2*poolColumns]
		for at := first * width; at < (first+rows)*width; at++ {
			m.gradOf(s, at, dx, dy, x, y, mine)
		}
	})
}

// gradOf hands the gradient of element at of y on to its window: scratch holds what
// nobody has taken yet and, where windows overlap, what a pixel takes.
func (m *MaxPool) gradOf(s span, at int, dx, dy, x, y, scratch []float32) {
	largest, rest := s.of(y, m.Out, at), scratch[:s.hi-s.lo]
	copy(rest, s.of(dy, m.Out, at))
	m.window(at/m.outWidth(), at%m.outWidth(), func(_, pixel int) {
		to, from := s.of(dx, m.In, pixel), s.of(x, m.In, pixel)
		if !m.overlap() {
			routeAll(to, rest, from, largest)
			return
		}
		share := scratch[poolColumns:][:len(rest)]
		routeAll(share, rest, from, largest)
		apply(active.add, reference.add, to, to, share, 0, 0, 0)
	})
}

// routeAll is route for any length.
func routeAll(dx, rest, x, y []float32) {
	n := len(dx) &^ 15
	active.route(dx[:n], rest[:n], x[:n], y[:n])
	reference.route(dx[n:], rest[n:], x[n:], y[n:])
}

// clear sets to 0, of the pixels of x that belong to rows first to last of y, those
// in no window, or all where windows overlap.
func (m *MaxPool) clear(s span, dx []float32, first, last int) {
	end := last * m.Stride
	if last == m.outHeight() {
		end = m.Height
	}
	for h := first * m.Stride; h < end; h++ {
		for w := range m.Width {
			if m.overlap() || m.outside(h, m.outHeight()) || m.outside(w, m.outWidth()) {
				clear(s.of(dx, m.In, h*m.Width+w))
			}
		}
	}
}

// outside tells whether a row (column) lies in none of the windows, which do not
// overlap.
func (m *MaxPool) outside(at, windows int) bool {
	return at%m.Stride >= m.Size || at/m.Stride >= windows
}
