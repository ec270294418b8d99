package figure

import (
	"cmp"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"largestep/metrics/record"
)

// Scatter draws a point for each finished run, at the values of two columns with
// which it ends; runs that differ in their seeds alone have one colour.
func Scatter(runs []*record.Run, x, y string, opt Options, files ...string) error {
	opt.Columns = []string{y, x}
	f := figure{groups: inColours(labelled(bySeed(ordered(runs)), opt.Labels)), Options: opt, across: 1}.withDefaults()
	if err := f.check(); err != nil {
		return err
	}
	if err := cmp.Or(f.checkRange(x, f.XRange), f.checkRange(y, f.YRange)); err != nil {
		return err
	}
	f.Columns = []string{y}
	frame := frame{title: f.Title}
	for i, g := range f.groups {
		frame.legend.entries = append(frame.legend.entries, entry{style: f.style(i), label: g.label(), dot: true})
	}
	size := func() (vg.Length, vg.Length) { return frame.size(f.grid()) }
	picture := func(c draw.Canvas) {
		f.grid().draw(frame.draw(c), []*plot.Plot{f.scatter(x, y)}, []string{f.scale(y).label})
	}
	return save(size, picture, files)
}

// finalPoint is where a run ends; false if it has not finished, or has no numbers.
func finalPoint(r *record.Run, x, y string, over, up scale) (p point, ok bool) {
	n := len(r.Rows)
	if n == 0 || r.Status.State != record.Finished {
		return p, false
	}
	a, ok1 := r.Value(n-1, x)
	b, ok2 := r.Value(n-1, y)
	p = point{a * over.factor, b * up.factor}
	shown := finite(p.x) && finite(p.y) && (!over.log || p.x > 0) && (!up.log || p.y > 0)
	return p, ok1 && ok2 && shown
}

func (f figure) scatter(x, y string) *plot.Plot {
	over, up := f.scale(x), f.scale(y)
	p := emptyPanel(over.label)
	low, high := point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}
	p.Add(gridLines())
	for i, g := range f.groups {
		look := f.style(i)
		for _, r := range g.Runs {
			if q, ok := finalPoint(r, x, y, over, up); ok {
				low = point{min(low.x, q.x), min(low.y, q.y)}
				high = point{max(high.x, q.x), max(high.y, q.y)}
				p.Add(spot{look, q})
			}
		}
	}
	for _, a := range []struct {
		axis      *plot.Axis
		scale     scale
		low, high float64
		asked     Range
	}{{&p.X, over, low.x, high.x, f.XRange}, {&p.Y, up, low.y, high.y, f.YRange}} {
		a.axis.Min, a.axis.Max = ends(a.low, a.high, a.scale, padded)
		if a.scale.log {
			a.axis.Scale, a.axis.Tick.Marker = plot.LogScale{}, logTicks{}
		}
		if !a.asked.isZero() {
			a.axis.Min, a.axis.Max = a.asked.Low, a.asked.High
		}
	}
	return p
}

// spot is a point of a scatter plot.
type spot struct {
	style
	at point
}

func (s spot) Plot(c draw.Canvas, p *plot.Plot) { dot(c, s.style, place(s.at, c, p)) }
