//go:build unix

package atomicfile

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func symlink(t *testing.T, target, link string) {
	t.Helper()
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
}

func TestPipeIsWrittenTo(t *testing.T) {
	dir := t.TempDir()
	pipe, link := filepath.Join(dir, "pipe"), filepath.Join(t.TempDir(), "link")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	symlink(t, pipe, link)
	for _, path := range []string{pipe, link} {
		read := make(chan string)
		go func() {
			b, _ := os.ReadFile(pipe)
			read <- string(b)
		}()
		if err := WriteFile(path, []byte("through "+path)); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(pipe); err != nil || info.Mode().Type() != os.ModeNamedPipe {
			t.Fatalf("%s is no pipe any more: %v, %v", pipe, info, err)
		}
		if got := <-read; got != "through "+path {
			t.Errorf("%s: got %q", path, got)
		}
	}
	onlyFile(t, dir, "pipe")
}

func TestLinkStays(t *testing.T) {
	dir, folder := t.TempDir(), t.TempDir()
	file, link := filepath.Join(folder, "file"), filepath.Join(dir, "link")
	if err := os.WriteFile(file, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	symlink(t, file, link)
	if err := WriteFile(link, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("%s is no link any more: %v, %v", link, info, err)
	}
	if got := content(t, file); got != "new" {
		t.Errorf("got %q", got)
	}
	onlyFile(t, folder, "file")
}

// A link to a file that is not there yet, over links and folders, stays, and the
// file comes where the system would look for it.
func TestDanglingLinkStays(t *testing.T) {
	for name, c := range map[string]struct{ target, file string }{
		"relative":      {"far/file", "far/file"},
		"absolute":      {"/ROOT/far/file", "far/file"},
		"link to link":  {"other", "far/file"},
		"up, from link": {"shortcut/../file", "deep/file"}, // not beside shortcut
	} {
		t.Run(name, func(t *testing.T) {
			root, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			for _, dir := range []string{"far", "deep/er"} {
				if err := os.MkdirAll(filepath.Join(root, dir), 0o777); err != nil {
					t.Fatal(err)
				}
			}
			symlink(t, "far/file", filepath.Join(root, "other"))
			symlink(t, "deep/er", filepath.Join(root, "shortcut"))
			link := filepath.Join(root, "link")
			symlink(t, strings.Replace(c.target, "/ROOT", root, 1), link)
			if err := WriteFile(link, []byte("new")); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
				t.Errorf("%s is no link any more: %v, %v", link, info, err)
			}
			if got := content(t, link); got != "new" {
				t.Errorf("through the link: %q", got)
			}
			if got := content(t, filepath.Join(root, c.file)); got != "new" {
				t.Errorf("%s: %q", c.file, got)
			}
		})
	}
}

func TestLinkToItself(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	symlink(t, "link", link)
	if err := WriteFile(link, nil); err == nil || !strings.Contains(err.Error(), "leads to itself") {
		t.Errorf("error %v", err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link is gone: %v, %v", info, err)
	}
}

func TestResolve(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	if err := os.Mkdir("real", 0o777); err != nil {
		t.Fatal(err)
	}
	symlink(t, "real/", "link")
	symlink(t, "not/yet/", "dangling")
	for path, want := range map[string]string{
		"real": "real", "./real/": "real", "link": "real", "link/": "real", "none": "none",
		"dangling": "not/yet", root + "/link": root + "/real", root + "/dangling/": root + "/not/yet",
	} {
		if got, err := Resolve(path); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", path, got, err, want)
		}
	}
}
