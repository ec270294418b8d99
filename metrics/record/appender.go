package record

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
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
	size int64     // bytes given to w
	sum  hash.Hash // of them
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
	return &appender{f: f, w: bufio.NewWriter(f), sum: sha256.New()}, nil
}

// resume opens a file to go on after its first size bytes, which check must
// approve, and whose SHA-256 must be sum, if that is given, before the rest is cut
// off. A size of 0 starts over; the file need not exist then.
func resume(path string, size int64, sum string, check func(*io.SectionReader) error) (*appender, error) {
	flag := os.O_RDWR
	if size == 0 {
		flag |= os.O_CREATE
	}
	f, err := os.OpenFile(path, flag, 0o666)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w, but the checkpoint was taken at %d bytes of it: %w", err, size, ErrLost)
	} else if err != nil {
		return nil, err
	}
	a := &appender{f: f, w: bufio.NewWriter(f), size: size, sum: sha256.New()}
	if err := a.cut(sum, check); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := atomicfile.SyncDir(filepath.Dir(path)); err != nil {
		f.Close()
		return nil, err
	}
	return a, nil
}

// ErrLost tells that rows of a run are gone, and what there still is.
var ErrLost = errors.New("put it back; the checkpoint is whole, and another run can begin with its parameters")

func (a *appender) cut(sum string, check func(*io.SectionReader) error) error {
	f, size := a.f, a.size
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
		if _, err := io.Copy(a.sum, io.NewSectionReader(f, 0, size)); err != nil {
			return err
		}
		if sum != "" && a.Sum() != sum {
			return fmt.Errorf("its rows are not those that the checkpoint was taken after: %w", ErrLost)
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
		a.sum.Write(b)
	}
	return a.err
}

// Sum is the SHA-256, in hexadecimal, of all that was appended.
func (a *appender) Sum() string { return hex.EncodeToString(a.sum.Sum(nil)) }

// Path is the file's.
func (a *appender) Path() string { return a.f.Name() }

// Gone tells whether the file has been deleted, or replaced by another of its name.
func (a *appender) Gone() bool {
	own, err1 := a.f.Stat()
	named, err2 := os.Stat(a.f.Name())
	return err1 == nil && (errors.Is(err2, fs.ErrNotExist) || err2 == nil && !os.SameFile(own, named))
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
