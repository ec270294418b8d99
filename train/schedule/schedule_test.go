package schedule

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestDecay(t *testing.T) {
	s, err := Decay(1.5, 0.3)
	if err != nil {
		t.Fatal(err)
	}
	const total = 1000
	for _, c := range []struct {
		step  int
		eta   float64
		phase string
	}{{0, 1.5, "large"}, {299, 1.5, "large"}, {300, .15, "small"}, {899, .15, "small"}, {900, .015, "final"}, {999, .015, "final"}} {
		if eta := s.StepSize(c.step, total); !(math.Abs(eta-c.eta) <= 1e-15) {
			t.Errorf("step %d: step size %g, want %g", c.step, eta, c.eta)
		}
		if name := s.Phases[s.Phase(c.step, total)].Name; name != c.phase {
			t.Errorf("step %d: phase %s, want %s", c.step, name, c.phase)
		}
	}
	for _, f := range []float64{0, -0.1, 0.9, 1, 1.5, math.NaN()} {
		if _, err := Decay(1, f); err == nil {
			t.Errorf("decay at %g is accepted", f)
		}
	}
}

// Step sizes by formulas written down again, η = 0.75, of 1000 steps.
func TestRules(t *testing.T) {
	for _, c := range []struct {
		phases string
		step   int
		want   float64
	}{
		{"large:0.75@0~exp:1.05,0.075@0.5", 400, 0.75 * math.Pow(1.05, 40)}, // the paper's, without explicit regularisation
		{"large:0.75@0~exp:1.05,0.075@0.5", 500, 0.075},
		{"0.75@0~power:5:0.5", 250, 0.75 * 3.5},
		{"0.75@0~power:199:1", 500, 0.75 * 100.5},
		{"warm-up:0.75@0~linear,0.75@0.1", 0, 0.0075},
		{"warm-up:0.75@0~linear,0.75@0.1", 49, 0.375},
		{"warm-up:0.75@0~linear,0.75@0.1", 99, 0.75},
		{"warm-up:0.75@0~linear,0.75@0.1", 100, 0.75},
		{"0.75@0~cosine", 0, 0.75},
		{"0.75@0~cosine", 250, 0.75 * (1 + math.Sqrt2/2) / 2},
		{"warm-up:0.75@0~linear,0.75@0.5~cosine", 750, 0.375},
		{"0.75@0~inverse:10", 0, 0.75},
		{"0.75@0~inverse:10", 30, 0.75 / 4},
		{"1@0,0.75@0.5~inverse:10", 510, 0.375},
		{"0.75@0~inverse-sqrt:10", 30, 0.375},
	} {
		s, err := Parse(c.phases)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.StepSize(c.step, 1000); !(math.Abs(got-c.want) <= 1e-12*c.want) {
			t.Errorf("%s: step size %g at step %d, want %g", c.phases, got, c.step, c.want)
		}
	}
}

func TestParse(t *testing.T) {
	s, err := Parse("warm:0.1@0, 1.5@0.1,0.15@0.5")
	if err != nil {
		t.Fatal(err)
	}
	want := Schedule{Phases: []Phase{{Name: "warm", StepSize: 0.1}, {Name: "large", Start: 0.1, StepSize: 1.5}, {Name: "small", Start: 0.5, StepSize: 0.15}}}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("%+v, want %+v", s, want)
	}
	s, err = Parse("large edge:0.985edge@0,0.3edge@0.5")
	if err != nil || !s.OfEdge || s.Phases[0].Name != "large edge" || s.Phases[1].StepSize != 0.3 {
		t.Errorf("multiples of the edge: %+v, %v", s, err)
	}
	if s = s.Times(2); s.OfEdge || s.First() != 1.97 || s.Phases[1].StepSize != 0.6 {
		t.Errorf("twice that: %+v", s)
	}
}

func TestBadSchedules(t *testing.T) {
	for _, s := range []string{
		"", "1.5", "1.5@0.1", "x@0", "1@0,2@0", "1@0,2@0.5,3@0.4", "0@0", "-1@0", "1@0,1@1", "NaN@0", "Inf@0", "1@0,1@NaN", ":1@0",
		"edge@0", "1edge@0,2@0.5", "1@0,2edge@0.5", "0edge@0", "1Edge@0",
		"1@0~", "1@0~sine", "1@0~exp", "1@0~exp:3", "1@0~exp:x", "1@0~linear:1", "1@0~power:1", "1@0~power:-1:1", "1@0~power:1:0",
		"1@0~inverse:0", "1@0~inverse:-1", "1@0~inverse-sqrt:NaN", "1@0~inverse:Inf",
	} {
		if _, err := Parse(s); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("schedule %q: error %v, want one line", s, err)
		}
	}
}

func TestWarmUp(t *testing.T) {
	s, _ := Decay(0.5, 0.3)
	warm, err := s.WarmUp(0.1)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := warm.String(), "warm-up:0.5@0~linear,large:0.5@0.1,small:0.05@0.3,final:0.005@0.9"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if s.Phases[0].Start != 0 {
		t.Error("the schedule itself has changed")
	}
	for _, f := range []float64{0, 0.3, 1, -1, math.NaN()} {
		if _, err := s.WarmUp(f); err == nil {
			t.Errorf("a warm-up over %g is accepted", f)
		}
	}
}

func TestLabels(t *testing.T) {
	decay, _ := Decay(0.7, 0.3)
	for _, c := range []struct {
		s    Schedule
		want string
	}{
		{Constant(0.02), "η = 0.02"},
		{decay, "η = 0.7, decay at 30 %"},
		{decay.With(Exponential(1.05)), "η = 0.7, decay at 30 %"},
		{parsed(t, "1@0,0.15@0.5"), "η = 1, 0.15 from 50 %"},
		{parsed(t, "1@0,0.5@0.2,0.25@0.4,0.1@0.6,0.05@0.8"), "η = 1, 0.5 from 20 %, …, 0.05 from 80 %"},
		{parsed(t, "1@0~inverse:100"), "η = 1 inverse:100"},
		{parsed(t, "0.9edge@0"), "η = 0.9 edge"},
		{Constant(0.07 - 1e-17), "η = 0.07"},
	} {
		if got := c.s.Label(); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

func parsed(t *testing.T, text string) Schedule {
	s, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What Parse takes comes back exactly from the text and from JSON.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"1.5@0,0.15@0.5,0.015@0.9", "a:0.985edge@0~power:5:0.5,b:1edge@0.1~linear", "1@0~inverse:1e300"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(s.Exact())
		if err != nil || !reflect.DeepEqual(again, s) {
			t.Errorf("%q: %+v came back as %+v, %v", text, s, again, err)
		}
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var from Schedule
		if err := json.Unmarshal(b, &from); err != nil || isUTF8(text) && !reflect.DeepEqual(from, s) {
			t.Errorf("%q: %s came back as %+v, %v", text, b, from, err)
		}
		for _, total := range []int{1, 7, 1000} {
			for step := range total {
				if eta := s.StepSize(step, total); !(eta >= 0) {
					t.Fatalf("%q: step size %g at step %d of %d", text, eta, step, total)
				}
			}
		}
	})
}

func isUTF8(s string) bool { return strings.ToValidUTF8(s, "") == s }
