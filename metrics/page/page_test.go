package page

import (
	"bytes"
	"encoding/json"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"largestep/metrics/record"
)

func read(t testing.TB, dirs ...string) *Snapshot {
	t.Helper()
	s, err := opener.Read(dirs)
	check(t, err)
	return s
}

func below(t testing.TB, dir string) (dirs []string) {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(dir, "*"))
	check(t, err)
	return dirs
}

func TestIndexTellsOfRunsAndHowToGroupThem(t *testing.T) {
	s := read(t, below(t, samples(t))...)
	x := s.Index()
	if len(x.Nets) != 1 || !strings.HasPrefix(x.Nets[0].Title, "ResNet-18 on ") {
		t.Fatalf("%+v", x.Nets)
	}
	n := x.Nets[0]
	if len(n.Runs) != 4 || n.Runs[0].ID != "eta0.5-seed0" || n.Runs[0].State != "finished" || n.Runs[0].Epoch != 27 || n.Runs[0].Epochs != 30 {
		t.Errorf("runs: %+v", n.Runs)
	}
	var names []string
	for _, g := range n.Groupings {
		names = append(names, g.Name)
	}
	if got := strings.Join(names, " "); got != "setting run" {
		t.Errorf("groupings %s: with one option that varies, grouping by it is that by settings", got)
	}
	if g := n.Groupings[0].Groups; len(g) != 2 || !slices.Equal(g[0].Runs, []int{0, 1}) || g[0].Light == g[1].Light || !strings.Contains(g[1].Label, "η = 1") {
		t.Errorf("settings: %+v", g)
	}
	r := n.Runs[0]
	if len(r.Phases) != 3 || !r.Phases[0].Large || r.Phases[1].Large || r.Phases[0].StepSize != 0.5 || !slices.Equal(r.Plateau, []int{30, 80}) || r.End[1] != 300 || r.PerStep[0] != 0.1 {
		t.Errorf("phases and plateau: %+v", r)
	}
	if len(r.Beside) != 1 || r.Beside[0].Values["test_error"] != 0.123 {
		t.Errorf("published: %+v", r.Beside)
	}
	if !slices.Contains(n.Varying, "seed") || !slices.Contains(n.Varying, "step_size") || n.Common["batch"] != "32" || n.Common["step_size"] != "" {
		t.Errorf("settings: %v vary, %v are common", n.Varying, n.Common)
	}
	var sections []string
	for _, q := range n.Quantities {
		if q.Column == "test_error" && (q.Factor != 100 || q.Label != "Test error (%)") {
			t.Errorf("%+v", q)
		}
		sections = append(sections, q.Section)
	}
	if got := slices.Compact(sections); !slices.Equal(got, []string{"Training", "Active features", "Measures", "Speed"}) {
		t.Errorf("sections %q", got)
	}
	if n.Quantities[0].Column != "train_loss" || !n.Quantities[0].Log {
		t.Errorf("first of all: %+v", n.Quantities[0])
	}
}

func TestGroupingByAnOption(t *testing.T) {
	dir := samples(t)
	for _, path := range below(t, dir) {
		b, err := os.ReadFile(filepath.Join(path, record.ConfigFile))
		check(t, err)
		other := path + "-batch16"
		check(t, os.CopyFS(other, os.DirFS(path)))
		check(t, os.WriteFile(filepath.Join(other, record.ConfigFile), bytes.Replace(b, []byte(`"batch": 32`), []byte(`"batch": 16`), 1), 0o666))
	}
	n := read(t, below(t, dir)...).Index().Nets[0]
	for _, g := range n.Groupings {
		var labels []string
		for _, group := range g.Groups {
			labels = append(labels, group.Label)
		}
		want := map[string]string{"batch": "batch 16|batch 32", "step_size": "step size 0.5|step size 1"}[g.Name]
		if got := strings.Join(labels, "|"); want != "" && got != want {
			t.Errorf("%s: %s, want %s", g.Name, got, want)
		}
	}
	if len(n.Groupings) != 4 || n.Groupings[1].Name != "step_size" || len(n.Groupings[0].Groups) != 4 {
		t.Errorf("groupings: %+v", n.Groupings)
	}
}

