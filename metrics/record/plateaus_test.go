package record

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestPlateausRoundTrip(t *testing.T) {
	dir := t.TempDir()
	if r, err := OpenRun(dir, Config{}); err != nil || r.Plateaus != nil {
		t.Errorf("none yet: %v, %v", r, err)
	}
	p := Plateau{Phase: "large", Start: 300, End: 5000, Level: 0.1 + 0.2, Change: map[string]float64{"rank": -3.5, "l0": math.NaN(), "l1": math.Inf(1)}}
	q := Plateau{Phase: "small", Index: 1, Start: 5200, End: 5201, Change: nil}
	check(t, WritePlateaus(dir, []Plateau{p, q}))
	if len(p.Change) != 3 {
		t.Error("writing changed the argument")
	}
	r, err := OpenRun(dir, Config{})
	check(t, err)
	p.Change, q.Change = map[string]float64{"rank": -3.5}, map[string]float64{}
	if want := []Plateau{p, q}; !reflect.DeepEqual(r.Plateaus, want) {
		t.Errorf("got  %v\nwant %v", r.Plateaus, want)
	}
	check(t, WritePlateaus(dir, nil))
	if got, err := readPlateaus(os.ReadFile, dir); err != nil || got == nil || len(got) != 0 {
		t.Errorf("no plateaus: %v, %v", got, err)
	}
}

func TestPlateausAreChecked(t *testing.T) {
	dir := t.TempDir()
	for content, want := range map[string]string{
		"{":                                  "plateaus.json: ",
		`{"plateaus": [{"start": "early"}]}`: "plateaus.json: ",
		`{"plateaus": [{"start": 0, "end": 9}, {"start": 7, "end": 7}]}`: "plateau 1: steps 7 to 7",
		`{"plateaus": [{"start": -1, "end": 7}]}`:                        "plateau 0: steps -1 to 7",
		`{"plateaus": [{"index": -1, "start": 0, "end": 7}]}`:            "of phase -1",
	} {
		check(t, os.WriteFile(filepath.Join(dir, PlateausFile), []byte(content), 0o666))
		_, err := readPlateaus(os.ReadFile, dir)
		wantError(t, err, want)
	}
	wantError(t, WritePlateaus(dir, []Plateau{{End: 1, Level: math.NaN()}}), "plateaus.json: ")
}

func FuzzPlateaus(f *testing.F) {
	f.Add([]byte(`{"plateaus": [{"phase": "large", "index": 0, "start": 3, "end": 9, "level": 0.5, "change_per_1000_steps": {"rank": -1}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		plateaus, err := parsePlateaus(b)
		for _, p := range plateaus {
			if err == nil && !(0 <= p.Start && p.Start < p.End) {
				t.Errorf("plateau %v", p)
			}
		}
	})
}
