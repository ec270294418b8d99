package figure

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"largestep/metrics/record"
)

// sweepRun is a run of a sweep that ended with a test error.
func sweepRun(stepSize float64, batch, seed int, testError float64) *record.Run {
	r := run(stepSize, 0, 3)
	r.Dir = fmt.Sprintf("runs/%g-%d-%d", stepSize, batch, seed)
	r.Config.Options = map[string]any{"batch": json.Number(fmt.Sprint(batch)), "seed": json.Number(fmt.Sprint(seed)), "momentum": json.Number("0.9"), "schedule": r.Config.Exact}
	r.Rows[len(r.Rows)-1].TestError = testError
	if math.IsNaN(testError) {
		r.Status.State = record.Diverged
	}
	return r
}

func sweepRuns() []*record.Run {
	nan := math.NaN()
	return []*record.Run{
		sweepRun(0.5, 100, 0, 0.3), sweepRun(0.5, 32, 0, 0.1), sweepRun(0.5, 32, 1, 0.2), sweepRun(0.5, 32, 2, 0.6),
		sweepRun(0.05, 32, 0, 0.4), sweepRun(0.05, 100, 0, nan), sweepRun(0.05, 100, 1, 0.5),
	}
}

func TestSummaries(t *testing.T) {
	for _, c := range []struct {
		extension string
		by        string
		want      string
	}{
		{".csv", "", `batch,step_size,runs,diverged,unfinished,test_error,test_error_lower_quartile,test_error_upper_quartile
32,0.05,1,0,0,0.4,0.4,0.4
32,0.5,3,0,0,0.2,0.15000000000000002,0.4
100,0.05,2,1,0,0.5,0.5,0.5
100,0.5,1,0,0,0.3,0.3,0.3
`},
		{".txt", "step_size", `step_size  runs  diverged  unfinished  test error (%)
0.05       3     1         0           45 (42.5–47.5)
0.5        4     0         0           25 (17.5–37.5)
`},
		{".md", "batch", `| batch | runs | diverged | unfinished | test error (%) |
|---|---|---|---|---|
| 32 | 4 | 0 | 0 | 30 (17.5–45) |
| 100 | 3 | 1 | 0 | 40 (35–45) |
`},
		{".tex", "momentum", `\begin{tabular}{lllll}
\toprule
momentum & runs & diverged & unfinished & test error (\%) \\
\midrule
0.9 & 7 & 1 & 0 & 35 (22.5--47.5) \\
\bottomrule
\end{tabular}
`},
	} {
		var by []string
		if c.by != "" {
			by = strings.Split(c.by, ",")
		}
		s, err := Summarize(sweepRuns(), by, []string{"test_error"})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := s.Write(&b, c.extension); err != nil || b.String() != c.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", c.extension, err, b.String(), c.want)
		}
	}
	if _, err := Summarize(sweepRuns(), []string{"bach"}, nil); err == nil || !strings.Contains(err.Error(), "choose from batch") {
		t.Error(err)
	}
	if _, err := Summarize(sweepRuns(), nil, []string{"x"}); err == nil || !strings.Contains(err.Error(), "choose from") {
		t.Error(err)
	}
	s, _ := Summarize(sweepRuns(), nil, nil)
	if err := s.Write(&bytes.Buffer{}, ".xls"); err == nil {
		t.Error("a table in .xls")
	}
}

// Schedules of equal step sizes and decays are told apart all the same.
func TestSummaryOfSchedules(t *testing.T) {
	a, b := run(0.5, 0.3, 3), run(0.5, 0.3, 3)
	b.Config.Schedule += ", cosine"
	s, err := Summarize([]*record.Run{a, b}, nil, nil)
	if err != nil || len(s.Groups) != 2 || strings.Join(s.By, " ") != "schedule" {
		t.Errorf("%v, %v", s, err)
	}
}

// The cells of a heat map are as light as the values are low.
func TestHeatMap(t *testing.T) {
	file := filepath.Join(t.TempDir(), "h.png")
	if err := HeatMap(sweepRuns(), [2]string{"step_size", "batch"}, "test_error", Options{}, file); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[[3]uint32]int{}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			r, g, b, _ := img.At(x, y).RGBA()
			seen[[3]uint32{r >> 8, g >> 8, b >> 8}]++
		}
	}
	for _, share := range []float64{0, 1.0 / 3, 2.0 / 3, 1} { // 0.2, 0.3, 0.4, 0.5
		c := interpolate(heat, share)
		if n := seen[[3]uint32{uint32(c.R), uint32(c.G), uint32(c.B)}]; n < 1000 {
			t.Errorf("%d pixels of the colour of %g", n, share)
		}
	}
	if err := HeatMap(sweepRuns(), [2]string{"step_size", "width"}, "", Options{}, file); err == nil {
		t.Error("a heat map over an option that there is not")
	}
}

