package figure

import (
	"image/color"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

var white = color.White

// A legend lies below the panels, clear of all curves, in as many columns as
// fit.
type legend struct {
	entries []entry
	notes   []string // sentences
}

type entry struct {
	style
	label           string
	phases, crossed bool
	point           bool // of the training examples
	bold            bool
	dot             bool // of a scatter plot
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
	var phases, several, lost, shaded bool
	for i, g := range f.groups {
		counted, diverged := g.split()
		e := entry{style: f.style(i), label: g.label(), phases: len(stepSizes(counted[0].Config)) > 1}
		e.crossed = g.allDiverged()
		l.entries = append(l.entries, e)
		phases = phases || e.phases
		several = several || len(counted) > 1
		lost = lost || len(diverged) > 0
		shaded = shaded || !g.plateau(f.X).empty()
	}
	for _, n := range []struct {
		applies bool
		text    string
	}{
		{phases, "Thick: large step size. Dot and dashed line: the step size changes."},
		{f.limited(), "Dotted: the limit of stability, 2/η, or 2(1±β)/η with momentum β."},
		{several && f.seeds, "Thin: a run of each seed; their median thicker."},
		{several && !f.seeds, "Line and band: median and quartiles of the runs."},
		{lost, "Thin line up to a tick at the top: a run that diverged, left out of both."},
		{shaded, "Shaded: the mini-batch loss stands still."},
		{f.zeros(), "On the lower edge of a log axis: 0 or less."},
	} {
		if n.applies {
			l.notes = append(l.notes, n.text)
		}
	}
	return l
}

// zeros reports whether a panel has values that its log axis cannot show.
func (f figure) zeros() bool {
	for _, column := range f.Columns {
		if !f.scale(column).log {
			continue
		}
		for _, c := range f.curves(column, f.X) {
			for y := range c.values(c.diverged) {
				if y <= 0 && finite(y) {
					return true
				}
			}
		}
	}
	return false
}

func (e entry) width() vg.Length { return thumbWidth + thumbGap + textStyle(legendSize).Width(e.label) }

// columns lays the entries out in as many columns as fit, of equal lengths but
// for one entry.
func (l legend) columns(width vg.Length) []column {
	n := len(l.entries)
	for k := n; k > 1; k-- {
		columns := make([]column, k)
		total := vg.Length(k-1) * columnGap
		for i, rest := 0, l.entries; i < k; i++ {
			rows := (n + k - 1 - i) / k
			columns[i] = newColumn(rest[:rows])
			total += columns[i].width
			rest = rest[rows:]
		}
		if total <= width {
			return columns
		}
	}
	all := newColumn(shortened(l.entries, width))
	all.width = min(all.width, width)
	return []column{all}
}

// shortened are the entries with labels that fit a width and still tell the curves
// apart.
func shortened(entries []entry, width vg.Length) []entry {
	if len(entries) == 0 {
		return nil
	}
	labels := make([]string, len(entries))
	for i, e := range entries {
		labels[i] = e.label
	}
	entries = slices.Clone(entries)
	for i, label := range shorten(textStyle(legendSize), labels, width-thumbWidth-thumbGap) {
		entries[i].label = label
	}
	return entries
}

// A column is a part of a legend's entries, and as wide as the widest.
type column struct {
	entries []entry
	width   vg.Length
}

func newColumn(entries []entry) column {
	c := column{entries: entries}
	for _, e := range entries {
		c.width = max(c.width, e.width())
	}
	return c
}

// noteLines sets the notes in lines.
func (l legend) noteLines(width vg.Length) []string {
	var lines []string
	style := textStyle(noteSize)
	for _, note := range l.notes {
		if n := len(lines); n > 0 && style.Width(lines[n-1]+" "+note) <= width {
			lines[n-1] += " " + note
		} else {
			lines = append(lines, note)
		}
	}
	return lines
}

func (l legend) height(width vg.Length) vg.Length {
	rows := len(l.columns(width)[0].entries)
	return legendGap + entryHeight*vg.Length(rows+len(l.noteLines(width)))
}

// draw fills a canvas of the legend's height, column by column.
func (l legend) draw(c draw.Canvas) {
	width := c.Max.X - c.Min.X
	columns := l.columns(width)
	left := c.Min.X + width/2 - vg.Length(len(columns)-1)*columnGap/2
	for _, column := range columns {
		left -= column.width / 2
	}
	for _, column := range columns {
		column.draw(c, left)
		left += column.width + columnGap
	}
	l.drawNotes(c)
}

func (l column) draw(c draw.Canvas, left vg.Length) {
	text := textStyle(legendSize)
	text.YAlign = draw.YCenter
	for i, e := range l.entries {
		y := c.Max.Y - legendGap - entryHeight*(vg.Length(i)+0.5)
		e.thumbnail(c, vg.Point{X: left, Y: y})
		c.FillText(text, vg.Point{X: left + thumbWidth + thumbGap, Y: y + 1},
			fit(text, e.label, l.width-thumbWidth-thumbGap+0.01))
	}
}

func (l legend) drawNotes(c draw.Canvas) {
	text := textStyle(noteSize)
	text.Color, text.XAlign, text.YAlign = color.Gray{0x60}, draw.XCenter, draw.YCenter
	width := c.Max.X - c.Min.X
	lines := l.noteLines(width)
	for i, line := range lines {
		y := c.Min.Y + entryHeight*(vg.Length(len(lines)-1-i)+0.5)
		c.FillText(text, vg.Point{X: c.Center().X, Y: y}, fit(text, line, width))
	}
}

// thumbnail is a short piece of the curve.
func (e entry) thumbnail(c draw.Canvas, at vg.Point) {
	thick, thin, _ := e.lines()
	middle, end := at.X+thumbWidth/2, at.X+thumbWidth
	switch {
	case e.point:
		example(c, vg.Point{X: middle, Y: at.Y})
	case e.dot:
		dot(c, e.style, vg.Point{X: middle, Y: at.Y})
	case e.bold:
		c.StrokeLine2(thick, at.X, at.Y, end, at.Y)
	case e.phases:
		c.StrokeLine2(thick, at.X, at.Y, middle, at.Y)
		c.StrokeLine2(thin, middle, at.Y, end, at.Y)
		dot(c, e.style, vg.Point{X: middle, Y: at.Y})
	default:
		c.StrokeLine2(thin, at.X, at.Y, end, at.Y)
	}
	if e.crossed {
		cross(c, e.style, vg.Point{X: end - crossRadius/2, Y: at.Y})
	}
}
