package figure

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestFinalsBeside puts a reference's values under each run's, in their columns.
func TestFinalsBeside(t *testing.T) {
	ref := Reference{Label: "paper", Note: "paper: at another scale.", Finals: []map[string]float64{
		{"train_loss": 0.0313, "test_error": 0.1429, "active_4": 0.655}, {"test_error": 0.1013}, {}, {"active_2": 0.5},
	}}
	var b strings.Builder
	check(t, Finals(&b, paperGroups(), []string{"active_4", "active_5"}, ref))
	lines := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
	if len(lines) != 11 || lines[10] != ref.Note {
		t.Fatalf("%d lines:\n%s", len(lines), b.String())
	}
	for i, want := range [][]string{
		{"paper", "0.0313", "14.29 %", "0.655", "–"}, {"paper", "–", "10.13 %", "–", "–"},
		{"paper", "–", "–", "–", "–"}, {"paper", "–", "–", "–", "–"},
	} {
		line := lines[2+2*i]
		if got := strings.Fields(strings.ReplaceAll(line, " %", "%")); strings.Join(got, " ") != strings.ReplaceAll(strings.Join(want, " "), " %", "%") {
			t.Errorf("line %q, want %v", line, want)
		}
	}
	column := strings.Index(lines[0], "test error")
	if got := string([]rune(lines[2])[column:]); !strings.HasPrefix(got, "14.29 %") {
		t.Errorf("line %q: the test error is not in its column", lines[2])
	}
}

// TestSchedulesColumns draws six panels of runs of which one lacks a column, as
// one recorded on an engine without it does.
func TestSchedulesColumns(t *testing.T) {
	runs := paperRuns()
	runs[3].Net = []string{"active_1", "active_2", "active_3", "active_4", "other"}
	path := filepath.Join(t.TempDir(), "f.png")
	check(t, Schedules(bySchedule(runs...), append([]string{"train_loss"}, runs[0].Net...), "with momentum", path))
	img := readPNG(t, path)
	for i, c := range blues {
		if n := countColor(img, c); n < 500 {
			t.Errorf("%d pixels of curve %d's colour", n, i)
		}
	}
	if err := Schedules(bySchedule(runs...), []string{"sparsity_1"}, "", path); err == nil || !strings.Contains(err.Error(), "sparsity_1") {
		t.Errorf("a column that no run has: %v", err)
	}
	if err := Schedules(nil, nil, "", path); err == nil {
		t.Error("no runs: no error")
	}
}
