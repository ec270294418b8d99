package data

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// lock makes sure that one process at a time makes the data set at target. While
// another one does it waits, having called waiting once, unless that is nil. The
// lock is on a file beside target, which unlock removes, and ends with the
// process.
func lock(ctx context.Context, target string, waiting func()) (unlock func(), err error) {
	parent := filepath.Dir(target)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, fmt.Errorf("data set's folder: %w", err)
	}
	path := filepath.Join(parent, "."+filepath.Base(target)+".lock")
	for {
		// Network file systems lock only what is open for writing.
		l := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o666))
		switch held, err := l.TryLock(); {
		case errors.Is(err, errors.ErrUnsupported), errors.Is(err, syscall.ENOLCK):
			os.Remove(path)
			return func() {}, nil // no locks on this file system
		case err != nil:
			return nil, fmt.Errorf("data set's folder: %w", err)
		case held && isAt(l, path):
			return func() { os.Remove(path); l.Unlock() }, nil
		case held: // a file that another process has just removed
			l.Unlock()
			continue
		}
		if waiting != nil {
			waiting()
			waiting = nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// isAt reports whether the locked file is still the one of that name.
func isAt(l *flock.Flock, path string) bool {
	locked, err := l.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(locked, named)
}
