package figure

import (
	"image/color"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

func rgba(c color.Color) color.RGBA { return color.RGBAModel.Convert(c).(color.RGBA) }

// parabolas are snapshots of a·x² with growing a, the last of which fits.
func parabolas(label string) Fit {
	f := Fit{Label: label, X: []float64{-1, 0, 1}, Y: []float64{1, 0, 1}}
	for i := range 101 {
		f.Grid = append(f.Grid, float64(i-50)/40)
	}
	for i, step := range []int{0, 100, 31_623} {
		s := Snapshot{Step: step}
		for _, x := range f.Grid {
			s.Values = append(s.Values, float64(i-1)*x*x)
		}
		f.Snapshots = append(f.Snapshots, s)
	}
	return f
}

func TestFunctions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.png")
	check(t, Functions([]Fit{parabolas("a"), parabolas("b")}, "title", path))
	img := readPNG(t, path)
	if w := img.Bounds().Dx(); w != 1380 {
		t.Errorf("two panels in %d pixels", w)
	}
	for i, want := range []int{200, 200, 500} { // the last one is thick
		c := interpolate(blues, float64(i)/2)
		if n := countColor(img, c); n < want {
			t.Errorf("%d pixels of snapshot %d, want %d", n, i, want)
		}
	}
	if n := countColor(img, exampleColor); n < 300 {
		t.Errorf("%d pixels of the examples", n)
	}
}

func TestFunctionRanges(t *testing.T) {
	f := parabolas("a")
	f.Snapshots[0].Values[0] = 1e9 // an early one does not count
	g := newFunctions([]Fit{f}, "")
	if g.xMin != -1.25 || g.xMax != 1.25 || !(-0.5 < g.yMin && g.yMin < 0 && 1.5625 < g.yMax && g.yMax < 2) {
		t.Errorf("x %g to %g, y %g to %g", g.xMin, g.xMax, g.yMin, g.yMax)
	}
	f.Snapshots[2].Values[0] = 1e9 // the last one, to its limit
	if g := newFunctions([]Fit{f}, ""); !(1.5 <= g.yMax && g.yMax < 2) {
		t.Errorf("y to %g", g.yMax)
	}
	if l := newFunctions([]Fit{f}, "").frame.legend.entries; len(l) != 4 || !l[3].bold || l[3].label != "step 31 623" {
		t.Errorf("legend %+v", l)
	}
}

// The legend lists the functions that are seen, in colours from light to dark.
func TestFunctionsOutOfSight(t *testing.T) {
	f := parabolas("a")
	for i := range f.Grid {
		f.Snapshots[0].Values[i] -= 300
	}
	l := newFunctions([]Fit{f}, "").frame.legend.entries
	if len(l) != 3 || l[1].label != "step 100" || l[1].color != blues[0] || l[2].color != blues[len(blues)-1] {
		t.Errorf("legend %+v", l)
	}
	if l := newFunctions([]Fit{f, parabolas("b")}, "").frame.legend.entries; len(l) != 4 {
		t.Errorf("seen in one of two panels: legend %+v", l)
	}
}

func TestAwkwardFunctions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.svg")
	for _, v := range []float64{0, math.NaN(), math.Inf(1), 1e308, -1e308, 5e-324} {
		f := parabolas("a")
		f.Y[1], f.Snapshots[2].Values[50], f.Snapshots[0].Values[3] = v, v, v
		check(t, Functions([]Fit{f}, "", path))
		for i := range f.Grid {
			f.Snapshots[2].Values[i] = v
		}
		f.X, f.Y = nil, nil
		check(t, Functions([]Fit{f}, "", path))
	}
	for want, spoil := range map[string]func(*Fit){
		"a: 2 x and 3 y":           func(f *Fit) { f.X = f.X[:2] },
		"a: no snapshots":          func(f *Fit) { f.Snapshots = nil },
		"a: a grid of 1 points":    func(f *Fit) { f.Grid = f.Grid[:1] },
		"100 values at step 31623": func(f *Fit) { f.Snapshots[2].Values = f.Snapshots[2].Values[1:] },
		"the grid is not finite":   func(f *Fit) { f.Grid[3] = math.NaN() },
	} {
		f := parabolas("a")
		spoil(&f)
		if err := Functions([]Fit{f}, "", path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if err := Functions(nil, "", path); err == nil {
		t.Error("no fits: no error")
	}
}

// ⊙ has a ring, a gap and a dot.
func TestOdot(t *testing.T) {
	img := vgimg.NewWith(vgimg.UseWH(100, 100), vgimg.UseDPI(72))
	c := draw.New(img)
	s := textStyle(100)
	s.XAlign = draw.XCenter
	c.FillText(s, vg.Point{X: 50, Y: 0}, "⊙")
	dark := func(x, y int) bool {
		_, _, _, a := img.Image().At(x, y).RGBA()
		return a > 0x8000 && rgba(img.Image().At(x, y)).R < 0x80
	}
	var changes []int
	row := 0
	for y := range 100 { // the row with most changes runs through the dot
		var here []int
		for x := 1; x < 100; x++ {
			if dark(x, y) != dark(x-1, y) {
				here = append(here, x)
			}
		}
		if len(here) > len(changes) {
			changes, row = here, y
		}
	}
	if len(changes) != 6 {
		t.Errorf("row %d changes at %v, want 6 changes", row, changes)
	}
}

// vgpdf is given colours without the factor of their opacity.
func TestTranslucentColoursOfPDF(t *testing.T) {
	r, g, b, a := straight{translucent(blues[0], 0x40)}.RGBA()
	if got := (color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), uint8(a >> 8)}); got != (color.RGBA{blues[0].R, blues[0].G, blues[0].B, 0x40}) {
		t.Errorf("got %v", got)
	}
}
