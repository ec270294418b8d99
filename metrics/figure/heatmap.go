package figure

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"largestep/metrics/record"
)

// HeatMap draws the value of a column with which runs end over two of their options,
// the first from left to right: a cell for each pair, with the median over the
// finished runs, and how many diverged if any did. Without a column it is the last of
// the main ones.
func HeatMap(runs []*record.Run, by [2]string, column string, opt Options, files ...string) error {
	columns := []string{column}
	if column == "" {
		columns = mainColumns(runs)
		columns = columns[len(columns)-1:]
	}
	s, err := Summarize(runs, by[:], columns)
	if err != nil {
		return err
	}
	h := heatMap{Summary: s, scale: scaleOf(columns[0], features(s.Groups)), title: opt.Title}
	if h.title == "" {
		h.title = commonTitle(runs)
	}
	for axis := range h.values {
		for _, v := range s.values {
			if !slices.Contains(h.values[axis], v[axis]) {
				h.values[axis] = append(h.values[axis], v[axis])
			}
		}
		slices.SortFunc(h.values[axis], compareValues)
	}
	return save(h.size, h.draw, files)
}

// Plane are two options that vary as numbers, or else as words, if there are two.
func (s *Summary) Plane() (across, up string, ok bool) {
	var numbers, words []string
	for k, name := range s.By {
		number := !slices.ContainsFunc(s.values, func(v []string) bool { _, err := strconv.ParseFloat(v[k], 64); return err != nil })
		if number {
			numbers = append(numbers, name)
		} else {
			words = append(words, name)
		}
	}
	all := append(numbers, words...)
	if len(all) < 2 {
		return "", "", false
	}
	return all[0], all[1], true
}

// heatMap is one before it is drawn.
type heatMap struct {
	*Summary
	scale  scale
	title  string
	values [2][]string // across and up
}

const (
	cellWidth   = vg.Length(46)
	cellHeight  = vg.Length(24)
	cellGap     = vg.Length(1.5)
	headingRoom = vg.Length(18)
)

// room is what the labels of the rows take.
func (h heatMap) room() (width vg.Length) {
	style := textStyle(tickSize)
	for _, v := range h.values[1] {
		width = max(width, style.Width(v))
	}
	return max(width, textStyle(labelSize).Width(h.By[1])) + 8
}

func (h heatMap) size() (width, height vg.Length) {
	width = h.room() + vg.Length(len(h.values[0]))*cellWidth + 2*margin
	width = max(width, textStyle(labelSize).Width(h.scale.label)+2*margin, 2*vg.Inch)
	return width, titleHeight() + 4*headingRoom + vg.Length(len(h.values[1]))*cellHeight + 2*margin
}

func (h heatMap) draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	c = draw.Crop(c, margin, -margin, margin, -margin)
	title, label, tick := textStyle(titleSize), textStyle(labelSize), textStyle(tickSize)
	title.XAlign, title.YAlign = draw.XCenter, draw.YTop
	label.XAlign, label.YAlign = draw.XCenter, draw.YCenter
	width := c.Max.X - c.Min.X
	c.FillText(title, vg.Point{X: c.Center().X, Y: c.Max.Y}, fit(title, h.title, width))
	left, top := c.Min.X+h.room(), c.Max.Y-titleHeight()-2*headingRoom
	middle := left + vg.Length(len(h.values[0]))*cellWidth/2
	c.FillText(label, vg.Point{X: c.Center().X, Y: top + headingRoom*3/2}, fit(label, h.scale.label, width))
	c.FillText(label, vg.Point{X: middle, Y: c.Min.Y + headingRoom/2}, fit(label, h.By[0], width))
	above := label
	above.XAlign = draw.XRight
	c.FillText(above, vg.Point{X: left - 5, Y: top + headingRoom/2}, h.By[1])
	low, high := h.extremes()
	for i, v := range h.values[0] {
		tick.XAlign, tick.YAlign = draw.XCenter, draw.YCenter
		c.FillText(tick, vg.Point{X: left + (vg.Length(i)+0.5)*cellWidth, Y: c.Min.Y + headingRoom*3/2}, fit(tick, v, cellWidth-2))
	}
	for k, v := range h.values[1] {
		y := top - (vg.Length(len(h.values[1])-1-k)+0.5)*cellHeight
		tick.XAlign, tick.YAlign = draw.XRight, draw.YCenter
		c.FillText(tick, vg.Point{X: left - 5, Y: y}, v)
		for i, w := range h.values[0] {
			if g := slices.IndexFunc(h.Summary.values, func(both []string) bool { return both[0] == w && both[1] == v }); g >= 0 {
				h.cell(c, vg.Point{X: left + (vg.Length(i)+0.5)*cellWidth, Y: y}, h.Groups[g], low, high)
			}
		}
	}
}

// cell draws one about its centre.
func (h heatMap) cell(c draw.Canvas, at vg.Point, g Group, low, high float64) {
	value := h.of(g)
	fill, ink := color.RGBA{0xee, 0xee, 0xee, 0xff}, color.Color(color.Black)
	if finite(value) {
		share := 0.5
		if high > low {
			share = (value - low) / (high - low)
		}
		fill = interpolate(heat, share)
		if luminance(fill) < 0.45 {
			ink = color.White
		}
	}
	box := vg.Rectangle{Min: vg.Point{X: at.X - cellWidth/2, Y: at.Y - cellHeight/2}, Max: vg.Point{X: at.X + cellWidth/2 - cellGap, Y: at.Y + cellHeight/2 - cellGap}}
	c.SetColor(fill)
	c.Fill(box.Path())
	style := textStyle(tickSize)
	style.Color, style.XAlign, style.YAlign = ink, draw.XCenter, draw.YCenter
	_, median, _ := quartiles(g.lastValues(h.Columns[0]))
	text := none
	if finite(median) {
		text = h.scale.text(median * h.scale.factor)
	}
	n := g.states()
	switch {
	case n.diverged == len(g.Runs):
		text = "diverged"
	case n.diverged > 0:
		note := textStyle(noteSize - 1.5)
		note.Color, note.XAlign, note.YAlign = ink, draw.XCenter, draw.YCenter
		c.FillText(note, vg.Point{X: at.X, Y: at.Y - 6}, fmt.Sprintf("%d of %d div.", n.diverged, len(g.Runs)))
		at.Y += 4
	}
	c.FillText(style, at, fit(style, text, cellWidth-3))
}

// heat runs from light to dark, as do the curves of a family.
var heat = slices.Concat([]color.RGBA{{0xe8, 0xf1, 0xfa, 0xff}}, blues)

// luminance is a colour's, from 0 to 1, by ITU-R BT.709 without gamma.
func luminance(c color.RGBA) float64 {
	return (0.2126*float64(c.R) + 0.7152*float64(c.G) + 0.0722*float64(c.B)) / 255
}

// of is a group's value on the colours' scale.
func (h heatMap) of(g Group) float64 {
	_, median, _ := quartiles(g.lastValues(h.Columns[0]))
	if h.scale.log {
		return math.Log(median)
	}
	return median
}

// extremes is that of the values.
func (h heatMap) extremes() (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, g := range h.Groups {
		if v := h.of(g); finite(v) {
			low, high = min(low, v), max(high, v)
		}
	}
	return low, high
}
