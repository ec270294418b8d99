package run

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"largestep/metrics/atomicfile"
)

// ErrLocked is returned where another process, or another goroutine, trains.
var ErrLocked = errors.New("another process is training in it")

// Lock makes the run folder, if it is not there, and makes sure that one
// process at a time trains in it. If the folder is a symbolic link, what it leads
// to is meant. release removes a folder that was made here and has stayed empty.
func Lock(dir string) (release func(), err error) {
	target, err := atomicfile.Resolve(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o777); err != nil {
		return nil, err
	}
	err = os.Mkdir(target, 0o777)
	made := err == nil
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	unlock, err := lock(target)
	if err != nil {
		return nil, err
	}
	return func() {
		if made {
			os.Remove(target) // fails unless it is empty
		}
		unlock()
	}, nil
}
