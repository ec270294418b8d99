// Package atomicfile replaces files whole: a reader, or a program that starts
// after a crash, sees either the old content or the new, never a part.
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// Temporary files are named .NAME.<16 hex digits>.tmp, beside the file that
// they are to become.
const suffix = ".tmp"

// WriteFile replaces the content of the named file by data.
func WriteFile(path string, data []byte) error {
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// Write replaces the content of the named file, or of the one that a symbolic
// link of this name leads to, by what write writes. The content goes to a
// temporary file in the same folder, is synced, and takes the name at once; then
// the folder is synced. If write or anything else fails, the old file is as it
// was and the temporary one is gone. What is no regular file, such as a pipe or a
// device, is written to and stays.
func Write(path string, write func(io.Writer) error) error {
	if _, name := filepath.Split(path); name == "" || name == "." || name == ".." {
		return fmt.Errorf("%s: not a file name", path)
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return writeThrough(path, write)
	}
	target, err := Resolve(path)
	if err != nil {
		return err
	}
	return replace(target, write)
}

// Resolve returns the path of what a symbolic link leads to, over several links
// if need be, whether or not there is anything. A path that is no link stays.
func Resolve(path string) (string, error) {
	for links := 0; ; links++ {
		path = trimSeparators(path)
		info, err := os.Lstat(path)
		if err != nil || info.Mode().Type() != fs.ModeSymlink {
			return filepath.Clean(path), nil // whoever uses it meets the error
		}
		if links == maxLinks {
			return "", fmt.Errorf("%s: a link that leads to itself", path)
		}
		if path, err = follow(path); err != nil {
			return "", err
		}
	}
}

// maxLinks is how many links Linux follows.
const maxLinks = 40

// follow returns where one link leads to. Of what is there, the folders on the way
// are resolved, so that .. means what it means to the system.
func follow(link string) (string, error) {
	target, err := os.Readlink(link)
	if err != nil {
		return "", err
	}
	if !filepath.IsAbs(target) {
		dir, _ := filepath.Split(link)
		target = dir + target
	}
	dir, name := filepath.Split(trimSeparators(target))
	if name == ".." {
		dir, name = target, ""
	}
	if dir == "" {
		return name, nil
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	return filepath.Join(dir, name), nil
}

// trimSeparators leaves out what a path ends in, but for the root's.
func trimSeparators(path string) string {
	for len(path) > 1 && os.IsPathSeparator(path[len(path)-1]) {
		path = path[:len(path)-1]
	}
	return path
}

func writeThrough(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := fill(f, write); err != nil {
		return Named(path, err)
	}
	return f.Close()
}

func replace(path string, write func(io.Writer) error) error {
	dir, name := filepath.Split(path)
	f, err := create(dir, name)
	if err != nil {
		return err
	}
	if err := commit(f, path, write); err != nil {
		return hideTemporary(f.Name(), path, err)
	}
	return SyncDir(dir)
}

// commit writes f and gives it its name.
func commit(f *os.File, path string, write func(io.Writer) error) error {
	renamed := false
	defer func() { // runs when write panics, too
		if !renamed {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err := fill(f, write); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	renamed = true
	return nil
}

// hideTemporary puts the name that the caller knows into an error of the
// temporary file, which is gone.
func hideTemporary(temporary, path string, err error) error {
	var file *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &file) && file.Path == temporary:
		return Named(path, file)
	case errors.As(err, &link) && link.Old == temporary:
		return fmt.Errorf("%s: %w", path, link.Err)
	}
	return err
}

// Named tells of an error of writing a file by another name of it, and of a full
// disk what to do.
func Named(path string, err error) error {
	var failed *fs.PathError
	if !errors.As(err, &failed) {
		return err
	}
	if errors.Is(failed.Err, syscall.ENOSPC) || errors.Is(failed.Err, syscall.EDQUOT) {
		return fmt.Errorf("%s: %w: make room on that disk", path, failed.Err)
	}
	return fmt.Errorf("%s: %w", path, failed.Err)
}

func fill(f *os.File, write func(io.Writer) error) error {
	w := bufio.NewWriterSize(f, 1<<16)
	if err := write(w); err != nil {
		return err
	}
	return w.Flush()
}

func create(dir, name string) (*os.File, error) {
	for try := 0; ; try++ {
		tmp := filepath.Join(dir, fmt.Sprintf(".%s.%016x%s", name, rand.Uint64(), suffix))
		// Not os.CreateTemp: its files are 0600, whatever the umask.
		f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !os.IsExist(err) || try == 100 {
			return f, inFolder(dir, name, err)
		}
	}
}

// inFolder tells of an error of making a file by the names that the caller knows,
// not by the temporary one.
func inFolder(dir, name string, err error) error {
	var failed *os.PathError
	if !errors.As(err, &failed) {
		return err
	}
	return fmt.Errorf("%s: folder %s: %w", filepath.Join(dir, name), filepath.Clean(dir), failed.Err)
}

// SyncDir makes the names in a folder durable ("" is the current folder).
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" { // a folder cannot be synced there
		return nil
	}
	if dir == "" {
		dir = "."
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	return err
}

// Clean removes the temporary files that writers killed before their rename
// left in a folder. No Write to that folder may be under way.
func Clean(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !IsTemporary(e.Name()) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

// IsTemporary tells whether a file's name is one that a writer killed before its
// rename leaves behind.
func IsTemporary(name string) bool {
	rest, ok := strings.CutSuffix(name, suffix)
	dot := strings.LastIndexByte(rest, '.')
	if !ok || dot < 2 || name[0] != '.' || len(rest)-dot-1 != 16 {
		return false
	}
	return strings.Trim(rest[dot+1:], "0123456789abcdef") == ""
}

// Same reports whether two paths lead to one file, so that writing one would replace
// the other.
func Same(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}