func TestColumnsAndTables(t *testing.T) {
	dir := samples(t)
	sample{stepSize: 2, state: record.Diverged}.write(t, filepath.Join(dir, "lost"))
	s := read(t, below(t, dir)...)
	c, ok := s.Column("resnet18", "train_loss", 0)
	if !ok || len(c.Runs) != 5 || c.Runs["eta0.5-seed1"][9] != math.Exp(-4.5)+1 {
		t.Errorf("column: %v, %+v", ok, c)
	}
	b, err := json.Marshal(c)
	check(t, err)
	if !bytes.Contains(b, []byte(`,null]`)) {
		t.Errorf("a loss that is not finite: %s", b)
	}
	if c, _ := s.Column("resnet18", "train_loss", 1); len(c.Runs) != 0 {
		t.Errorf("after the last change: %+v", c)
	}
	if _, ok := s.Column("vgg16", "train_loss", 0); ok {
		t.Error("a column of a net without runs")
	}
	table, ok := s.Table("resnet18", "setting")
	if !ok || len(table.Rows) != 4 || len(table.Beside) != 1 || table.Rows[0][table.Beside[0]] != "paper" || !slices.Equal(table.Notes, []string{"read from a figure"}) {
		t.Fatalf("table: %v, %+v", ok, table)
	}
	if got := table.Rows[1][table.Beside[0]]; got != "12.3" {
		t.Errorf("the paper's %s, want 12.3", got)
	}
	if got := table.Rows[2][table.Beside[0]]; got != "–" {
		t.Errorf("beside a setting of which there is none: %s", got)
	}
	if _, ok := s.Table("resnet18", "colour"); ok {
		t.Error("a table by what there is not")
	}
	d, ok := s.Detail("lost")
	if !ok || d.Config["format"] == nil || d.Config["environment"].(map[string]any)["train_sha256"] != "abc" {
		t.Errorf("detail: %v, %+v", ok, d)
	}
}

func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{1.0 / 3: "0.3333333", 1e-30: "1e-30", 12345678: "12345678", -0.5: "-0.5", math.Inf(1): "null", math.NaN(): "null", 1e300: "1e+300", 0: "0"} {
		if got := string(appendNumber(nil, v)); got != want {
			t.Errorf("%g: %s, want %s", v, got, want)
		}
	}
}

// Whatever runs are called, they are text: nothing of them ends the element that holds the
// data, and the data come back.
func TestReportHoldsHostileNames(t *testing.T) {
	parent := t.TempDir()
	names := []string{"<script>alert(1)<", "<!--<script>", "\" onload=alert(1) x=\"", "'; alert(1); '", "\u2028{{.}}&amp;"}
	for i, name := range names {
		sample{stepSize: float64(i + 1)}.write(t, filepath.Join(parent, name))
	}
	var dirs []string
	for _, name := range names {
		dirs = append(dirs, filepath.Join(parent, name))
	}
	s := read(t, dirs...)
	s.Title = "</title></script><script>alert(2)</script>"
	var b bytes.Buffer
	check(t, s.WriteReport(&b))
	page := b.String()
	if n := strings.Count(page, "</script"); n != 2 {
		t.Errorf("%d ends of scripts, want those of the data and of the program", n)
	}
	if n := strings.Count(page, "<script"); n != 2 {
		t.Errorf("%d beginnings of scripts, want 2", n)
	}
	_, rest, _ := strings.Cut(page, `id="data">`)
	text, _, _ := strings.Cut(rest, "</script>")
	var data report
	check(t, json.Unmarshal([]byte(text), &data))
	for i, r := range data.Index.Nets[0].Runs {
		if r.ID != names[i] {
			t.Errorf("%q came back as %q", names[i], r.ID)
		}
		if d := data.Details[r.ID]; d.Config["environment"].(map[string]any)["command"] != "largestep train resnet18 </script>" {
			t.Errorf("its command: %+v", d)
		}
	}
}

func TestReportNeedsNothingElse(t *testing.T) {
	var b bytes.Buffer
	check(t, read(t, below(t, samples(t))...).WriteReport(&b))
	page := b.String()
	for _, bad := range []string{"src=\"page.js\"", "rel=\"stylesheet\"", "@import", "url("} {
		if strings.Contains(page, bad) {
			t.Errorf("the report loads something: %s", bad)
		}
	}
	script := page[strings.LastIndex(page, "<script>")+len("<script>") : strings.LastIndex(page, "</script>")]
	style := page[strings.Index(page, "<style>")+len("<style>") : strings.Index(page, "</style>")]
	policy := strings.NewReplacer("&#39;", "'", "&#43;", "+").Replace(page)
	for _, want := range []string{"default-src 'none'", hash(script), hash(style)} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy lacks %s", want)
		}
	}
	if b.Len() > 1<<20 {
		t.Errorf("%d bytes", b.Len())
	}
}

