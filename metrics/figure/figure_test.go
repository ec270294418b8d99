package figure

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"largestep/metrics/record"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func readPNG(t *testing.T, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	check(t, err)
	defer f.Close()
	img, err := png.Decode(f)
	check(t, err)
	return img
}

func countColor(img image.Image, c color.Color) (n int) {
	r, g, b, _ := c.RGBA()
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y++ {
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x++ {
			if r2, g2, b2, _ := img.At(x, y).RGBA(); r == r2 && g == g2 && b == b2 {
				n++
			}
		}
	}
	return n
}

func TestSchedulesDrawsAllFormats(t *testing.T) {
	dir := t.TempDir()
	path := func(ext string) string { return filepath.Join(dir, "figure"+ext) }
	check(t, Groups(paperGroups(), Options{}, path(".png"), path(".svg"), path(".pdf")))

	img := readPNG(t, path(".png"))
	if w, h := img.Bounds().Dx(), img.Bounds().Dy(); w != 1380 || h < 600 || h > 750 {
		t.Errorf("PNG of %d×%d, want 1380 (6.9 in at 200 dpi) × 600 to 750", w, h)
	}
	svg, err := os.ReadFile(path(".svg"))
	check(t, err)
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		check(t, err)
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "svg" && !strings.HasPrefix(e.Attr[0].Value, "496.8") {
			t.Errorf("SVG width %s, want 496.8 points", e.Attr[0].Value)
		}
	}
	pdf, err := os.ReadFile(path(".pdf"))
	check(t, err)
	if !bytes.HasPrefix(pdf, []byte("%PDF-")) || !bytes.HasSuffix(bytes.TrimSpace(pdf), []byte("%%EOF")) ||
		!bytes.Contains(pdf, []byte("/MediaBox [0 0 496.80 ")) {
		t.Error("not a PDF of 496.8 points")
	}
	for i, c := range blues {
		if n := countColor(img, c); n < 500 {
			t.Errorf("PNG has %d pixels of curve %d's colour", n, i)
		}
		if hex := fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B); !bytes.Contains(svg, []byte(hex)) {
			t.Errorf("SVG lacks curve %d's colour %s", i, hex)
		}
	}
	entries, err := os.ReadDir(dir)
	check(t, err)
	if len(entries) != 3 {
		t.Errorf("folder holds %v", entries)
	}
}

func TestPNGAndSVGAreDeterministic(t *testing.T) {
	dir := t.TempDir()
	var content [2][]byte
	for _, ext := range []string{".png", ".svg"} {
		path := filepath.Join(dir, "f"+ext)
		for i := range content {
			check(t, Curves(paperRuns(), Options{}, path))
			var err error
			content[i], err = os.ReadFile(path)
			check(t, err)
		}
		if !bytes.Equal(content[0], content[1]) {
			t.Errorf("two %s differ", ext)
		}
	}
}

// drawPanel draws a run's column and returns the picture, a function from data
// to pixels, and the curve's colour.
func drawPanel(r *record.Run, column string) (image.Image, func(x, y float64) (int, int), color.Color) {
	f := figure{groups: each([]*record.Run{r}, []string{""})}
	p := f.panel(column)
	const width, height = 3.45 * vg.Inch, 2.45 * vg.Inch
	const dpi = 288 // 4 pixels to the point
	img := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dpi))
	c := draw.New(img)
	p.Draw(c)
	data := p.DataCanvas(c)
	at := func(x, y float64) (int, int) {
		return int(data.X(p.X.Norm(x)) * 4), int((height - data.Y(p.Y.Norm(y))) * 4)
	}
	return img.Image(), at, f.style(0).color
}

func near(a, b color.Color) bool {
	r, g, bl, _ := a.RGBA()
	r2, g2, bl2, _ := b.RGBA()
	d := func(x, y uint32) bool { return max(x, y)-min(x, y) < 0x1000 }
	return d(r, r2) && d(g, g2) && d(bl, bl2)
}

