package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"largestep/metrics/atomicfile"
	"largestep/metrics/record"
)

var (
	// ErrHoldsRun refuses to begin a run in the folder of another.
	ErrHoldsRun = errors.New("holds a run")
	// ErrAnotherRun refuses to go on with a run of other settings.
	ErrAnotherRun = errors.New("holds another run")
	// ErrNotEmpty refuses to begin a run among other files.
	ErrNotEmpty = errors.New("is not empty and holds no run")
)

// CheckNew refuses a folder that a new run cannot have.
func CheckNew(dir string) error {
	file, _, err := Inspect(dir)
	if err == nil && file != nil {
		return fmt.Errorf("%s %w", dir, ErrHoldsRun)
	}
	return err
}

// Inspect finds the run in a folder, and how it stands; the file is nil if there
// is none yet.
func Inspect(dir string) (file *File, status record.Status, err error) {
	file, err = ReadConfig(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, status, checkEmpty(dir)
	}
	if err != nil {
		return nil, status, err
	}
	status, err = record.ReadStatus(dir)
	return file, status, err
}

// checkEmpty refuses a folder that holds anything but what a run killed at its
// very start leaves.
func checkEmpty(dir string) error {
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range files {
		if !atomicfile.IsTemporary(f.Name()) {
			return fmt.Errorf("%s %w", dir, ErrNotEmpty)
		}
	}
	return nil
}

// Matches tells in what the run differs from one to be done.
func (f *File) Matches(c Config, e Environment) error {
	if f.Environment.TrainSHA256 != e.TrainSHA256 || f.Environment.TestSHA256 != e.TestSHA256 {
		return fmt.Errorf("%w: its examples are others", ErrAnotherRun)
	}
	return f.matches(c)
}

func (f *File) matches(c Config) error {
	if name, there, here := f.difference(&c); name != "" {
		return fmt.Errorf("%w: %s is %v there, %v here", ErrAnotherRun, name, there, here)
	}
	return nil
}

// difference is the first setting in which configs differ, by its name in
// config.json, and its values; "" if there is none.
func (c *Config) difference(other *Config) (name string, a, b any) {
	x, y := reflect.ValueOf(*c), reflect.ValueOf(*other)
	for i := range x.NumField() {
		if !same(x.Field(i), y.Field(i)) {
			name, _, _ = strings.Cut(x.Type().Field(i).Tag.Get("json"), ",")
			return name, x.Field(i), y.Field(i)
		}
	}
	return "", nil, nil
}

// same is equality to which no list and an empty one are the same.
func same(a, b reflect.Value) bool {
	if a.Kind() == reflect.Slice && a.Len() == 0 && b.Len() == 0 {
		return true
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// names are those of the folder's files that have the prefix and the suffix.
func names(dir, prefix, suffix string) (list []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if name := e.Name(); strings.HasPrefix(name, prefix) && strings.HasSuffix(name, suffix) {
			list = append(list, name)
		}
	}
	return list, err
}

// remove deletes the folder's files whose names have the prefix and the suffix.
func remove(dir, prefix, suffix string) error {
	list, err := names(dir, prefix, suffix)
	if err != nil {
		return err
	}
	for _, name := range list {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}
