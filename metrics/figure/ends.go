package figure

import (
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Ends draws how groups of runs end, a row for each group and a panel for each
// column, into each of the files: a dot at the median over the finished runs, a line
// from the lower to the upper quartile, and a dashed line at the first group's median,
// to compare with. A group without a finished run has no dot.
func Ends(groups []Group, opt Options, files ...string) error {
	f := figure{groups: groups, Options: opt}.withDefaults()
	if err := f.check(); err != nil {
		return err
	}
	e := endings{f}
	return save(e.size, e.draw, files)
}

// endings is a figure of last values.
type endings struct{ figure }

const (
	endingRow     = vg.Length(17) // of a group
	endingPanel   = vg.Length(84)
	endingGap     = vg.Length(17) // between panels
	endingFoot    = vg.Length(18) // the ticks below them
	headingLines  = 3
	endingHeading = headingLines*(labelSize+1) + 6
)

// room is what the labels of the rows take.
func (e endings) room() (width vg.Length) {
	for _, g := range e.groups {
		width = max(width, textStyle(labelSize).Width(g.label()))
	}
	return width + 8
}

func (e endings) size() (width, height vg.Length) {
	width, height = frame{title: e.Title}.size(grid{})
	width += e.room() + vg.Length(len(e.Columns))*(endingPanel+endingGap) + 2*margin
	return width, height + vg.Length(len(e.groups))*endingRow + endingFoot + endingHeading
}

func (e endings) draw(c draw.Canvas) {
	c = frame{title: e.Title}.draw(c)
	label := textStyle(labelSize)
	label.XAlign, label.YAlign = draw.XRight, draw.YCenter
	left := c.Min.X + e.room()
	for i, g := range e.groups {
		c.FillText(label, vg.Point{X: left - 8, Y: e.row(c, i)}, g.label())
	}
	for k, column := range e.Columns {
		from := left + vg.Length(k)*(endingPanel+endingGap)
		part := draw.Crop(c, from-c.Min.X, from+endingPanel-c.Max.X, endingFoot, -endingHeading)
		e.panel(c, part, column)
	}
}

// row is the height at which a group is drawn.
func (e endings) row(c draw.Canvas, i int) vg.Length {
	return c.Max.Y - endingHeading - (vg.Length(i)+0.5)*endingRow
}

// panel draws a column into a part of the canvas.
func (e endings) panel(all, c draw.Canvas, column string) {
	s := e.scale(column)
	axis := e.axis(column, s)
	x := func(v float64) vg.Length { return c.X(axis.Norm(min(max(v, axis.Min), axis.Max))) }
	grid, frame := draw.LineStyle{Color: color.Gray{0xe6}, Width: 0.4}, draw.LineStyle{Color: color.Black, Width: 0.5}
	tick := textStyle(tickSize)
	tick.XAlign, tick.YAlign = draw.XCenter, draw.YTop
	for _, t := range axis.Tick.Marker.Ticks(axis.Min, axis.Max) {
		if t.Label == "" || t.Value < axis.Min || t.Value > axis.Max {
			continue
		}
		c.StrokeLine2(grid, x(t.Value), c.Min.Y, x(t.Value), c.Max.Y)
		c.FillText(tick, vg.Point{X: x(t.Value), Y: c.Min.Y - 4}, t.Label)
	}
	c.StrokeLine2(frame, c.Min.X, c.Min.Y, c.Max.X, c.Min.Y)
	heading := textStyle(labelSize)
	heading.XAlign, heading.YAlign = draw.XCenter, draw.YBottom
	lines := wrapped(heading, s.label, endingPanel+endingGap-2)
	for i, line := range lines {
		c.FillText(heading, vg.Point{X: c.Center().X, Y: c.Max.Y + 4 + vg.Length(len(lines)-1-i)*(labelSize+1)}, line)
	}
	for i, g := range e.groups {
		low, median, high := quartiles(g.lastValues(column))
		if !finite(median) || s.log && median <= 0 {
			continue
		}
		look, y := style{color: hues[0][1]}, e.row(all, i)
		_, thin, rule := look.lines()
		if i == 0 {
			c.StrokeLine2(rule, x(median*s.factor), c.Min.Y, x(median*s.factor), c.Max.Y)
		}
		thin.Width = 2
		c.StrokeLine2(thin, x(low*s.factor), y, x(high*s.factor), y)
		dot(c, look, vg.Point{X: x(median * s.factor), Y: y})
	}
}

// axis is that of a column's quartiles.
func (e endings) axis(column string, s scale) plot.Axis {
	least, most := math.Inf(1), math.Inf(-1)
	for _, g := range e.groups {
		low, median, high := quartiles(g.lastValues(column))
		for _, v := range []float64{low, median, high} {
			if v *= s.factor; finite(v) && (!s.log || v > 0) {
				least, most = min(least, v), max(most, v)
			}
		}
	}
	axis := emptyPanel("").X
	axis.Min, axis.Max = ends(least, most, s, linearRange)
	if s.log {
		axis.Scale, axis.Tick.Marker = plot.LogScale{}, logTicks{}
	}
	return axis
}

// wrapped breaks a heading into lines of a width.
func wrapped(style text.Style, txt string, width vg.Length) (lines []string) {
	for _, word := range strings.Fields(txt) {
		if n := len(lines); n > 0 && style.Width(lines[n-1]+" "+word) <= width {
			lines[n-1] += " " + word
		} else if n < headingLines {
			lines = append(lines, word)
		} else {
			lines[n-1] = fit(style, lines[n-1]+" "+word, width)
		}
	}
	return lines
}
