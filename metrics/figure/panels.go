package figure

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Panel is a diagram of its own, with its own axes and legend.
type Panel struct {
	Heading, X, Y string // above, below, and along the vertical axis
	LogX, LogY    bool
	Lines         []Line
	Shaded        *Interval // nil for none
	Upright       bool      // the shading is of x, not of y
	Corner        Corner    // of the legend
}

// Corner is where a panel has room for its legend.
type Corner struct{ Left, Bottom bool }

// An Interval is what a panel shades.
type Interval struct {
	Label     string
	Low, High float64
}

// A Line is drawn in the hue of its place among those with a label; one without
// has the hue of the line before.
type Line struct {
	Label  string
	X, Y   []float64
	Dashed bool // what theory says, for instance
	Dots   bool // instead of a line
}

// Panels draws diagrams, three in a row, into each of the files.
func Panels(panels []Panel, title string, files ...string) error {
	if len(panels) == 0 {
		return errors.New("no panels to draw")
	}
	for _, p := range panels {
		for _, l := range p.Lines {
			if len(l.X) != len(l.Y) {
				return fmt.Errorf("%s: %q has %d x and %d y", p.Heading, l.Label, len(l.X), len(l.Y))
			}
		}
	}
	f, g := frame{title: title}, newGrid(len(panels), 3)
	g.height = 2.3 * vg.Inch
	draw := func(c draw.Canvas) {
		var plots []*plot.Plot
		var headings []string
		for _, p := range panels {
			plots, headings = append(plots, p.plot()), append(headings, p.Heading)
		}
		g.draw(f.draw(c), plots, headings)
	}
	return save(func() (vg.Length, vg.Length) { return f.size(g) }, draw, files)
}

func (p Panel) plot() *plot.Plot {
	out := emptyPanel(p.X)
	out.Y.Label.Text = p.Y
	if p.LogX {
		out.X.Scale, out.X.Tick.Marker = plot.LogScale{}, logTicks{}
	}
	if p.LogY {
		out.Y.Scale, out.Y.Tick.Marker = plot.LogScale{}, logTicks{}
	}
	out.X.Min, out.X.Max, out.Y.Min, out.Y.Max = p.ranges()
	legend := plot.NewLegend()
	legend.TextStyle = textStyle(tickSize)
	legend.Top, legend.Left, legend.ThumbnailWidth, legend.Padding = !p.Corner.Bottom, p.Corner.Left, 12, 1
	if p.Shaded != nil {
		band := p.band(out)
		out.Add(band)
		legend.Add(p.Shaded.Label, band)
	}
	out.Add(gridLines())
	hue := -1
	for _, l := range p.Lines {
		if l.Label != "" {
			hue++
		}
		drawn := l.plotter(p, max(hue, 0))
		out.Add(drawn)
		if l.Label != "" {
			legend.Add(l.Label, drawn)
		}
	}
	out.Add(inside{legend})
	return out
}

// inside draws a legend within the axes.
type inside struct{ plot.Legend }

func (l inside) Plot(c draw.Canvas, _ *plot.Plot) { l.Draw(draw.Crop(c, 3, -3, 3, -3)) }

// thumbnailed is what a panel and its legend show.
type thumbnailed interface {
	plot.Plotter
	plot.Thumbnailer
}

func (l Line) plotter(p Panel, hue int) thumbnailed {
	var points plotter.XYs
	for i := range l.X {
		if p.shows(l.X[i], l.Y[i]) {
			points = append(points, plotter.XY{X: l.X[i], Y: l.Y[i]})
		}
	}
	c := hues[hue%len(hues)][1]
	if l.Dots {
		return &plotter.Scatter{XYs: points, GlyphStyle: draw.GlyphStyle{Color: c, Radius: 1.6, Shape: draw.CircleGlyph{}}}
	}
	style := draw.LineStyle{Color: c, Width: 1.2}
	if l.Dashed {
		style.Width, style.Dashes = 0.8, []vg.Length{3, 2}
	}
	return &plotter.Line{XYs: points, LineStyle: style}
}

func (p Panel) shows(x, y float64) bool {
	return finite(x) && finite(y) && (!p.LogX || x > 0) && (!p.LogY || y > 0)
}

func (p Panel) band(of *plot.Plot) *plotter.Polygon {
	x0, x1, y0, y1 := of.X.Min, of.X.Max, p.Shaded.Low, p.Shaded.High
	if p.Upright {
		x0, x1, y0, y1 = p.Shaded.Low, p.Shaded.High, of.Y.Min, of.Y.Max
	}
	corners := plotter.XYs{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}}
	fill := translucent(hues[4][0], 0x30)
	return &plotter.Polygon{XYs: []plotter.XYs{corners}, Color: fill, LineStyle: draw.LineStyle{Color: fill}}
}

// ranges holds all that is shown; a log axis ends at a decade's fraction beyond.
func (p Panel) ranges() (xMin, xMax, yMin, yMax float64) {
	xMin, xMax, yMin, yMax = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, l := range p.Lines {
		for i := range l.X {
			if p.shows(l.X[i], l.Y[i]) {
				xMin, xMax = min(xMin, l.X[i]), max(xMax, l.X[i])
				yMin, yMax = min(yMin, l.Y[i]), max(yMax, l.Y[i])
			}
		}
	}
	if xMin > xMax {
		return 1, 2, 1, 2
	}
	if p.LogX {
		xMin, xMax = logRange(xMin, xMax)
	}
	if p.LogY {
		yMin, yMax = logRange(yMin, yMax)
		return xMin, xMax, yMin, yMax
	}
	pad := max(0.05*(yMax-yMin), 1e-12)
	return xMin, xMax, yMin - pad, yMax + pad
}
