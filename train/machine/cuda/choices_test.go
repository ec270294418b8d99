package cuda

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain keeps the choices of tests, which try few plans, from other programs.
func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "plans")
	if err != nil {
		panic(err)
	}
	os.Setenv(choicesVariable, filepath.Join(folder, "plans.tsv"))
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

// reread are the choices of a file as a new process sees them.
func reread(path string) *choices {
	read.Delete(path)
	return choicesIn(path)
}

func TestChoicesAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new folder", "plans.tsv")
	a, b := use{"H200", "9.19.0", BF16, "forward x 1x2"}, use{"H200", "9.19.0", TF32, "forward x 1x2"}
	c := reread(path)
	if got := c.find(a); got.engine != -1 {
		t.Errorf("an unknown use has %v", got)
	}
	c.keep(a, config{1, "4=7 5=8"})
	c.keep(b, config{2, ""})
	c.keep(a, config{3, "4=9"})
	c.keep(a, config{3, "4=9"}) // nothing new
	for name, c := range map[string]*choices{"this process": choicesIn(path), "another": reread(path)} {
		if got := c.find(a); got != (config{3, "4=9"}) {
			t.Errorf("%s has %v, want the last choice", name, got)
		}
		if got := c.find(b); got != (config{2, ""}) {
			t.Errorf("%s has %v for another precision", name, got)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Count(string(text), "\n") != 3 {
		t.Errorf("%v, and the file has not a line for each choice:\n%s", err, text)
	}
}

// What is no choice in the file is left alone, and a line that was cut off too.
func TestDamagedChoices(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plans.tsv")
	text := "H200\t9.19.0\tbf16\tforward\tone\t\n\nH200\t9.19.0\n" + "H200\t9.19.0\tbf16\tbackward data\t5\t1=2\n" + "H200\t9.19.0\tbf16\tforward\t1\t4=1"
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	c := reread(path)
	if len(c.of) != 1 || c.find(use{"H200", "9.19.0", BF16, "backward data"}) != (config{5, "1=2"}) {
		t.Errorf("choices %v", c.of)
	}
}

// A place that cannot be written to keeps choices for this process.
func TestChoicesWithoutAFile(t *testing.T) {
	for _, path := range []string{"", "/dev/null/plans.tsv"} {
		c := reread(path)
		c.keep(use{kernel: "forward"}, config{1, ""})
		if got := choicesIn(path).find(use{kernel: "forward"}); got.engine != 1 {
			t.Errorf("%q: %v", path, got)
		}
	}
}

func TestPlaceOfChoices(t *testing.T) {
	t.Setenv(choicesVariable, "/somewhere/plans.tsv")
	if got := choicesPath(); got != "/somewhere/plans.tsv" {
		t.Errorf("choices at %q", got)
	}
	t.Setenv(choicesVariable, "")
	t.Setenv("XDG_CACHE_HOME", "/caches")
	t.Setenv("HOME", "/home/nobody")
	if got := choicesPath(); !strings.HasSuffix(got, filepath.Join("largestep", "cuda-plans.tsv")) || !filepath.IsAbs(got) {
		t.Errorf("choices at %q by default", got)
	}
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	if got := choicesPath(); got != "" {
		t.Errorf("choices at %q where there is no place", got)
	}
}
