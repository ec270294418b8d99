package figure

import (
	"image"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
)

// rowsOfDots are, from top to bottom, the mean places across of what is drawn in the
// colour of dots, in pixels.
func rowsOfDots(img image.Image) (at []int) {
	sum, count, empty := 0, 0, true
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y++ {
		before := count
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x++ {
			if near(img.At(x, y), hues[0][1]) {
				sum, count = sum+x, count+1
			}
		}
		if empty = count-before < 4; empty && count > 0 { // a dashed line is thinner
			if count > 30 {
				at = append(at, sum/count)
			}
			sum, count = 0, 0
		}
	}
	return at
}

// Each group is a dot at its median, to the right of smaller ones; one that has not
// finished has none.
func TestEnds(t *testing.T) {
	group := func(label string, losses ...float64) Group {
		g := Group{Label: label}
		for _, l := range losses {
			g.Runs = append(g.Runs, values(0.5, l))
		}
		return g
	}
	lost := group("lost", 9)
	diverged(lost.Runs[0])
	groups := []Group{group("first", 0.2), group("larger", 0.4, 0.39, 0.41), lost, group("smaller", 0.1), group("the first again", 0.2)}
	dir := t.TempDir()
	files := []string{filepath.Join(dir, "a.png"), filepath.Join(dir, "a.svg"), filepath.Join(dir, "a.pdf")}
	check(t, Ends(groups, Options{Columns: []string{"test_loss"}}, files...))
	at := rowsOfDots(readPNG(t, files[0]))
	if len(at) != 4 || !(at[2] < at[0] && at[0] < at[1]) || max(at[3]-at[0], at[0]-at[3]) > 3 {
		t.Errorf("dots at %v, want that of \"first\", to the right of it, to the left of it, and below it", at)
	}
	if err := Ends(groups, Options{Columns: []string{"colour"}}, files[0]); err == nil || !strings.Contains(err.Error(), `"colour"`) {
		t.Errorf("error %v", err)
	}
	if err := Ends(nil, Options{}, files[0]); err == nil {
		t.Error("no error without groups")
	}
}

func TestWrapped(t *testing.T) {
	style := textStyle(labelSize)
	width := style.Width("Largest eigenvalue")
	for txt, want := range map[string][]string{
		"Test loss": {"Test loss"}, "": nil,
		"Largest eigenvalue of the Hessian": {"Largest eigenvalue", "of the Hessian"},
	} {
		if got := wrapped(style, txt, width); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", txt, got, want)
		}
	}
	lines := wrapped(style, strings.Repeat("word ", 40), width)
	if len(lines) != headingLines {
		t.Errorf("%d lines", len(lines))
	}
	for _, l := range lines {
		if style.Width(l) > width+vg.Length(1e-6) {
			t.Errorf("%q is too wide", l)
		}
	}
}
