package figure

import (
	"cmp"
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A span is a stretch of the horizontal axis, empty if there is none.
type span struct{ start, end float64 }

func (s span) empty() bool { return !(s.start < s.end) }

// plateau is where the mini-batch loss of a group stands still while the step size
// is large: the medians of the starts and ends, if there is one in at least half
// of the runs that count and were searched for plateaus. A constant step size has
// none: its loss may just have converged.
func (g Group) plateau(x Axis) span {
	var starts, ends []float64
	counted, _ := g.split()
	searched := 0
	for _, r := range counted {
		if r.Plateaus != nil {
			searched++
		}
		if p, ok := LargePlateau(r); ok {
			_, perStep := x.Extent(r)
			starts = append(starts, float64(p.Start)*perStep)
			ends = append(ends, float64(p.End)*perStep)
		}
	}
	if 2*len(starts) < searched || len(starts) == 0 {
		return span{}
	}
	_, start, _ := quartiles(starts)
	_, end, _ := quartiles(ends)
	return span{start, end}
}

// plateaus shade the stretches on which the curves' losses stand still, the
// longest first, so that shorter ones within them are seen.
type plateaus []*curve

func (c plateaus) Plot(canvas draw.Canvas, p *plot.Plot) {
	shaded := slices.DeleteFunc(slices.Clone(c), func(c *curve) bool { return c.plateau.empty() })
	slices.SortStableFunc(shaded, func(a, b *curve) int {
		return cmp.Compare(b.plateau.end-b.plateau.start, a.plateau.end-a.plateau.start)
	})
	for _, c := range shaded {
		left := canvas.X(p.X.Norm(max(c.plateau.start, p.X.Min)))
		right := canvas.X(p.X.Norm(min(c.plateau.end, p.X.Max)))
		canvas.FillPolygon(tint(c.color), []vg.Point{
			{X: left, Y: canvas.Min.Y}, {X: left, Y: canvas.Max.Y}, {X: right, Y: canvas.Max.Y}, {X: right, Y: canvas.Min.Y},
		})
	}
}

// tint is a colour mixed with much white.
func tint(c color.RGBA) color.RGBA {
	return interpolate([]color.RGBA{{0xff, 0xff, 0xff, 0xff}, c}, 0.12)
}
