package figure

import (
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"largestep/metrics"
)

var white = color.White

// A legend lies below the panels, clear of all curves, in as many columns as
// fit.
type legend struct {
	entries []entry
	note    string
}

type entry struct {
	style
	label           string
	phases, crossed bool
}

const (
	thumbWidth  = vg.Length(26)
	thumbGap    = vg.Length(5)
	columnGap   = vg.Length(16)
	entryHeight = vg.Length(12.5)
	legendGap   = vg.Length(7) // between the panels and the legend
)

func (f figure) legend() legend {
	var l legend
	for i, r := range f.runs {
		e := entry{style: f.style(i), label: f.labels[i], phases: len(r.Config.Phases) > 1}
		e.crossed = r.Status.State == metrics.Diverged
		if state := stateLabel(r); state != "" {
			e.label += " (" + state + ")"
		}
		l.entries = append(l.entries, e)
		if e.phases {
			l.note = "Thick: large step size. Dot and dashed line: the step size changes."
		}
	}
	return l
}

func (e entry) width() vg.Length { return thumbWidth + thumbGap + textStyle(legendSize).Width(e.label) }

// columns returns the widths of as many columns as fit, and their rows.
func (l legend) columns(width vg.Length) (columns []vg.Length, rows int) {
	for rows = 1; ; rows++ {
		columns = make([]vg.Length, (len(l.entries)+rows-1)/rows)
		for i, e := range l.entries {
			columns[i/rows] = max(columns[i/rows], e.width())
		}
		total := vg.Length(len(columns)-1) * columnGap
		for _, w := range columns {
			total += w
		}
		if total <= width {
			return columns, rows
		}
		if len(columns) == 1 {
			return []vg.Length{width}, rows
		}
	}
}

func (l legend) height(width vg.Length) vg.Length {
	_, rows := l.columns(width - 2*margin)
	h := legendGap + entryHeight*vg.Length(rows)
	if l.note != "" {
		h += entryHeight
	}
	return h
}

// draw fills a canvas of the legend's height, column by column.
func (l legend) draw(c draw.Canvas) {
	width := c.Max.X - c.Min.X
	columns, rows := l.columns(width)
	left := c.Min.X + width/2 - vg.Length(len(columns)-1)*columnGap/2
	for _, w := range columns {
		left -= w / 2
	}
	for i, e := range l.entries {
		if i > 0 && i%rows == 0 {
			left += columns[i/rows-1] + columnGap
		}
		y := c.Max.Y - legendGap - entryHeight*(vg.Length(i%rows)+0.5)
		e.thumbnail(c, vg.Point{X: left, Y: y})
		text := textStyle(legendSize)
		text.YAlign = draw.YCenter
		c.FillText(text, vg.Point{X: left + thumbWidth + thumbGap, Y: y + 1},
			fit(text, e.label, columns[i/rows]-thumbWidth-thumbGap+0.01))
	}
	if l.note != "" {
		text := textStyle(noteSize)
		text.Color, text.XAlign, text.YAlign = color.Gray{0x60}, draw.XCenter, draw.YCenter
		c.FillText(text, vg.Point{X: c.Center().X, Y: c.Min.Y + entryHeight/2}, fit(text, l.note, width))
	}
}

// thumbnail is a short piece of the curve.
func (e entry) thumbnail(c draw.Canvas, at vg.Point) {
	thick, thin, _ := e.lines()
	middle, end := at.X+thumbWidth/2, at.X+thumbWidth
	if e.phases {
		c.StrokeLine2(thick, at.X, at.Y, middle, at.Y)
		c.StrokeLine2(thin, middle, at.Y, end, at.Y)
		dot(c, e.style, vg.Point{X: middle, Y: at.Y})
	} else {
		c.StrokeLine2(thin, at.X, at.Y, end, at.Y)
	}
	if e.crossed {
		cross(c, e.style, vg.Point{X: end - crossRadius/2, Y: at.Y})
	}
}
