//go:build unix && !solaris && !aix

package run

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Lock makes the run folder, if it is not there, and makes sure that one
// process at a time trains in it. The lock is on the folder, and ends with the
// process. release removes a folder that has stayed empty.
func Lock(dir string) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: another process is training in it", dir)
		}
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return func() {
		os.Remove(dir) // fails unless it is empty
		f.Close()
	}, nil
}
