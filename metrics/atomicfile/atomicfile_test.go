package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func onlyFile(t *testing.T, dir, name string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != name {
		t.Errorf("folder holds %v, want %s alone", entries, name)
	}
}

func TestWriteReplaces(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.json")
	for _, want := range []string{"first, and long", "second", ""} {
		if err := WriteFile(path, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if got := content(t, path); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	onlyFile(t, dir, "a.json")
}

func TestOldFileSurvivesErrors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := WriteFile(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("disk on fire")
	err := Write(path, func(w io.Writer) error {
		w.Write(make([]byte, 1<<20))
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	func() {
		defer func() { recover() }()
		Write(path, func(w io.Writer) error { panic("bug") })
	}()
	if got := content(t, path); got != "old" {
		t.Errorf("got %q, want the old content", got)
	}
	onlyFile(t, dir, "a")
}

func TestNothingWhereRenameFails(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(filepath.Join(dir, "a"), []byte("x")); err == nil {
		t.Error("a file took the place of a folder")
	}
	onlyFile(t, dir, "a")
}

func TestBadNames(t *testing.T) {
	for _, path := range []string{"", ".", t.TempDir() + "/", filepath.Join(t.TempDir(), "no", "such", "folder")} {
		if err := WriteFile(path, nil); err == nil {
			t.Errorf("%q: no error", path)
		}
	}
}

func TestCleanRemovesOnlyTemporaries(t *testing.T) {
	dir := t.TempDir()
	keep := []string{"a", ".tmp", ".a.tmp", "a.0123456789abcdef.tmp", ".a.0123456789abcdeX.tmp", ".a.123.tmp"}
	for _, name := range keep {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	// A file as a killed writer leaves it.
	f, err := create(dir, "a.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := Clean(dir); err != nil {
		t.Fatal(err)
	}
	entries, _ := os.ReadDir(dir)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if len(got) != len(keep) || strings.Contains(strings.Join(got, " "), "safetensors") {
		t.Errorf("left %q, want %q", got, keep)
	}
}
