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
func mistaken(dir string, wanted Set) error {
	has := func(parts ...string) bool {
		info, err := os.Stat(filepath.Join(append([]string{dir}, parts...)...))
		return err == nil && info.Mode().IsRegular()
	}
	if has(sourceFile) {
		return nil
	}
	for _, s := range Fetchable() {
		if has(s.layout.trainFile(0)) {
			return nil
		}
		for _, v := range s.versions {
			if has(v.file) || has(v.folder, v.file) {
				return &Unusable{fmt.Errorf("%s holds the %s version of %s, which is not read here", dir, v.name, s.Title), OtherVersion, dir, s.Name}
			}
		}
	}
	switch {
	case isFolder(filepath.Join(dir, "train")) && isFolder(filepath.Join(dir, "test")):
		return &Unusable{fmt.Errorf("%s holds folders of images", dir), Pictures, dir, wanted.Name}
	case isEmpty(dir):
		return &Unusable{fmt.Errorf("%s is empty", dir), Empty, dir, wanted.Name}
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
				return &Unusable{fmt.Errorf("%s is an archive", path), Packed, path, fallback().Name}
			}
		}
	}
	return fmt.Errorf("%s is not a folder: want one with %s and its sisters", path, fallback().layout.trainFile(0))
}
