package figure

import (
	"errors"
	"fmt"
	"image/color"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Fit is how one run came to fit a function of one variable.
type Fit struct {
	Label     string    // of its panel
	X, Y      []float64 // the training examples
	Grid      []float64 // increasing; where the function was evaluated
	Snapshots []Snapshot
}

// A Snapshot is a function after some number of steps.
type Snapshot struct {
	Step   int
	Values []float64 // on the Grid
}

// Functions draws fits into each of the files: a panel for each, with the
// examples, and the functions light to dark blue by step; each fit's last one is
// thick. All panels have the same axes, which the examples and the last
// functions decide.
func Functions(fits []Fit, title string, files ...string) error {
	if len(fits) == 0 {
		return errors.New("no fits to draw")
	}
	for _, f := range fits {
		if err := f.check(); err != nil {
			return fmt.Errorf("%s: %w", f.Label, err)
		}
	}
	f := newFunctions(fits, title)
	return save(f.size, f.draw, files)
}

func (f *Fit) check() error {
	switch {
	case len(f.X) != len(f.Y):
		return fmt.Errorf("%d x and %d y of training examples", len(f.X), len(f.Y))
	case len(f.Grid) < 2 || !(f.Grid[0] < f.Grid[len(f.Grid)-1]):
		return fmt.Errorf("a grid of %d points: want 2 or more, increasing", len(f.Grid))
	case len(f.Snapshots) == 0:
		return errors.New("no snapshots of the function")
	case slices.ContainsFunc(f.Grid, func(x float64) bool { return !finite(x) }):
		return errors.New("the grid is not finite")
	}
	for _, s := range f.Snapshots {
		if len(s.Values) != len(f.Grid) {
			return fmt.Errorf("%d values at step %d on a grid of %d", len(s.Values), s.Step, len(f.Grid))
		}
	}
	return nil
}

// last is the index of the snapshot with the most steps.
func (f *Fit) last() int {
	best := 0
	for i, s := range f.Snapshots {
		if s.Step >= f.Snapshots[best].Step {
			best = i
		}
	}
	return best
}

// functions are all there is to know before drawing.
type functions struct {
	fits       []Fit
	frame      frame
	colors     map[int]color.RGBA // by step, of functions that are seen
	xMin, xMax float64
	yMin, yMax float64
}

func newFunctions(fits []Fit, title string) *functions {
	f := &functions{fits: fits, colors: map[int]color.RGBA{}}
	f.ranges()
	last := 0
	for _, fit := range fits {
		last = max(last, fit.Snapshots[fit.last()].Step)
		for _, s := range fit.Snapshots {
			if f.shows(s) {
				f.colors[s.Step] = color.RGBA{}
			}
		}
	}
	steps := slices.Sorted(maps.Keys(f.colors))
	l := legend{entries: []entry{{style: style{color: exampleColor}, label: "training examples", point: true}}}
	for i, step := range steps {
		at := 1.0
		if len(steps) > 1 {
			at = float64(i) / float64(len(steps)-1)
		}
		f.colors[step] = interpolate(blues, at)
		l.entries = append(l.entries, entry{style: style{color: f.colors[step]}, label: "step " + grouped(step), bold: step == last})
	}
	f.frame = frame{title, l}
	return f
}

// shows reports whether a part of the function lies within the axes.
func (f *functions) shows(s Snapshot) bool {
	for i := 1; i < len(s.Values); i++ {
		a, b := s.Values[i-1], s.Values[i]
		if finite(a) && finite(b) && min(a, b) <= f.yMax && max(a, b) >= f.yMin {
			return true
		}
	}
	return false
}

// exampleColor is told from the blues in greyscale by the points' shape.
var exampleColor = color.RGBA{0xc8, 0x3c, 0x14, 0xff}

// grouped is 31 623 for 31623.
func grouped(n int) string {
	s := fmt.Sprint(n)
	if len(s) <= 4 {
		return s
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}

// ranges chooses the axes: those of the grids, and of what is fitted in the end.
// Functions leave the panel where they lie further out, but the last ones only
// beyond twice the examples' range.
func (f *functions) ranges() {
	f.xMin, f.xMax = math.Inf(1), math.Inf(-1)
	var examples, ends []float64
	for _, fit := range f.fits {
		f.xMin = min(f.xMin, fit.Grid[0])
		f.xMax = max(f.xMax, fit.Grid[len(fit.Grid)-1])
		examples = append(examples, fit.Y...)
		ends = append(ends, fit.Snapshots[fit.last()].Values...)
	}
	notFinite := func(v float64) bool { return !finite(v) }
	examples, ends = slices.DeleteFunc(examples, notFinite), slices.DeleteFunc(ends, notFinite)
	if len(examples) == 0 {
		examples = ends
	}
	if len(examples) == 0 {
		examples = []float64{0, 1}
	}
	low, high := slices.Min(examples), slices.Max(examples)
	floor, ceiling := low-(high-low)/2, high+(high-low)/2
	for _, v := range ends {
		low, high = max(min(low, v), floor), min(max(high, v), ceiling)
	}
	low, high = max(low, -1e300), min(high, 1e300)
	pad := max(0.08*(high-low), 1e-9*math.Abs(high), 1e-9)
	f.yMin, f.yMax = low-pad, high+pad
}

func (f *functions) size() (width, height vg.Length) { return f.frame.size(newGrid(len(f.fits), 3)) }

func (f *functions) draw(c draw.Canvas) {
	var panels []*plot.Plot
	var headings []string
	for i := range f.fits {
		p := emptyPanel("x")
		p.Y.Label.Text = "h(x)"
		p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = f.xMin, f.xMax, f.yMin, f.yMax
		p.Add(gridLines(), fitted{&f.fits[i], f.colors})
		panels = append(panels, p)
		headings = append(headings, f.fits[i].Label)
	}
	newGrid(len(panels), 3).draw(f.frame.draw(c), panels, headings)
}

// fitted are the curves and points of a panel.
type fitted struct {
	*Fit
	colors map[int]color.RGBA
}

func (f fitted) Plot(canvas draw.Canvas, p *plot.Plot) {
	last := f.last()
	order := make([]int, len(f.Snapshots))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return f.Snapshots[a].Step - f.Snapshots[b].Step })
	for _, i := range order {
		s := f.Snapshots[i]
		thick, thin, _ := style{color: f.colors[s.Step]}.lines()
		line := thin
		if i == last {
			line = thick
		}
		canvas.StrokeLines(line, canvas.ClipLinesXY(f.pieces(s, canvas, p)...)...)
	}
	for i := range f.X {
		if q := (point{f.X[i], f.Y[i]}); finite(q.x) && p.X.Min <= q.x && q.x <= p.X.Max && p.Y.Min <= q.y && q.y <= p.Y.Max {
			example(canvas, place(q, canvas, p))
		}
	}
}

// pieces are the unbroken stretches of a function, which reach at most
// a hundred panels' heights out of it.
func (f fitted) pieces(s Snapshot, canvas draw.Canvas, p *plot.Plot) [][]vg.Point {
	var all [][]vg.Point
	broken := true
	for i, x := range f.Grid {
		if !finite(s.Values[i]) {
			broken = true
			continue
		}
		if broken {
			all = append(all, nil)
			broken = false
		}
		y := min(max(p.Y.Norm(s.Values[i]), -100), 100)
		n := len(all) - 1
		all[n] = append(all[n], vg.Point{X: canvas.X(p.X.Norm(x)), Y: canvas.Y(y)})
	}
	return all
}

func example(c draw.Canvas, at vg.Point) {
	for _, d := range []draw.GlyphStyle{
		{Color: white, Radius: dotRadius + 1.1, Shape: draw.CircleGlyph{}},
		{Color: exampleColor, Radius: dotRadius + 0.4, Shape: draw.CircleGlyph{}},
	} {
		c.DrawGlyphNoClip(d, at)
	}
}