func TestScatterPoints(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s.svg")
	if err := Scatter(sweepRuns(), "active_4", "test_error", Options{}, file); err != nil {
		t.Fatal(err)
	}
	if err := Scatter(sweepRuns(), "active_9", "test_error", Options{}, file); err == nil {
		t.Error("a column that there is not")
	}
	r := sweepRun(0.5, 1, 0, 0.25)
	p, ok := finalPoint(r, "active_4", "test_error", scaleOf("active_4", r.Config.Feature), scaleOf("test_error", r.Config.Feature))
	if !ok || math.Abs(p.x-64) > 1e-9 || p.y != 25 {
		t.Errorf("%v, %v", p, ok)
	}
	r.Status.State = record.Diverged
	if _, ok := finalPoint(r, "active_4", "test_error", scale{}, scale{}); ok {
		t.Error("a point of a run that diverged")
	}
}

// Runs of several seeds are thin lines with their median, each setting in a hue.
func TestCurvesOfSeeds(t *testing.T) {
	runs := []*record.Run{sweepRun(0.5, 32, 0, 0.1), sweepRun(0.5, 32, 1, 0.2), sweepRun(0.5, 32, 2, 0.6), sweepRun(0.05, 32, 0, 0.4)}
	f := figure{groups: inColours(bySeed(ordered(runs))), seeds: true}.withDefaults()
	curves := f.curves("test_error", Axis{})
	if len(curves) != 2 || len(curves[0].members) != 0 || len(curves[1].members) != 3 || curves[1].band != nil {
		t.Fatalf("%d curves", len(curves))
	}
	if last := curves[1].points[len(curves[1].points)-1]; last.y != 20 {
		t.Errorf("the median ends at %v", last)
	}
	if a, b := curves[0].color, curves[1].color; a != hues[0][1] || b != hues[1][1] {
		t.Errorf("colours %v and %v", a, b)
	}
	f.XRange, f.Smooth = Range{1, 2}, 3
	c := f.curves("test_error", Axis{})[1]
	if len(c.points) != 2 || len(c.members[0]) != 2 || c.points[0].x != 1 {
		t.Errorf("cropped: %v", c.points)
	}
}

func TestMeans(t *testing.T) {
	got := means([]point{{0, 1}, {1, 4}, {2, math.Inf(1)}, {3, 7}, {4, 10}}, 3)
	for i, want := range []float64{2.5, 2.5, math.Inf(1), 8.5, 8.5} {
		if got[i].y != want {
			t.Errorf("point %d is %g, want %g", i, got[i].y, want)
		}
	}
}

func TestSizeAndSeconds(t *testing.T) {
	f := figure{groups: bySchedule(paperRuns()...), Options: Options{Size: [2]float64{8, 5}}, across: 2}.withDefaults()
	if w, h := f.size(); math.Abs(w.Points()-8*72) > 0.01 || math.Abs(h.Points()-5*72) > 0.01 {
		t.Errorf("%g × %g points", w.Points(), h.Points())
	}
	f.Size = [2]float64{1, 1}
	if err := f.check(); err == nil || !strings.Contains(err.Error(), "leaves no room") {
		t.Error(err)
	}
	r := run(0.5, 0.3, 100)
	for i := range r.Rows {
		r.Rows[i].Seconds = 2 * r.Rows[i].Epoch
	}
	if end, _ := Seconds.Extent(r); math.Abs(end-200) > 1e-9 || Seconds.of(&r.Rows[5]) != 10 {
		t.Errorf("it ends at %g s", end)
	}
}

// A thousand runs of a hundred rows are listed and summed up at once.
func TestAThousandRuns(t *testing.T) {
	var runs []*record.Run
	for i := range 1000 {
		r := sweepRun(float64(1+i/10)/1000, 32, i%10, 0.5)
		runs = append(runs, r)
	}
	start := time.Now()
	var b bytes.Buffer
	if err := List(&b, runs); err != nil || strings.Count(b.String(), "\n") != 1001 || !strings.Contains(b.String(), "η = 0.05, seed 3") {
		t.Errorf("%v: %.300s", err, b.String())
	}
	if s, err := Summarize(runs, nil, nil); err != nil || len(s.Groups) != 100 {
		t.Error(err)
	}
	t.Log(time.Since(start))
}
