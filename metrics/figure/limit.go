package figure

import (
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"largestep/metrics/measure"
	"largestep/metrics/record"
)

// limitOf is the curvature at a step size beyond which steps with momentum grow; ok is
// false of other columns.
func limitOf(column string, stepSize, momentum float64) (limit float64, ok bool) {
	switch column {
	case "sharpness":
		return measure.LossLimit(momentum) / stepSize, true
	case "batch_sharpness", "batch_sharpness_by_losses", "step_sharpness":
		return measure.BatchLimit(momentum) / stepSize, true
	}
	return 0, false
}

// limits are a column's along a run, empty if it has none.
func limits(r *record.Run, column string, x Axis) (points []point) {
	for i := range r.Rows {
		eta, _ := r.Value(i, "step_size")
		if y, ok := limitOf(column, eta, r.Config.Momentum); ok && finite(y) {
			points = append(points, point{x.of(&r.Rows[i]), y})
		}
	}
	return points
}

// limited tells whether a panel has limits.
func (f figure) limited() bool {
	return slices.ContainsFunc(f.Columns, func(column string) bool {
		_, ok := limitOf(column, 1, 0)
		return ok
	})
}

// limit is a curve's limit of stability, below all curves.
type limit struct{ *curve }

func (c limit) Plot(canvas draw.Canvas, p *plot.Plot) {
	line := draw.LineStyle{Color: translucent(c.color, 0xc0), Width: vg.Length(0.9), Dashes: []vg.Length{1, 1.6}}
	for _, path := range paths(c.limits, canvas, p) {
		canvas.StrokeLines(line, stairs(path))
	}
}
