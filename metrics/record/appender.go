package record

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"largestep/metrics/atomicfile"
)

// An appender is a file that only grows. Its first error stays: later calls
// return it again, so that no row is written after a lost one.
type appender struct {
	f    *os.File
	w    *bufio.Writer
	size int64 // bytes given to w
	err  error
}

// create makes a file that must not exist yet.
func create(path string) (*appender, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	if err := atomicfile.SyncDir(filepath.Dir(path)); err != nil {
		f.Close()
		return nil, err
	}
	return &appender{f: f, w: bufio.NewWriter(f)}, nil
}

// resume opens a file to go on after its first size bytes, which check must
// approve before the rest is cut off. A size of 0 starts over; the file need
// not exist then.
func resume(path string, size int64, check func(*io.SectionReader) error) (*appender, error) {
	flag := os.O_RDWR
	if size == 0 {
		flag |= os.O_CREATE
	}
	f, err := os.OpenFile(path, flag, 0o666)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w, but the checkpoint was taken at %d bytes of it: put it back, or begin another run with the checkpoint's parameters (--init)", err, size)
	} else if err != nil {
		return nil, err
	}
	if err := cut(f, size, check); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := atomicfile.SyncDir(filepath.Dir(path)); err != nil {
		f.Close()
		return nil, err
	}
	return &appender{f: f, w: bufio.NewWriter(f), size: size}, nil
}

func cut(f *os.File, size int64, check func(*io.SectionReader) error) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if size < 0 || info.Size() < size {
		return fmt.Errorf("%d bytes, but the checkpoint was taken at %d: the file was changed since", info.Size(), size)
	}
	if size > 0 {
		if err := check(io.NewSectionReader(f, 0, size)); err != nil {
			return err
		}
	}
	if err := f.Truncate(size); err != nil {
		return err
	}
	_, err = f.Seek(size, io.SeekStart)
	return err
}

func (a *appender) write(b []byte) error {
	if a.err == nil {
		_, err := a.w.Write(b)
		a.err = atomicfile.Named(a.f.Name(), err)
		a.size += int64(len(b))
	}
	return a.err
}

func (a *appender) flush() error {
	if a.err == nil {
		a.err = atomicfile.Named(a.f.Name(), a.w.Flush())
	}
	return a.err
}

// Sync makes all that was appended durable and returns the file's size in
// bytes, for a checkpoint to note.
func (a *appender) Sync() (size int64, err error) {
	if a.flush() == nil {
		a.err = atomicfile.Named(a.f.Name(), a.f.Sync())
	}
	return a.size, a.err
}

// Close syncs and closes the file.
func (a *appender) Close() error {
	_, err := a.Sync()
	if cerr := a.f.Close(); err == nil {
		err = cerr
	}
	if a.err == nil {
		a.err = os.ErrClosed
	}
	return err
}
