package data

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// mistaken says what a folder without the binary layout is, if it is something
// that people have for another program.
func mistaken(dir string) error {
	has := func(parts ...string) bool {
		_, err := os.Stat(filepath.Join(append([]string{dir}, parts...)...))
		return err == nil
	}
	const fetch = `run "largestep fetch cifar10" for the binary version`
	switch {
	case has(trainFile(0)) || has(sourceFile):
		return nil
	case has("data_batch_1") || has("cifar-10-batches-py", "data_batch_1"):
		return fmt.Errorf("%s holds the Python version of CIFAR-10, which is not read here: %s", dir, fetch)
	case has("data_batch_1.mat") || has("cifar-10-batches-mat", "data_batch_1.mat"):
		return fmt.Errorf("%s holds the Matlab version of CIFAR-10, which is not read here: %s", dir, fetch)
	case isFolder(filepath.Join(dir, "train")) && isFolder(filepath.Join(dir, "test")):
		return fmt.Errorf(`%s holds folders of images: run "largestep import %[1]s --data FOLDER", and name that FOLDER`, dir)
	case isEmpty(dir):
		return fmt.Errorf(`%s is empty: run "largestep fetch cifar10", or name another folder`, dir)
	}
	return nil
}

func isEmpty(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && len(entries) == 0
}

// notFolder is the error of a file given for a data set's folder.
func notFolder(path string) error {
	f, err := openRegular(path)
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("data set: %w", err)
	}
	if err == nil {
		defer f.Close()
		if a, err := openArchive(f); err == nil {
			if _, err := a.next(); err == nil {
				return fmt.Errorf(`%s is an archive: unpack it with "largestep fetch cifar10 --from" or "largestep import", and name the folder`, path)
			}
		}
	}
	return fmt.Errorf("%s is not a folder: want one with data_batch_1.bin and its sisters", path)
}
