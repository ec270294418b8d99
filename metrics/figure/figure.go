// Package figure draws recorded runs as PNG, SVG and PDF: curves over the epochs
// of single runs, medians and quartiles of groups of them, fitted functions; and
// writes tables of the final values. It needs the records alone.
//
// The part of a curve with the large step size is thick, a dot and a thin
// dashed line mark each change of the step size, a cross marks the last finite
// value of a run that diverged.
package figure

import (
	"errors"
	"fmt"
	"image/color"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"largestep/metrics/record"
)

// Options choose what Curves and Groups draw.
type Options struct {
	Columns []string // one panel each; if there are none, the main ones
	Title   string   // net and data set if empty
	Setting string   // added to that
	X       Axis     // epochs by default
	XRange  Range    // of X, in its units; what there is by default
	YRange  Range    // of the values as they are shown
	Scale   AxisScale
	Smooth  int               // rows of which a point is the mean; as they are below 2
	Labels  map[string]string // of runs, by their folders, instead of what differs
	Size    [2]float64        // of the whole, in inches; what suits if 0
}

// Range is a part of an axis; the zero value is none.
type Range struct{ Low, High float64 }

func (r Range) isZero() bool { return r == Range{} }

// ErrLogRange refuses a range that begins at 0 or below on a log axis.
var ErrLogRange = errors.New("its axis is logarithmic, and begins above 0")

// checkRange tells whether a column's axis can have a range, if one is asked for.
func (f figure) checkRange(column string, r Range) error {
	if f.scale(column).log && !r.isZero() && r.Low <= 0 {
		return fmt.Errorf("%s from %g to %g: %w", column, r.Low, r.High, ErrLogRange)
	}
	return nil
}

// AxisScale is that of values.
type AxisScale int

// The scales; Suitable is what suits a column.
const (
	Suitable AxisScale = iota
	Linear
	Log
)

// mainColumns are the training loss and the test error, or the test loss where
// no run has an error, as small problems have none.
func mainColumns(list []*record.Run) []string {
	for _, test := range []string{"test_error", "test_loss"} {
		if hasNumbers(list, test) {
			return []string{"train_loss", test}
		}
	}
	return []string{"train_loss"}
}

// hasNumbers reports whether a run has a finite value in a column.
func hasNumbers(list []*record.Run, column string) bool {
	for _, r := range list {
		if slices.ContainsFunc(series(r, column, 1, Axis{}), func(p point) bool { return finite(p.y) }) {
			return true
		}
	}
	return false
}

// Labelled gives groups that have no label one by what differs among them: their
// schedules, as far as those do.
func Labelled(groups []Group) ([]Group, error) {
	var first []*record.Run
	for _, g := range groups {
		if len(g.Runs) == 0 {
			return nil, errors.New("no runs of a setting")
		}
		first = append(first, g.Runs[0])
	}
	groups = slices.Clone(groups)
	for i, label := range scheduleLabels(first) {
		if groups[i].Label == "" {
			groups[i].Label = label
		}
	}
	return groups, nil
}

// Curves draws any columns of any runs into each of the files, as their
// extensions say: .png, .svg or .pdf. A file is replaced only by a whole new one.
// Curves go by rising step size; the legend tells what differs among the runs, or
// names their folders where that is too long to tell them apart.
// Runs that differ in their seeds alone are thin lines of one colour, with their
// median. Colours tell apart what else varies.
func Curves(runs []*record.Run, opt Options, files ...string) error {
	return curves(runs, opt).save(files)
}

// Picture is what Curves draws, as a small PNG in memory.
func Picture(runs []*record.Run, opt Options) ([]byte, error) {
	return curves(runs, opt).picture()
}

func curves(runs []*record.Run, opt Options) figure {
	runs = ordered(runs)
	if groups := bySeed(runs); len(groups) < len(runs) {
		f := figure{groups: inColours(labelled(groups, opt.Labels)), Options: opt, across: 2, seeds: true}
		return f.withDefaults()
	}
	f := figure{groups: each(runs, differenceLabels(runs)), Options: opt, across: 2}.withDefaults()
	if !f.toldApart() {
		f.groups = each(runs, names(runs))
	}
	for i, family := range families(runs) {
		f.groups[i].Family = family
	}
	f.groups = inColours(labelled(f.groups, opt.Labels))
	return f
}

// inColours gives each group a hue of its own, as long as there are enough.
func inColours(groups []Group) []Group {
	if len(groups) <= len(hues) {
		for i := range groups {
			groups[i].Family = strconv.Itoa(i)
		}
	}
	return groups
}

// labelled gives groups the labels of their runs that somebody chose.
func labelled(groups []Group, labels map[string]string) []Group {
	for i, g := range groups {
		for _, r := range g.Runs {
			if text, ok := labels[r.Dir]; ok {
				groups[i].Label = text
			}
		}
	}
	return groups
}

// Medians draws runs as Curves does, but those that differ in their seeds alone
// as one group.
func Medians(runs []*record.Run, opt Options, files ...string) error {
	f := figure{groups: inColours(labelled(bySeed(ordered(runs)), opt.Labels)), Options: opt, across: 2}
	return f.withDefaults().save(files)
}

// A figure is all there is to know before drawing.
type figure struct {
	Options
	groups []Group
	across int  // panels in a row, at most
	seeds  bool // are drawn, each run of a group
}

func (f figure) withDefaults() figure {
	if len(f.Columns) == 0 {
		f.Columns = mainColumns(runs(f.groups))
	}
	if f.Title == "" {
		f.Title = commonTitle(runs(f.groups))
	}
	if f.Setting != "" {
		f.Title += ", " + f.Setting
	}
	return f
}

