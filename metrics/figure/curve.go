package figure

import (
	"image/color"
	"iter"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

type point struct{ x, y float64 }

// A curve is one column of one group.
type curve struct {
	style
	points               []point    // y may be NaN or infinite
	band                 []interval // quartiles, of several runs
	members              [][]point  // the runs of which it is the median, if they are drawn
	lost                 [][]point  // the diverged runs, where others are left
	limits               []point    // of stability, at the step sizes
	largeStart, largeEnd float64
	changes              []float64 // where the step size changed, so far
	plateau              span
	diverged             bool // all runs
	stepped              bool // each value holds from the point before
}

func newCurve(g Group, column string, s scale, x Axis, look style) *curve {
	c := &curve{style: look, diverged: g.allDiverged(), plateau: g.plateau(x)}
	counted, diverged := g.split()
	if len(counted) == 1 {
		c.points = series(counted[0], column, s.factor, x)
	} else {
		c.points, c.band = quartileSeries(counted, column, s.factor, x)
	}
	for _, r := range diverged {
		if n := len(r.Rows); n > 0 && r.Rows[n-1].Step > 0 { // else it shows the initial values alone
			c.lost = append(c.lost, series(r, column, s.factor, x))
		}
	}
	c.limits = limits(counted[0], column, x)
	c.stepped = column == "step_size"
	config := counted[0].Config
	end, _ := x.Extent(counted[0])
	from, to := large(config)
	c.largeStart, c.largeEnd = from*end, to*end
	for i, p := range config.Phases {
		at := p.Start * end
		if n := len(c.points); i > 0 && !config.Phases[i-1].WarmUp && n > 0 && at <= c.points[n-1].x {
			c.changes = append(c.changes, at)
		}
	}
	return c
}

// values are those of all runs that diverged, or of the others and their
// quartiles.
func (c *curve) values(diverged bool) iter.Seq[float64] {
	return func(yield func(float64) bool) {
		var all []point
		if diverged {
			all = slices.Concat(c.lost...)
		}
		if c.diverged == diverged {
			all = append(all, c.points...)
			all = append(all, slices.Concat(c.members...)...)
			all = append(all, c.limits...)
			for _, q := range c.band {
				all = append(all, point{q.x, q.low}, point{q.x, q.high})
			}
		}
		for _, q := range all {
			if !yield(q.y) {
				return
			}
		}
	}
}

// showRuns draws the runs of a group, instead of a band.
func (c *curve) showRuns(g Group, column string, s scale, x Axis) {
	counted, _ := g.split()
	c.band = nil
	if len(counted) < 2 {
		return
	}
	for _, r := range counted {
		c.members = append(c.members, series(r, column, s.factor, x))
	}
}

// crop leaves what lies between two places.
func (c *curve) crop(low, high float64) {
	outside := func(x float64) bool { return x < low || x > high }
	beyond := func(q point) bool { return outside(q.x) }
	c.points = slices.DeleteFunc(c.points, beyond)
	c.limits = slices.DeleteFunc(c.limits, beyond)
	c.band = slices.DeleteFunc(c.band, func(q interval) bool { return outside(q.x) })
	for _, list := range [][][]point{c.members, c.lost} {
		for i := range list {
			list[i] = slices.DeleteFunc(list[i], beyond)
		}
	}
	c.changes = slices.DeleteFunc(c.changes, outside)
	c.plateau = span{max(c.plateau.start, low), min(c.plateau.end, high)}
}

// smooth makes each point the mean of up to n about it.
func (c *curve) smooth(n int) {
	if n < 2 {
		return
	}
	c.points = means(c.points, n)
	for _, list := range [][][]point{c.members, c.lost} {
		for i := range list {
			list[i] = means(list[i], n)
		}
	}
}

// means leaves what is not finite as it is.
func means(points []point, n int) []point {
	smooth := slices.Clone(points)
	for i := range points {
		sum, count := 0.0, 0
		for _, q := range points[max(0, i-n/2):min(len(points), i+(n+1)/2)] {
			if finite(q.y) {
				sum, count = sum+q.y, count+1
			}
		}
		if finite(points[i].y) {
			smooth[i].y = sum / float64(count)
		}
	}
	return smooth
}

// members are the thin lines of the runs of a group.
type members struct{ *curve }

func (c members) Plot(canvas draw.Canvas, p *plot.Plot) {
	line := draw.LineStyle{Color: translucent(c.color, 0x70), Width: 0.5}
	for _, m := range c.members {
		canvas.StrokeLines(line, canvas.ClipLinesXY(paths(m, canvas, p)...)...)
	}
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
func paths(points []point, canvas draw.Canvas, p *plot.Plot) [][]vg.Point {
	var all [][]vg.Point
	broken := true
	for _, q := range points {
		if !finite(q.y) {
			broken = true
			continue
		}
		at := place(q, canvas, p)
		if broken {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], at)
		broken = false
	}
	return all
}

func (c *curve) paths(canvas draw.Canvas, p *plot.Plot) [][]vg.Point {
	points := c.points
	if c.diverged {
		points = untilOut(points, p)
	}
	all := paths(points, canvas, p)
	if c.stepped {
		for i := range all {
			all[i] = stairs(all[i])
		}
	}
	return all
}

// stairs goes up or down to each point's height at the point before it.
func stairs(path []vg.Point) []vg.Point {
	steps := path[:1:1]
	for i := 1; i < len(path); i++ {
		steps = append(steps, vg.Point{X: path[i-1].X, Y: path[i].Y}, path[i])
	}
	return steps
}

// untilOut are the points of a diverged run up to the one with which it leaves
// the panel for good.
func untilOut(points []point, p *plot.Plot) []point {
	n := len(points)
	for n > 0 && !(points[n-1].y <= p.Y.Max) { // or NaN
		n--
	}
	for n < len(points) && !finite(points[n].y) {
		n++
	}
	return points[:min(n+1, len(points))]
}

func place(q point, canvas draw.Canvas, p *plot.Plot) vg.Point {
	x, y := min(max(q.x, p.X.Min), p.X.Max), min(max(q.y, p.Y.Min), p.Y.Max)
	return vg.Point{X: canvas.X(p.X.Norm(x)), Y: canvas.Y(p.Y.Norm(y))}
}

type stretch struct {
	path  []vg.Point
	large bool
}

// split cuts a path at the start and the end of the phase with the large step.
func split(path []vg.Point, start, end vg.Length) []stretch {
	var parts []stretch
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
				parts = append(parts, stretch{[]vg.Point{stops[j-1]}, isLarge})
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

// mostRules is how many vertical lines a curve has; where there would be more,
// they would fill the panel, and dots mark the changes alone.
const mostRules = 3

func (c phaseLines) Plot(canvas draw.Canvas, p *plot.Plot) {
	if len(c.changes) > mostRules {
		return
	}
	_, _, rule := c.lines()
	for _, x := range c.changes {
		at := canvas.X(p.X.Norm(x))
		canvas.StrokeLine2(rule, at, canvas.Min.Y, at, canvas.Max.Y)
	}
}

// marks are a curve's dots and cross, drawn above all curves.
type marks struct{ *curve }

func (c marks) Plot(canvas draw.Canvas, p *plot.Plot) {
	all := c.paths(canvas, p)
	for _, path := range all {
		if len(path) == 1 {
			dot(canvas, c.style, path[0])
		}
		for _, x := range c.changes {
			if at, ok := interpolateAt(path, canvas.X(p.X.Norm(x))); ok {
				dot(canvas, c.style, at)
			}
		}
	}
	if c.diverged {
		crossAtEnd(canvas, c.style, all)
	}
}

func crossAtEnd(c draw.Canvas, s style, paths [][]vg.Point) {
	if len(paths) > 0 {
		last := paths[len(paths)-1]
		cross(c, s, last[len(last)-1])
	}
}

// lost are the thin lines of a group's diverged runs, the fainter the more there
// are, and ticks at the top of the panel where they end.
type lost struct{ *curve }

const lostTick = vg.Length(5)

func (c lost) Plot(canvas draw.Canvas, p *plot.Plot) {
	alpha := uint8(max(0xa0/max(len(c.lost), 1), 0x20))
	line := draw.LineStyle{Color: translucent(c.color, alpha), Width: vg.Length(0.6)}
	tick := draw.LineStyle{Color: c.color, Width: vg.Length(1)}
	for _, points := range c.lost {
		all := paths(untilOut(points, p), canvas, p)
		canvas.StrokeLines(line, all...)
		if n := len(all); n > 0 {
			x := all[n-1][len(all[n-1])-1].X
			canvas.StrokeLine2(tick, x, canvas.Max.Y, x, canvas.Max.Y-lostTick)
		}
	}
}

// bands lie between a curve's quartiles.
type bands struct{ *curve }

func (c bands) Plot(canvas draw.Canvas, p *plot.Plot) {
	var upper, lower []vg.Point
	fill := func() {
		slices.Reverse(lower)
		if len(upper) > 1 {
			canvas.FillPolygon(translucent(c.color, 0x38), append(upper, lower...))
		}
		upper, lower = nil, nil
	}
	for _, q := range c.band {
		if !finite(q.low) { // and high
			fill()
			continue
		}
		upper = append(upper, place(point{q.x, q.high}, canvas, p))
		lower = append(lower, place(point{q.x, q.low}, canvas, p))
	}
	fill()
}

func translucent(c color.RGBA, alpha uint8) color.NRGBA { return color.NRGBA{c.R, c.G, c.B, alpha} }
