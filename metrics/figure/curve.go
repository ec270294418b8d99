package figure

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"largestep/metrics"
)

type point struct{ x, y float64 }

// A curve is one column of one run.
type curve struct {
	style
	points               []point // y may be NaN or infinite
	largeStart, largeEnd float64
	changes              []float64 // epochs at which the step size changed, so far
	diverged             bool
}

func newCurve(r *metrics.Run, column string, s scale, look style) *curve {
	c := &curve{style: look, diverged: r.Status.State == metrics.Diverged}
	for i := range r.Rows {
		if y, ok := r.Value(i, column); ok {
			c.points = append(c.points, point{r.Rows[i].Epoch, y * s.factor})
		}
	}
	c.largeStart, c.largeEnd = large(r.Config)
	for i, p := range r.Config.Phases {
		at := p.Start * r.Config.Epochs
		if n := len(r.Rows); i > 0 && n > 0 && at <= r.Rows[n-1].Epoch {
			c.changes = append(c.changes, at)
		}
	}
	return c
}

const (
	dotRadius   = vg.Length(2.1)
	crossRadius = vg.Length(4)
)

// Plot draws the line, thick where the step size is large.
func (c *curve) Plot(canvas draw.Canvas, p *plot.Plot) {
	thick, thin, _ := c.lines()
	start, end := canvas.X(p.X.Norm(c.largeStart)), canvas.X(p.X.Norm(c.largeEnd))
	for _, path := range c.paths(canvas, p) {
		for _, part := range split(path, start, end) {
			line := thin
			if part.large {
				line = thick
			}
			canvas.StrokeLines(line, part.path)
		}
	}
}

// paths are the unbroken stretches of finite values, on the canvas. Values
// beyond the axis's ends lie on them: a loss of 0 on a log axis, for instance.
func (c *curve) paths(canvas draw.Canvas, p *plot.Plot) [][]vg.Point {
	var all [][]vg.Point
	broken := true
	for _, q := range c.points {
		if !finite(q.y) {
			broken = true
			continue
		}
		y := min(max(q.y, p.Y.Min), p.Y.Max)
		at := vg.Point{X: canvas.X(p.X.Norm(min(max(q.x, p.X.Min), p.X.Max))), Y: canvas.Y(p.Y.Norm(y))}
		if broken {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], at)
		broken = false
	}
	return all
}

type part struct {
	path  []vg.Point
	large bool
}

// split cuts a path at the start and the end of the phase with the large step.
func split(path []vg.Point, start, end vg.Length) []part {
	var parts []part
	for i := 1; i < len(path); i++ {
		stops := []vg.Point{path[i-1]}
		for _, x := range []vg.Length{start, end} {
			if path[i-1].X < x && x < path[i].X {
				at, _ := interpolateAt(path[i-1:i+1], x)
				stops = append(stops, at)
			}
		}
		stops = append(stops, path[i])
		for j := 1; j < len(stops); j++ {
			middle := (stops[j-1].X + stops[j].X) / 2
			isLarge := start < middle && middle < end
			if n := len(parts); n == 0 || parts[n-1].large != isLarge {
				parts = append(parts, part{[]vg.Point{stops[j-1]}, isLarge})
			}
			n := len(parts) - 1
			parts[n].path = append(parts[n].path, stops[j])
		}
	}
	return parts
}

// interpolateAt returns the point of a path at x, if it reaches there.
func interpolateAt(path []vg.Point, x vg.Length) (vg.Point, bool) {
	for i := 1; i < len(path); i++ {
		a, b := path[i-1], path[i]
		if a.X <= x && x <= b.X && a.X < b.X {
			return vg.Point{X: x, Y: a.Y + (b.Y-a.Y)*(x-a.X)/(b.X-a.X)}, true
		}
	}
	return vg.Point{}, false
}

// dot is filled, with a white rim that keeps it apart from other curves.
func dot(c draw.Canvas, s style, at vg.Point) {
	for _, d := range []draw.GlyphStyle{
		{Color: white, Radius: dotRadius + 0.7, Shape: draw.CircleGlyph{}},
		{Color: s.color, Radius: dotRadius, Shape: draw.CircleGlyph{}},
	} {
		c.DrawGlyphNoClip(d, at)
	}
}

func cross(c draw.Canvas, s style, at vg.Point) {
	r := crossRadius / math.Sqrt2
	for _, line := range []draw.LineStyle{{Color: white, Width: 3.4}, {Color: s.color, Width: 1.8}} {
		c.StrokeLine2(line, at.X-r, at.Y-r, at.X+r, at.Y+r)
		c.StrokeLine2(line, at.X-r, at.Y+r, at.X+r, at.Y-r)
	}
}

// phaseLines are a curve's thin vertical lines, drawn below all curves.
type phaseLines struct{ *curve }

func (c phaseLines) Plot(canvas draw.Canvas, p *plot.Plot) {
	_, _, rule := c.lines()
	for _, x := range c.changes {
		at := canvas.X(p.X.Norm(x))
		canvas.StrokeLine2(rule, at, canvas.Min.Y, at, canvas.Max.Y)
	}
}

// marks are a curve's dots and cross, drawn above all curves.
type marks struct{ *curve }

func (c marks) Plot(canvas draw.Canvas, p *plot.Plot) {
	paths := c.paths(canvas, p)
	for _, path := range paths {
		if len(path) == 1 {
			dot(canvas, c.style, path[0])
		}
		for _, x := range c.changes {
			if at, ok := interpolateAt(path, canvas.X(p.X.Norm(x))); ok {
				dot(canvas, c.style, at)
			}
		}
	}
	if c.diverged && len(paths) > 0 {
		last := paths[len(paths)-1]
		cross(canvas, c.style, last[len(last)-1])
	}
}
