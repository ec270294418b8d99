package figure

import (
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"largestep/metrics/record"
)

// panel plots one column of all groups.
func (f figure) panel(column string) *plot.Plot {
	s := f.scale(column)
	all := runs(f.groups)
	x := f.X.thousands(f.X.end(all))
	p := emptyPanel(x.Label)
	if s.log {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, logTicks{}
	}
	curves := f.curves(column, x)
	p.X.Min, p.X.Max = 0, x.end(all)
	p.Y.Min, p.Y.Max = valueRange(curves, s)
	if !f.XRange.isZero() {
		p.X.Min, p.X.Max = f.place(x)
	}
	if !f.YRange.isZero() {
		p.Y.Min, p.Y.Max = f.YRange.Low, f.YRange.High
	}
	p.Add(plateaus(curves), gridLines())
	for _, layer := range []func(*curve) plot.Plotter{
		func(c *curve) plot.Plotter { return phaseLines{c} },
		func(c *curve) plot.Plotter { return limit{c} },
		func(c *curve) plot.Plotter { return bands{c} },
		func(c *curve) plot.Plotter { return lost{c} },
		func(c *curve) plot.Plotter { return members{c} },
		func(c *curve) plot.Plotter { return c },
		func(c *curve) plot.Plotter { return marks{c} },
	} {
		for _, c := range curves {
			p.Add(layer(c))
		}
	}
	return p
}

// place is where the range asked for lies on the axis, which may be in thousands.
func (f figure) place(x Axis) (low, high float64) {
	unit := x.factor() / f.X.factor()
	return f.XRange.Low * unit, f.XRange.High * unit
}

func (f figure) curves(column string, x Axis) []*curve {
	curves := make([]*curve, len(f.groups))
	for i, g := range f.groups {
		curves[i] = newCurve(g, column, f.scale(column), x, f.style(i))
		if f.seeds {
			curves[i].showRuns(g, column, f.scale(column), x)
		}
		curves[i].smooth(f.Smooth)
		if !f.XRange.isZero() {
			from, to := f.place(x)
			curves[i].crop(from, to)
		}
	}
	return curves
}

// emptyPanel has two linear axes in the figures' fonts.
func emptyPanel(xLabel string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	p.X.Label.Text = xLabel
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		labels, ticks := textStyle(labelSize), textStyle(tickSize)
		labels.XAlign, labels.YAlign = a.Label.TextStyle.XAlign, a.Label.TextStyle.YAlign
		ticks.XAlign, ticks.YAlign = a.Tick.Label.XAlign, a.Tick.Label.YAlign
		a.Label.TextStyle, a.Tick.Label = labels, ticks
		a.Label.Padding = 3
		a.Padding = 0
		a.Tick.Length = 4
		a.Tick.Marker = linearTicks{}
	}
	return p
}

func gridLines() *plotter.Grid {
	grid := plotter.NewGrid()
	grid.Vertical = draw.LineStyle{Color: color.Gray{0xe6}, Width: 0.4}
	grid.Horizontal = grid.Vertical
	return grid
}

// valueRange returns the ends of the vertical axis. Values at or below 0 do not
// count on a log axis. Diverged runs count only up to ten times the others'
// maximum on a log axis, and on a linear one down to 0 and up to half of the
// others' maximum or range beyond it; curves stop at the axis's ends.
func valueRange(curves []*curve, s scale) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	extend := func(diverged bool, floor, ceiling float64) {
		for _, c := range curves {
			for y := range c.values(diverged) {
				if finite(y) && (!s.log || y > 0) {
					y = min(max(y, floor), ceiling)
					low, high = min(low, y), max(high, y)
				}
			}
		}
	}
	extend(false, -math.MaxFloat64, math.MaxFloat64)
	switch span := high/2 - low/2; {
	case low > high:
		extend(true, -math.MaxFloat64, math.MaxFloat64)
	case s.log:
		extend(true, 0, 10*high)
	default:
		extend(true, min(low-span, 0), high+max(span, high/2))
	}
	return ends(low, high, s, linearRange)
}

// ends are those of an axis for values from low to high, of which there are none if
// low is above high.
func ends(low, high float64, s scale, linear func(low, high float64) (float64, float64)) (float64, float64) {
	switch {
	case low > high && s.log: // no values
		return 0.1, 1
	case low > high:
		return 0, s.factor
	case s.log:
		return logRange(low, high)
	}
	return linear(low, high)
}

func logRange(low, high float64) (float64, float64) {
	low, high = max(low, 1e-270), min(max(high, 1e-270), 1e270) // room for pad
	pad := max(0.04*(math.Log10(high)-math.Log10(low)), 0.05)
	return low * math.Pow(10, -pad), high * math.Pow(10, pad)
}

// linearRange begins at 0 unless the values lie within a tenth of the largest.
func linearRange(low, high float64) (float64, float64) {
	start, end := padded(low, high)
	if low >= 0 && low < 0.9*high {
		start = 0
	}
	return start, end
}

// padded leaves room on both sides, however small, large or constant the values.
func padded(low, high float64) (float64, float64) {
	low, high = max(low, -1e300), min(high, 1e300)
	pad := 0.05 * (high - low)
	switch size := math.Abs(high); {
	case size < 1e-300 && pad < 1e-300: // all 0
		return 0, 1
	case pad < 1e-6*size: // all but constant
		pad = 0.05 * size
	}
	return low - pad, high + pad
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// LargePhase is the index of the phase with the large step size: the phase of
// that name, else the one with the largest, and no warm-up to it.
func LargePhase(c record.Config) int {
	best := slices.IndexFunc(c.Phases, func(p record.Phase) bool { return p.Name == "large" })
	if best >= 0 {
		return best
	}
	best = 0
	for i, p := range c.Phases {
		if c.Phases[best].WarmUp || p.StepSize > c.Phases[best].StepSize {
			best = i
		}
	}
	return best
}

// stepSizes are the phases after the warm-up, if there is one.
func stepSizes(c record.Config) []record.Phase {
	if len(c.Phases) > 1 && c.Phases[0].WarmUp {
		return c.Phases[1:]
	}
	return c.Phases
}

// large returns the fractions of the training between which the step size is
// large, nothing where there is one alone.
func large(c record.Config) (start, end float64) {
	if len(stepSizes(c)) < 2 {
		return 0, 0
	}
	best := LargePhase(c)
	end = 1
	if best+1 < len(c.Phases) {
		end = c.Phases[best+1].Start
	}
	return c.Phases[best].Start, end
}

// lines are the styles of the parts of a curve.
func (s style) lines() (thick, thin, rule draw.LineStyle) {
	thick = draw.LineStyle{Color: s.color, Width: vg.Length(2), Dashes: s.dashes}
	thin = draw.LineStyle{Color: s.color, Width: vg.Length(1.1), Dashes: s.dashes}
	rule = draw.LineStyle{Color: translucent(s.color, 0xb0), Width: vg.Length(0.5), Dashes: []vg.Length{2.5, 2}}
	return thick, thin, rule
}
