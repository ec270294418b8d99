//go:build unix

package atomicfile

import (
	"os"
	"path/filepath"
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