func (f figure) check() error {
	if len(f.groups) == 0 {
		return errors.New("no runs to draw")
	}
	usable := drawable(runs(f.groups))
	for _, column := range f.Columns {
		if !slices.Contains(usable, column) {
			if most := 20; len(usable) > most {
				usable = append(usable[:most], "…")
			}
			return fmt.Errorf("no run has a column %q with numbers: choose from %s", column, strings.Join(usable, ", "))
		}
	}
	if f.Size[0] > 0 && (f.grid().width < least || f.grid().height < least) {
		return fmt.Errorf("a size of %g × %g inches leaves no room for %d panels", f.Size[0], f.Size[1], len(f.Columns))
	}
	return nil
}

// drawable are the columns in which a run has numbers, or before the first row
// may come to have some.
func drawable(list []*record.Run) (columns []string) {
	evaluated := slices.ContainsFunc(list, func(r *record.Run) bool { return len(r.Rows) > 0 })
	seen := map[string]bool{}
	for _, r := range list {
		for _, column := range r.Columns() {
			if !seen[column] && (!evaluated || hasNumbers(list, column)) {
				columns = append(columns, column)
			}
			seen[column] = true
		}
	}
	return columns
}

// Sizes on paper: two or three panels fill the width of a page of text.
const (
	pageWidth = 6.9 * vg.Inch
	margin    = vg.Length(5)
	panelGap  = vg.Length(14)

	headingHeight = vg.Length(16)
)

// A grid is how panels are laid out.
type grid struct {
	rows, cols    int
	width, height vg.Length // of a panel with its axes
}

func newGrid(panels, across int) grid {
	cols := min(panels, across)
	if panels == 4 {
		cols = 2
	}
	g := grid{(panels + cols - 1) / cols, cols, pageWidth / 2, 2.45 * vg.Inch}
	switch cols {
	case 1:
		g.width = 4 * vg.Inch
	case 3:
		g.width, g.height = pageWidth/3, 2*vg.Inch
	}
	return g
}

// size is that of the whole figure.
func (f figure) size() (width, height vg.Length) { return f.frame().size(f.grid()) }

// grid is how the panels are laid out, on the size asked for.
func (f figure) grid() grid {
	g := newGrid(len(f.Columns), f.across)
	if f.Size[0] > 0 {
		g.width = vg.Length(f.Size[0]) * vg.Inch / vg.Length(g.cols)
		_, height := f.frame().size(g)
		rest := height - vg.Length(g.rows)*g.height
		g.height = (vg.Length(f.Size[1])*vg.Inch - rest) / vg.Length(g.rows)
	}
	return g
}

// least is the smallest panel worth drawing.
const least = 0.8 * vg.Inch

func (f figure) frame() frame { return frame{f.Title, f.legend()} }

// A frame is what surrounds the panels.
type frame struct {
	title  string
	legend legend
}

func (f frame) size(g grid) (width, height vg.Length) {
	width = vg.Length(g.cols) * g.width
	height = vg.Length(g.rows)*g.height + f.legend.height(width-2*margin) + 2*margin
	if f.title != "" {
		height += titleHeight()
	}
	return width, height
}

func titleHeight() vg.Length { return textStyle(titleSize).Height("X") + 4 }

// toldApart reports whether the groups' labels differ as far as the legend has
// room for them.
func (f figure) toldApart() bool {
	width, _ := f.size()
	var labels []string
	for _, g := range f.groups {
		labels = append(labels, g.label())
	}
	return distinct(shorten(textStyle(legendSize), labels, width-2*margin-thumbWidth-thumbGap))
}

// draw fills the canvas but for the panels, for which it returns the place.
func (f frame) draw(c draw.Canvas) draw.Canvas {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	c = draw.Crop(c, margin, -margin, margin, -margin)
	width := c.Max.X - c.Min.X
	if f.title != "" {
		style := textStyle(titleSize)
		style.XAlign, style.YAlign = draw.XCenter, draw.YTop
		c.FillText(style, vg.Point{X: c.Center().X, Y: c.Max.Y}, fit(style, f.title, width))
		c.Max.Y -= titleHeight()
	}
	legendHeight := f.legend.height(width)
	f.legend.draw(draw.Crop(c, 0, 0, 0, legendHeight-(c.Max.Y-c.Min.Y)))
	return draw.Crop(c, 0, 0, legendHeight, 0)
}

func (f figure) draw(c draw.Canvas) {
	var headings []string
	var panels []*plot.Plot
	for _, column := range f.Columns {
		headings = append(headings, f.scale(column).label)
		panels = append(panels, f.panel(column))
	}
	f.grid().draw(f.frame().draw(c), panels, headings)
}

// draw lays out panels, row by row.
func (g grid) draw(c draw.Canvas, panels []*plot.Plot, headings []string) {
	table := make([][]*plot.Plot, g.rows)
	for i := range table {
		table[i] = make([]*plot.Plot, g.cols)
		copy(table[i], panels[i*g.cols:])
	}
	tiles := draw.Tiles{Rows: g.rows, Cols: g.cols, PadX: panelGap, PadTop: headingHeight, PadY: panelGap + headingHeight}
	for i, row := range plot.Align(table, tiles, c) {
		for j, canvas := range row {
			if k := i*g.cols + j; k < len(panels) {
				panels[k].Draw(canvas)
				heading(panels[k].DataCanvas(canvas), headings[k], g.width-panelGap)
			}
		}
	}
}

// heading names a panel's quantity above it: easier to read than along the
// axis.
func heading(c draw.Canvas, text string, width vg.Length) {
	style := textStyle(labelSize)
	style.XAlign, style.YAlign = draw.XCenter, draw.YBottom
	c.FillText(style, vg.Point{X: c.Center().X, Y: c.Max.Y + 5}, fit(style, text, width))
}