// bluish is true of the edges of a thin line in blue, too.
func bluish(c color.Color) bool {
	r, _, b, _ := c.RGBA()
	return b > r+0x1400
}

func TestDivergedRunEndsInACross(t *testing.T) {
	for _, state := range []record.State{record.Diverged, record.Interrupted} {
		r := run(1.5, 0.5, 10)
		r.Status.State = state
		r.Rows = r.Rows[:4]
		r.Rows[3].TrainLoss = math.NaN()
		img, at, c := drawPanel(r, "train_loss")
		x, y := at(2, r.Rows[2].TrainLoss)
		arms := 0
		for _, d := range [][2]int{{-8, -8}, {-8, 8}, {8, -8}, {8, 8}} {
			if near(img.At(x+d[0], y+d[1]), c) {
				arms++
			}
		}
		if want := map[record.State]int{record.Diverged: 4}[state]; arms < want || (want == 0 && arms == 4) {
			t.Errorf("%s: %d arms of a cross at the last finite point", state, arms)
		}
	}
}

func TestPhasesAreMarked(t *testing.T) {
	r := run(1.5, 0.5, 10)
	for i := range r.Rows {
		r.Rows[i].TestError = 0.5
	}
	img, at, c := drawPanel(r, "test_error")
	thickness := func(epoch float64) (n int) {
		x, y := at(epoch, 50)
		for d := -20; d <= 20; d++ {
			if near(img.At(x, y+d), c) {
				n++
			}
		}
		return n
	}
	large, change, small := thickness(2.5), thickness(5), thickness(7.5)
	if !(change > large && large > small && small >= 3) {
		t.Errorf("line of %d pixels with the large step, %d at the change, %d after", large, change, small)
	}
	dashes := 0
	x, y := at(5, 48)
	for d := range 100 {
		if bluish(img.At(x, y-d)) || bluish(img.At(x-1, y-d)) {
			dashes++
		}
	}
	if dashes < 20 || dashes == 100 {
		t.Errorf("%d of 100 pixels of the dashed line at the change", dashes)
	}
}

func TestOneRowIsADot(t *testing.T) {
	r := run(1, 0, 10)
	r.Rows = r.Rows[:1]
	img, at, c := drawPanel(r, "train_loss")
	if x, y := at(0, r.Rows[0].TrainLoss); !near(img.At(x+2, y+2), c) {
		t.Error("no dot at the only point")
	}
}

func TestZeroLossLiesOnTheBottom(t *testing.T) {
	r := run(1, 0, 10)
	r.Rows[10].TrainLoss = 0
	img, at, c := drawPanel(r, "train_loss")
	low, _ := valueRange([]*curve{newCurve(Group{Runs: []*record.Run{r}}, "train_loss", scales["train_loss"], Axis{}, style{})}, scales["train_loss"])
	x, y := at(10, low)
	for d := 1; d < 10; d++ {
		if near(img.At(x-2, y-d), c) {
			return
		}
	}
	t.Error("no line down to the bottom of the log axis")
}

// Whatever the numbers, a figure is drawn.
func TestAwkwardNumbers(t *testing.T) {
	grouped := false
	picture := func(runs ...*record.Run) { // without the time that a file takes
		groups := each(runs, make([]string, len(runs)))
		if grouped = !grouped; grouped {
			groups = []Group{{Runs: runs}}
		}
		f := figure{groups: groups, Options: Options{X: Steps}, across: 3}.withDefaults()
		width, height := f.size()
		f.draw(draw.New(vgsvg.New(width, height)))
	}
	hard := []float64{0, 1, -1, 1e-320, 5e-324, 1e308, -1e308, math.NaN(), math.Inf(1), math.Inf(-1), 1e9, 1e9 + 1e-6, 0.1}
	for i, a := range hard {
		for _, b := range hard {
			r := run(1, 0.5, 4)
			r.Status.State = []record.State{record.Diverged, record.Finished}[i%2]
			for i, v := range []float64{a, b, a, a, b} {
				r.Rows[i].TrainLoss, r.Rows[i].TestError = v, v
			}
			other := run(0.1, 0, 2)
			other.Rows = other.Rows[:i%3]
			picture(r, other)
		}
	}
	for _, epochs := range []float64{5e-324, 1e-10, 1e308} {
		r := run(1, 0.5, 4)
		r.Config.Epochs = epochs
		picture(r)
		r.Rows = nil
		picture(r)
	}
}

