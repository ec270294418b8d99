package figure

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"largestep/metrics/record"
)

// TestFinalsBeside puts a reference's values under each run's, in their columns.
func TestFinalsBeside(t *testing.T) {
	ref := record.Reference{Label: "paper", Note: "paper: at another scale.", Finals: []map[string]float64{
		{"train_loss": 0.0313, "test_error": 0.1429, "active_4": 0.655}, {"test_error": 0.1013}, {}, {"active_2": 0.5},
	}}
	var b strings.Builder
	check(t, Finals(&b, paperGroups(), []string{"active_4", "active_5"}, ref))
	lines := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
	if len(lines) != 21 || lines[20] != ref.Note {
		t.Fatalf("%d lines:\n%s", len(lines), b.String())
	}
	for i, want := range [][]string{
		{"paper", "0.0313", "14.29"}, {"paper", "–", "10.13"}, {"paper", "–", "–"}, {"paper", "–", "–"}, nil,
		{"paper", "65.5", "–"}, {"paper", "–", "–"}, {"paper", "–", "–"}, {"paper", "–", "–"},
	} {
		line := lines[2+2*i]
		if got := strings.Fields(line); want != nil && !slices.Equal(got, want) {
			t.Errorf("line %q, want %v", line, want)
		}
	}
	column := strings.Index(lines[0], "test error")
	if got := string([]rune(lines[2])[column:]); got != "14.29" {
		t.Errorf("line %q: the test error is not in its column", lines[2])
	}
}

// TestSchedulesColumns draws six panels of runs of which one lacks a column, as
// one recorded on an engine without it does.
func TestSchedulesColumns(t *testing.T) {
	runs := paperRuns()
	runs[3].Own = []string{"active_1", "active_2", "active_3", "active_4", "other"}
	path := filepath.Join(t.TempDir(), "f.png")
	check(t, Groups(bySchedule(runs...), Options{Columns: append([]string{"train_loss"}, runs[0].Own...), Setting: "with momentum"}, path))
	img := readPNG(t, path)
	for i, c := range blues {
		if n := countColor(img, c); n < 500 {
			t.Errorf("%d pixels of curve %d's colour", n, i)
		}
	}
	if err := Groups(bySchedule(runs...), Options{Columns: []string{"sparsity_1"}}, path); err == nil || !strings.Contains(err.Error(), "sparsity_1") {
		t.Errorf("a column that no run has: %v", err)
	}
	if err := Groups(nil, Options{}, path); err == nil {
		t.Error("no runs: no error")
	}
}

// TestFinalsOfSeeds takes medians over the finished runs of each schedule.
func TestFinalsOfSeeds(t *testing.T) {
	var seeds [][]*record.Run
	for range 2 {
		var list []*record.Run
		for _, loss := range []float64{0.1, 0.4, 0.2} {
			r := run(1.5, 0.3, 10)
			r.Rows[len(r.Rows)-1].TrainLoss = loss
			list = append(list, r)
		}
		seeds = append(seeds, list)
	}
	seeds[0][1].Config = run(1.5, 0.3, 10).Config
	seeds[1][1].Status.State = record.Diverged
	for _, r := range seeds[1] {
		r.Config = run(1.5, 0.5, 10).Config
	}
	groups, err := Labelled([]Group{{Runs: seeds[0]}, {Runs: seeds[1]}})
	check(t, err)
	var b strings.Builder
	check(t, Finals(&b, groups, []string{}, record.Reference{}))
	lines := strings.Split(b.String(), "\n")
	for i, want := range [][]string{
		{"η = 1.5, decay at 30 %", "3 of 3 finished", "0.2 (0.15–0.3)"}, {"η = 1.5, decay at 50 %", "2 of 3 finished", "0.15 (0.125–0.175)"},
	} {
		for _, w := range want {
			if !strings.Contains(lines[1+i], w) {
				t.Errorf("line %q lacks %q", lines[1+i], w)
			}
		}
	}
	if _, err := Labelled([]Group{{}}); err == nil {
		t.Error("a schedule without runs: no error")
	}
}

// TestPlateauTable has medians over the runs that have a plateau under the large
// step size, and nothing where there is none.
func TestPlateauTable(t *testing.T) {
	list := []*record.Run{run(1.5, 0.5, 10), run(1.5, 0.5, 10), run(1.5, 0.5, 10)}
	for i, r := range list[:2] {
		r.Plateaus = []record.Plateau{
			{Index: 0, Start: 100 + 100*i, End: 900, Level: 0.25, Change: map[string]float64{"active_4": -0.05 - 0.01*float64(i)}},
			{Index: 1, Start: 1000, End: 1100, Level: 9},
		}
	}
	list[2].Plateaus = []record.Plateau{}
	var b strings.Builder
	check(t, Plateaus(&b, []Group{{Label: "large", Runs: list}, {Label: "constant", Runs: []*record.Run{run(0.1, 0, 10)}}}, []string{"train_loss", "active_4"}))
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 7 || strings.Join(strings.Fields(lines[3]), " ") != "large 2 of 3 150 900 0.25" || strings.Join(strings.Fields(lines[6]), " ") != "large -5.5" {
		t.Errorf("table:\n%s", b.String())
	}
	b.Reset()
	check(t, Plateaus(&b, []Group{{Label: "constant", Runs: list[2:]}}, nil))
	if b.String() != "" {
		t.Errorf("no plateau: %q", b.String())
	}
}
