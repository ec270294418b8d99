// Package figure draws recorded runs: curves over the epochs, as PNG, SVG and
// PDF, and a table of the final values. It needs the records alone.
//
// The part of a curve with the large step size is thick, a dot and a thin
// dashed line mark each change of the step size, a cross marks the last finite
// value of a run that diverged. Colours differ in lightness, so that they can
// be told apart in greyscale and by colour-blind readers.
package figure

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"largestep/metrics"
)

// Options choose what Curves draws; the zero value draws what Main does.
type Options struct {
	Columns []string // one panel each, train_loss and test_error if there are none
	Title   string   // net and data set if empty
}

var mainColumns = []string{"train_loss", "test_error"}

// Main draws the training loss and the test error of runs that differ in their
// schedules, light to dark blue in the order given, into each of the files, as
// their extensions say: .png, .svg or .pdf. A file is replaced only by a whole
// new one.
func Main(runs []*metrics.Run, files ...string) error {
	return figure{runs, scheduleLabels(runs), blues, mainColumns, commonTitle(runs)}.save(files)
}

// Curves draws any columns of any runs into each of the files, as Main does.
// The legend tells what differs among the runs.
func Curves(runs []*metrics.Run, opt Options, files ...string) error {
	f := figure{runs, differenceLabels(runs), viridis, opt.Columns, opt.Title}
	if len(f.columns) == 0 {
		f.columns = mainColumns
	}
	if f.title == "" {
		f.title = commonTitle(runs)
	}
	return f.save(files)
}

// A figure is all there is to know before drawing.
type figure struct {
	runs    []*metrics.Run
	labels  []string
	palette []color.RGBA
	columns []string
	title   string
}

func (f figure) check() error {
	if len(f.runs) == 0 {
		return errors.New("no runs to draw")
	}
	var all []string
	for _, r := range f.runs {
		all = append(all, r.Net...)
	}
	slices.Sort(all)
	for _, column := range f.columns {
		if !slices.ContainsFunc(f.runs, func(r *metrics.Run) bool { return r.Has(column) }) {
			return fmt.Errorf("no run has a column %q to draw; of the nets' own there are: %s", column, strings.Join(slices.Compact(all), ", "))
		}
	}
	return nil
}

// Sizes on paper: two panels fill the width of a page of text.
const (
	panelWidth  = 3.45 * vg.Inch
	panelHeight = 2.45 * vg.Inch
	margin      = vg.Length(5)
	panelGap    = vg.Length(14)

	headingHeight = vg.Length(16)
)

// layout returns the numbers of rows and columns of panels and the size of the
// whole figure.
func (f figure) layout(l legend) (rows, cols int, width, height vg.Length) {
	cols = min(len(f.columns), 2)
	rows = (len(f.columns) + cols - 1) / cols
	width = max(vg.Length(cols)*panelWidth, 4*vg.Inch)
	height = vg.Length(rows)*panelHeight + l.height(width) + 2*margin
	if f.title != "" {
		height += titleHeight()
	}
	return rows, cols, width, height
}

func titleHeight() vg.Length { return textStyle(titleSize).Height("X") + 4 }

func (f figure) draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	l := f.legend()
	rows, cols, _, _ := f.layout(l)
	c = draw.Crop(c, margin, -margin, margin, -margin)
	if f.title != "" {
		style := textStyle(titleSize)
		style.XAlign, style.YAlign = draw.XCenter, draw.YTop
		c.FillText(style, vg.Point{X: c.Center().X, Y: c.Max.Y}, fit(style, f.title, c.Max.X-c.Min.X))
		c.Max.Y -= titleHeight()
	}
	legendHeight := l.height(c.Max.X - c.Min.X + 2*margin)
	l.draw(draw.Crop(c, 0, 0, 0, legendHeight-(c.Max.Y-c.Min.Y)))
	c = draw.Crop(c, 0, 0, legendHeight, 0)

	panels := make([][]*plot.Plot, rows)
	for i := range panels {
		panels[i] = make([]*plot.Plot, cols)
		for j := range cols {
			if k := i*cols + j; k < len(f.columns) {
				panels[i][j] = f.panel(f.columns[k])
			}
		}
	}
	tiles := draw.Tiles{Rows: rows, Cols: cols, PadX: panelGap, PadTop: headingHeight, PadY: panelGap + headingHeight}
	for i, row := range plot.Align(panels, tiles, c) {
		for j, canvas := range row {
			if k := i*cols + j; k < len(f.columns) {
				panels[i][j].Draw(canvas)
				heading(panels[i][j].DataCanvas(canvas), scaleOf(f.columns[k]).label)
			}
		}
	}
}

// heading names a panel's quantity above it: easier to read than along the
// axis.
func heading(c draw.Canvas, text string) {
	style := textStyle(labelSize)
	style.XAlign, style.YAlign = draw.XCenter, draw.YBottom
	c.FillText(style, vg.Point{X: c.Center().X, Y: c.Max.Y + 5}, fit(style, text, panelWidth))
}

// style is how a run looks in every panel.
type style struct {
	color  color.RGBA
	dashes []vg.Length
}

var (
	// Light to dark, each distinct from its neighbour in greyscale.
	blues = []color.RGBA{{0x8c, 0xc0, 0xe6, 0xff}, {0x42, 0x92, 0xc6, 0xff}, {0x1a, 0x5c, 0xa6, 0xff}, {0x06, 0x20, 0x4a, 0xff}}
	// Viridis without its end, which is too light on white.
	viridis = []color.RGBA{{0x44, 0x01, 0x54, 0xff}, {0x3b, 0x52, 0x8b, 0xff}, {0x21, 0x91, 0x8c, 0xff}, {0x5c, 0xb8, 0x4a, 0xff}}

	dashPatterns = [][]vg.Length{nil, {5, 2}, {1.5, 1.5}, {6, 1.5, 1.5, 1.5}}
)

// maxColors is how many curves are told apart by colour alone; more are
// dashed, too.
const maxColors = 6

func (f figure) style(run int) style {
	colors := min(len(f.runs), maxColors)
	at := 1.0 // a single curve is dark
	if colors > 1 {
		at = float64(run%maxColors) / float64(colors-1)
	} else if f.palette[0] == viridis[0] {
		at = 0
	}
	return style{interpolate(f.palette, at), dashPatterns[run/maxColors%len(dashPatterns)]}
}

// interpolate returns the colour at a fraction of the way along the stops.
func interpolate(stops []color.RGBA, at float64) color.RGBA {
	i, t := math.Modf(at * float64(len(stops)-1))
	if int(i) >= len(stops)-1 {
		return stops[len(stops)-1]
	}
	a, b := stops[int(i)], stops[int(i)+1]
	mix := func(x, y uint8) uint8 { return uint8(math.Round(float64(x)*(1-t) + float64(y)*t)) }
	return color.RGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 0xff}
}
