//go:build unix

package train

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"largestep/metrics"
)

// lockFolder makes sure that one process at a time trains in a run folder. The
// lock is on config.json, and ends with the process.
func lockFolder(dir string) (unlock func(), err error) {
	f, err := os.Open(filepath.Join(dir, metrics.ConfigFile))
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: another process is training in it", dir)
		}
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return func() { f.Close() }, nil
}
