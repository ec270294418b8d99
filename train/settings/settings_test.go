package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var known = []string{"batch", "decay_at", "epochs", "measures", "phases", "schedule", "seed", "step_size", "widths", "width", "augment", "init", "engine", "data"}

func read(t *testing.T, content string) (*File, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f.yaml")
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
	return Read(path, known)
}

func TestAxes(t *testing.T) {
	for content, want := range map[string]string{
		"net: resnet18\nbatch: 64":                                                             "[[[{batch 64}]]]",
		"step-size: [0.1, 1e-3]\nbatch: 32\n":                                                  "[[[{step_size 0.1}] [{step_size 1e-3}]] [[{batch 32}]]]",
		"{\n\t\"augment\": true,\n\t\"widths\": [20,\t30]}":                                    "[[[{augment true}]] [[{widths 20,30}]]]",
		"widths: [[20, 30], [5]]":                                                              "[[[{widths 20,30}] [{widths 5}]]]",
		"zip: {width: [8, 16], epochs: [2, 1]}\nbatch: 4":                                      "[[[{width 8} {epochs 2}] [{width 16} {epochs 1}]] [[{batch 4}]]]",
		"zip:\n- {width: [8, 16], epochs: [2, 1]}\n- {batch: [1, 2]}":                          "[[[{width 8} {epochs 2}] [{width 16} {epochs 1}]] [[{batch 1}] [{batch 2}]]]",
		"schedule:\n- cosine\n- {step_size: 0.5, decay_at: 0.3}":                               "[[[{schedule cosine}] [{step_size 0.5} {decay_at 0.3}]]]",
		"schedule: {phases: [{name: a, step_size: 2}, {name: b, start: 0.5, step_size: 0.1}]}": "[[[{phases a:2@0,b:0.1@0.5}]]]",
		"phases: [\"1@0,0.1@0.5\", 2edge@0]":                                                   "[[[{phases 1@0,0.1@0.5}] [{phases 2edge@0}]]]",
	} {
		f, err := read(t, content)
		if err != nil {
			t.Errorf("%q: %v", content, err)
		} else if got := fmt.Sprint(f.Axes); got != want {
			t.Errorf("%q: %s, want %s", content, got, want)
		}
	}
	f, err := read(t, "seeds: 3\nnet: svm\n")
	if err != nil || f.Seeds != 3 || f.Net != "svm" {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestMistakes(t *testing.T) {
	for content, want := range map[string]string{
		"":                                  "no settings",
		"bach: 3":                           `:1: unknown option "bach": did you mean batch?`,
		"qqqq: 3":                           `:1: unknown option "qqqq"`,
		"batch: 3\nwidth: 8\nbatch: 4":      ":3: batch is there twice, on line 1 too",
		`{"batch": 3, "batch": 4}`:          "batch is there twice",
		"batch: 3\nzip: {batch: [1, 2]}":    ":2: batch is there twice",
		"seed: 1\nseeds: 2":                 ":2: seed is there twice",
		"batch: []":                         ":1: batch: an empty list",
		"batch: [2, 3, 2]":                  ":1: batch: 2 is there twice",
		"batch:":                            ":1: want a number or a word",
		"batch: {a: 1}":                     ":1: want a number or a word",
		"- batch":                           ":1: want options and their values",
		"seeds: none":                       ":1: seeds none: want their number",
		"zip: {width: [8], epochs: [2, 1]}": ":1: zip: 2 values of epochs, 1 of width",
		"schedule: {step: 3}":               `unknown option "step": did you mean`,
		"schedule: {phases: [{name: a, step_size: -2}]}": "step size -2: want a positive number",
		"schedule: {phases: [{name: a, sise: 2}]}":       `unknown field "sise"`,
		"batch: 3\n---\nbatch: 4":                        "several documents",
		"a: &x [1]\nbatch: *x":                           `unknown option "a"`,
		"batch: *x":                                      "unknown anchor",
		"batch: [1":                                      "did not find expected",
		`{"format": 9, "net": "x"}`:                      "is of format 9",
		`{"format": 2, "nett": "x", "environment": {}}`:  "is damaged",
		strings.Repeat("# a line\n", 200_000):            "not a file of settings",
	} {
		_, err := read(t, content)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.50q: %v, want %s", content, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("batch: [1, 2]\nzip: {width: [8, 16], epochs: [2, 1]}\nschedule: [cosine, {phases: [{name: a, step_size: 2}]}]"))
	f.Add([]byte(`{"format": 2, "net": "x", "environment": {}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := parse("f", b, known)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f") || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q", err)
			}
			return
		}
		for _, a := range file.Axes {
			for _, p := range a {
				if len(p) == 0 {
					t.Error("a point without settings")
				}
			}
		}
	})
}