func TestShortestIDs(t *testing.T) {
	for _, c := range [][2]string{{"a", "a"}, {"x/y/a x/y/b", "a b"}, {"x/a y/a", "x/a y/a"}, {"x x/a", "x x/a"}, {"../r/a ../r/b", "a b"}} {
		if got := strings.Join(shortest(strings.Fields(c[0])), " "); got != c[1] {
			t.Errorf("%s: %s, want %s", c[0], got, c[1])
		}
	}
}

// Colours of a dark page are told from it, and from one another in the order they have on a
// white one.
func TestColoursOnDark(t *testing.T) {
	light := func(c color.RGBA) float64 {
		part := func(v uint8) float64 {
			x := float64(v) / 255
			if x <= 0.04045 {
				return x / 12.92
			}
			return math.Pow((x+0.055)/1.055, 2.4)
		}
		return 0.2126*part(c.R) + 0.7152*part(c.G) + 0.0722*part(c.B)
	}
	paper := light(color.RGBA{0x17, 0x1b, 0x21, 0xff})
	for _, c := range []color.RGBA{{0x4a, 0x94, 0xcf, 0xff}, {0x06, 0x20, 0x4a, 0xff}, {0xd5, 0x5e, 0, 0xff}, {0x5a, 0x24, 0, 0xff}, {0, 0x33, 0x26, 0xff}, {0x47, 0x20, 0x3a, 0xff}, {0, 0, 0, 0xff}} {
		if ratio := (light(onDark(c)) + 0.05) / (paper + 0.05); ratio < 3 {
			t.Errorf("%s becomes %s: a contrast of %.2f", hex(c), hex(onDark(c)), ratio)
		}
	}
	if a, b := onDark(color.RGBA{0x4a, 0x94, 0xcf, 0xff}), onDark(color.RGBA{0x06, 0x20, 0x4a, 0xff}); light(a) >= light(b) {
		t.Errorf("%s and %s: what is darkest on white is lightest on black", hex(a), hex(b))
	}
}

// Whatever a run's files hold, a page is made of it or it is refused.
func FuzzReport(f *testing.F) {
	dir := f.TempDir()
	sample{stepSize: 0.5, plateau: true}.write(f, filepath.Join(dir, "run"))
	sample{stepSize: 0.5, seed: 1, state: record.Diverged}.write(f, filepath.Join(dir, "other"))
	files := []string{record.ConfigFile, record.TableFile, record.StatusFile, record.PlateausFile}
	var seed [][]byte
	for _, name := range files {
		b, err := os.ReadFile(filepath.Join(dir, "run", name))
		check(f, err)
		seed = append(seed, b)
	}
	f.Add(seed[0], seed[1], seed[2], seed[3])
	f.Add(bytes.Replace(seed[0], []byte("resnet18"), []byte("another"), 1), seed[1], []byte(`{"state":"running"}`), []byte("{}"))
	f.Add(bytes.Replace(seed[0], []byte(`"epochs": 30`), []byte(`"epochs": 1, "steps": 7`), 1), []byte(""), []byte(`{"state":"failed"}`), []byte("{}"))
	other, err := opener.entry(os.ReadFile, filepath.Join(dir, "other"), "other")
	check(f, err)
	f.Fuzz(func(t *testing.T, config, table, status, plateaus []byte) {
		given := [][]byte{config, table, status, plateaus}
		e, err := opener.entry(func(path string) ([]byte, error) {
			if i := slices.Index(files, filepath.Base(path)); i >= 0 {
				return given[i], nil
			}
			return nil, os.ErrNotExist
		}, "run", "run")
		if err != nil {
			return
		}
		s := &Snapshot{Entries: []Entry{e, other}}
		var b bytes.Buffer
		if err := s.WriteReport(&b); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(b.String(), "</script"); n != 2 {
			t.Fatalf("%d ends of scripts", n)
		}
	})
}
