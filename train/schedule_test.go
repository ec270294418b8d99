package train

import (
	"math"
	"strings"
	"testing"
)

func TestDecaySchedule(t *testing.T) {
	phases, err := Decay(1.5, 0.3)
	if err != nil {
		t.Fatal(err)
	}
	s := Schedule{Phases: phases}
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
}

// The paper's runs without explicit regularisation: 0.75·1.05^(100 t/T).
func TestWarmup(t *testing.T) {
	phases, err := Decay(0.75, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	s := Schedule{Phases: phases, WarmupExp: 1.05}
	if got, want := s.StepSize(400, 1000), 0.75*math.Pow(1.05, 40); !(math.Abs(got-want) <= 1e-12) {
		t.Errorf("step size %g in the warm-up, want %g", got, want)
	}
	if got := s.StepSize(500, 1000); !(math.Abs(got-0.075) <= 1e-15) {
		t.Errorf("step size %g after the decay, want 0.075", got)
	}
}

func TestParsePhases(t *testing.T) {
	phases, relative, err := ParsePhases("warm:0.1@0, 1.5@0.1,0.15@0.5")
	if err != nil {
		t.Fatal(err)
	}
	want := []Phase{{Name: "warm", StepSize: 0.1}, {Name: "large", Start: 0.1, StepSize: 1.5}, {Name: "small", Start: 0.5, StepSize: 0.15}}
	for i, p := range phases {
		if p != want[i] {
			t.Errorf("phase %d is %+v, want %+v", i, p, want[i])
		}
	}
	if relative {
		t.Error("numbers are taken for multiples of the edge")
	}
	phases, relative, err = ParsePhases("large edge:0.985edge@0,0.3edge@0.5")
	if err != nil || !relative || len(phases) != 2 || phases[0] != (Phase{Name: "large edge", StepSize: 0.985}) || phases[1].StepSize != 0.3 {
		t.Errorf("multiples of the edge: %+v, %v, %v", phases, relative, err)
	}
}

func TestBadSchedules(t *testing.T) {
	for _, s := range []string{"", "1.5", "1.5@0.1", "x@0", "1@0,2@0", "1@0,2@0.5,3@0.4", "0@0", "-1@0", "1@0,1@1", "NaN@0", "Inf@0", "1@0,1@NaN", ":1@0", "edge@0", "1edge@0,2@0.5", "1@0,2edge@0.5", "0edge@0", "1Edge@0"} {
		if _, _, err := ParsePhases(s); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("phases %q: error %v, want one line", s, err)
		}
	}
	for _, f := range []float64{0, -0.1, 0.9, 1, 1.5, math.NaN()} {
		if _, err := Decay(1, f); err == nil {
			t.Errorf("decay at %g is accepted", f)
		}
	}
}
