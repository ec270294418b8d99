package sweep

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"largestep/train/run"
	"largestep/train/settings"
)

func axis(name string, values ...string) (a settings.Axis) {
	for _, v := range values {
		a = append(a, settings.Point{{Name: name, Value: v}})
	}
	return a
}

func sweepOf(t *testing.T, seeds int, axes ...settings.Axis) *Sweep {
	t.Helper()
	s, err := New("svm", axes, seeds)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func names(s *Sweep) string {
	var list []string
	for _, r := range s.Runs() {
		list = append(list, r.Name)
	}
	return strings.Join(list, " ")
}

func TestRuns(t *testing.T) {
	s := sweepOf(t, 2, axis("step_size", "0.1", "0.2"), axis("epochs", "3"), axis("batch", "1", "2"))
	want := "step-size=0.1,batch=1,seed=0 step-size=0.1,batch=1,seed=1 step-size=0.1,batch=2,seed=0 step-size=0.1,batch=2,seed=1 " +
		"step-size=0.2,batch=1,seed=0 step-size=0.2,batch=1,seed=1 step-size=0.2,batch=2,seed=0 step-size=0.2,batch=2,seed=1"
	if got := names(s); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if r := s.Runs()[5]; r.Setting != "step-size=0.2,batch=1" || len(r.Settings) != 4 {
		t.Errorf("%+v", r)
	}
	// What a file system cannot take is told apart by a checksum.
	got := strings.Fields(names(sweepOf(t, 0, axis("phases", "1@0~cosine", "1@0:cosine", strings.Repeat("1@0,", 100)))))
	if len(got) != 3 || got[0] == got[1] || len(got[2]) > run.LongestName || strings.ContainsAny(strings.Join(got, ""), "~:") {
		t.Errorf("%v", got)
	}
}

func TestTooManyRuns(t *testing.T) {
	many := make([]string, 101)
	for i := range many {
		many[i] = strings.Repeat("1", i+1)
	}
	for _, s := range []struct {
		axes  []settings.Axis
		seeds int
		want  string
	}{
		{[]settings.Axis{axis("a", many...), axis("b", many...)}, 0, "more than 10000 runs"},
		{nil, 1 << 40, "more than 10000 runs"},
		{nil, -1, "want 1 or more"},
		{[]settings.Axis{axis("seed", "1", "2")}, 3, "leave one out"},
		{[]settings.Axis{axis("a", "1", "1")}, 0, "two runs are called"},
		{[]settings.Axis{{}}, 0, "without values"},
	} {
		if _, err := New("svm", s.axes, s.seeds); err == nil || !strings.Contains(err.Error(), s.want) {
			t.Errorf("%v, want %s", err, s.want)
		}
	}
}

func TestClaim(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	s := sweepOf(t, 2, axis("batch", "1", "2"), axis("epochs", "3"))
	for range 2 {
		if err := s.Claim(dir); err != nil {
			t.Fatal(err)
		}
	}
	larger := sweepOf(t, 3, axis("batch", "4", "1", "2"), axis("epochs", "3"))
	if err := larger.Claim(dir); err != nil {
		t.Error(err)
	}
	for _, other := range []*Sweep{
		s, sweepOf(t, 3, axis("batch", "4", "1", "2"), axis("epochs", "4")), sweepOf(t, 3, axis("batch", "4", "1", "2")),
		sweepOf(t, 3, axis("batch", "4", "1", "2"), axis("epochs", "3"), axis("momentum", "0.9")),
	} {
		if err := other.Claim(dir); !errors.Is(err, ErrAnother) {
			t.Errorf("%s: %v", names(other), err)
		}
	}
	read, err := Read(dir)
	if err != nil || names(read) != names(larger) {
		t.Errorf("%v, %v", read, err)
	}
	full := t.TempDir()
	if _, err := Read(full); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	os.WriteFile(filepath.Join(full, "x"), nil, 0o666)
	if err := s.Claim(full); err == nil || !strings.Contains(err.Error(), "holds no sweep") {
		t.Error(err)
	}
	os.WriteFile(filepath.Join(dir, File), []byte("{"), 0o666)
	if err := s.Claim(dir); err == nil || !strings.Contains(err.Error(), "is damaged") {
		t.Error(err)
	}
}
