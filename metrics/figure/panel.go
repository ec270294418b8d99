package figure

import (
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"largestep/metrics"
)

// A scale is how a column is shown.
type scale struct {
	label  string
	log    bool
	factor float64 // 100 for what is shown in percent
}

func scaleOf(column string) scale {
	switch column {
	case "train_loss":
		return scale{"Training loss", true, 1}
	case "test_loss":
		return scale{"Test loss", true, 1}
	case "batch_loss":
		return scale{"Mini-batch loss", true, 1}
	case "train_error":
		return scale{"Training error (%)", false, 100}
	case "test_error":
		return scale{"Test error (%)", false, 100}
	case "step_size":
		return scale{"Step size", true, 1}
	case "images_per_second":
		return scale{"Images per second", false, 1}
	}
	if k, ok := strings.CutPrefix(column, "active_"); ok {
		return scale{"Active features, block " + k + " (%)", false, 100}
	}
	if k, ok := strings.CutPrefix(column, "sparsity_"); ok {
		return scale{"Feature sparsity, block " + k + " (%)", false, 100}
	}
	return scale{strings.ReplaceAll(column, "_", " "), false, 1}
}

// panel plots one column of all runs.
func (f figure) panel(column string) *plot.Plot {
	s := scaleOf(column)
	p := plot.New()
	p.BackgroundColor = nil
	p.X.Label.Text = "Epoch"
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
	if s.log {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, logTicks{}
	}
	var curves []*curve
	for i, r := range f.runs {
		curves = append(curves, newCurve(r, column, s, f.style(i)))
		p.X.Max = max(p.X.Max, r.Config.Epochs)
		if n := len(r.Rows); n > 0 {
			p.X.Max = max(p.X.Max, r.Rows[n-1].Epoch)
		}
	}
	p.X.Min = 0
	p.Y.Min, p.Y.Max = valueRange(curves, s)

	grid := plotter.NewGrid()
	grid.Vertical = draw.LineStyle{Color: color.Gray{0xe6}, Width: 0.4}
	grid.Horizontal = grid.Vertical
	p.Add(grid)
	for _, c := range curves {
		p.Add(phaseLines{c})
	}
	for _, c := range curves {
		p.Add(c)
	}
	for _, c := range curves {
		p.Add(marks{c})
	}
	return p
}

// valueRange returns the ends of the vertical axis. Values at or below 0 do
// not count on a log axis, and diverged runs only up to ten times the others'
// maximum; curves stop at the axis's ends.
func valueRange(curves []*curve, s scale) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	extend := func(diverged bool, limit float64) {
		for _, c := range curves {
			for _, q := range c.points {
				if c.diverged == diverged && finite(q.y) && (!s.log || q.y > 0) {
					low, high = min(low, q.y), max(high, min(q.y, limit))
				}
			}
		}
	}
	extend(false, math.MaxFloat64)
	if limit := 10 * high; s.log && limit > 0 {
		extend(true, limit)
		low = min(low, high)
	} else {
		extend(true, math.MaxFloat64)
	}
	switch {
	case low > high && s.log: // no values
		return 0.1, 1
	case low > high:
		return 0, s.factor
	case s.log:
		return logRange(low, high)
	}
	return linearRange(low, high)
}

func logRange(low, high float64) (float64, float64) {
	low, high = max(low, 1e-270), min(max(high, 1e-270), 1e270) // room for pad
	pad := max(0.04*(math.Log10(high)-math.Log10(low)), 0.05)
	return low * math.Pow(10, -pad), high * math.Pow(10, pad)
}

// linearRange begins at 0 unless the values lie close together far from it.
func linearRange(low, high float64) (float64, float64) {
	low, high = max(low, -1e300), min(high, 1e300)
	pad := 0.05 * (high - low)
	if size := math.Abs(high); pad < 1e-6*size || pad < 1e-300 {
		pad = max(0.05*size, 1e-6) // all but constant
	}
	if low >= 0 && low < 0.5*high {
		return 0, high + pad
	}
	return low - pad, high + pad
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// large returns the part of the epochs with the largest step size, nothing for
// a constant one.
func large(c metrics.Config) (start, end float64) {
	if len(c.Phases) < 2 {
		return 0, 0
	}
	best := 0
	for i, p := range c.Phases {
		if p.StepSize > c.Phases[best].StepSize {
			best = i
		}
	}
	end = c.Epochs
	if best+1 < len(c.Phases) {
		end = c.Phases[best+1].Start * c.Epochs
	}
	return c.Phases[best].Start * c.Epochs, end
}

// lines are the styles of the parts of a curve.
func (s style) lines() (thick, thin, rule draw.LineStyle) {
	thick = draw.LineStyle{Color: s.color, Width: vg.Length(2), Dashes: s.dashes}
	thin = draw.LineStyle{Color: s.color, Width: vg.Length(1.1), Dashes: s.dashes}
	rule = draw.LineStyle{Color: s.color, Width: vg.Length(0.5), Dashes: []vg.Length{2.5, 2}}
	return thick, thin, rule
}