func TestManyColumnsAndRuns(t *testing.T) {
	var runs []*record.Run
	for i := range 15 {
		runs = append(runs, run(float64(i+1), 0.5, 5))
	}
	path := filepath.Join(t.TempDir(), "f.png")
	check(t, Curves(runs, Options{Columns: []string{"train_loss", "active_4", "step_size"}, Title: strings.Repeat("long ", 99)}, path))
	if h := readPNG(t, path).Bounds().Dy(); h < 1100 {
		t.Errorf("two rows of panels in %d pixels", h)
	}
	check(t, Curves(runs[:1], Options{Columns: []string{"test_error"}}, path))
	if w := readPNG(t, path).Bounds().Dx(); w != 800 {
		t.Errorf("one panel of %d pixels, want 800", w)
	}
}

// What is drawn by default has numbers.
func TestMainColumns(t *testing.T) {
	small, image, begun := diagonalRun(0.2, 0, 0, -1), run(1, 0, 5), run(1, 0, 5)
	begun.Rows = nil
	untested := diagonalRun(0.2, 0, 0, -1)
	for i := range untested.Rows {
		untested.Rows[i].TestLoss = math.NaN()
	}
	for _, c := range []struct {
		runs []*record.Run
		want string
	}{
		{[]*record.Run{image}, "train_loss test_error"},
		{[]*record.Run{small, begun}, "train_loss test_loss"},
		{[]*record.Run{small, image}, "train_loss test_error"},
		{[]*record.Run{untested}, "train_loss"},
		{[]*record.Run{begun}, "train_loss"},
	} {
		f := figure{groups: each(c.runs, make([]string, len(c.runs)))}.withDefaults()
		if got := strings.Join(f.Columns, " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.runs[0].Config.Net, got, c.want)
		}
		check(t, f.check())
	}
}

func TestRefusalsLeaveFilesAlone(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "old.png")
	check(t, os.WriteFile(old, []byte("old"), 0o666))
	for _, c := range []struct {
		err  error
		want string
	}{
		{Groups(nil, Options{}, old), "no runs"},
		{Groups(paperGroups(), Options{}, old, filepath.Join(dir, "f.gif")), "name a .png, .svg or .pdf file"},
		{Curves(paperRuns(), Options{Columns: []string{"active_9"}}, old), `no run has a column "active_9"`},
		{Curves(paperRuns(), Options{Columns: []string{"phase"}}, old), `no run has a column "phase"`},
		{Curves(paperRuns(), Options{Columns: []string{"foo"}}, old), "choose from epoch, step, step_size, batch_loss, train_loss,"},
		{Curves([]*record.Run{diagonalRun(0.2, 0, 0, -1)}, Options{Columns: []string{"test_error"}}, old),
			`no run has a column "test_error" with numbers: choose from epoch, step, step_size, batch_loss, train_loss, test_loss, l0,`},
		{Groups(paperGroups(), Options{}, filepath.Join(dir, "no", "f.svg")), "no such file"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("error %v, want %q", c.err, c.want)
		}
	}
	entries, _ := os.ReadDir(dir)
	if b, _ := os.ReadFile(old); string(b) != "old" || len(entries) != 1 {
		t.Errorf("folder holds %v, old.png %q", entries, b)
	}
}
