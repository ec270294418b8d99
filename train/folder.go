package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"largestep/metrics"
	"largestep/metrics/atomicfile"
)

// ErrHoldsRun refuses to begin a run in the folder of another.
var ErrHoldsRun = errors.New("holds a run")

// CheckFolder refuses a folder that a new run cannot have.
func CheckFolder(dir string) error {
	o := Options{Dir: dir}
	_, _, err := o.inspectFolder()
	return err
}

// inspectFolder finds in the run folder the run to resume, and how it stands, or
// that there is none yet. It changes nothing.
func (o *Options) inspectFolder() (status metrics.Status, fresh bool, err error) {
	old, err := ReadConfig(o.Dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return status, true, o.checkEmpty()
	case err != nil:
		return status, false, err
	case !o.Resume:
		return status, false, fmt.Errorf("%s %w", o.Dir, ErrHoldsRun)
	}
	if o.Init == "" {
		o.Config.Init = old.Config.Init // its checkpoint has what came of it
	}
	if err := o.matches(old); err != nil {
		return status, false, fmt.Errorf("%s holds another run: %w: choose another folder with --out", o.Dir, err)
	}
	status, err = metrics.ReadStatus(o.Dir)
	return status, false, err
}

// ReadConfig reads the config of a run folder; the error wraps fs.ErrNotExist if
// there is none.
func ReadConfig(dir string) (*ConfigFile, error) {
	path := filepath.Join(dir, metrics.ConfigFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var c ConfigFile
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", path, err)
	}
	return &c, nil
}

// checkEmpty refuses a folder that holds anything but what a run killed at its
// very start leaves.
func (o *Options) checkEmpty() error {
	files, err := os.ReadDir(o.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: choose another folder with --out", err)
	}
	for _, f := range files {
		if !atomicfile.IsTemporary(f.Name()) {
			return fmt.Errorf("%s is not empty and holds no run: choose another folder with --out", o.Dir)
		}
	}
	return nil
}

// createFolder puts the config into the run folder, which makes it one.
func (o *Options) createFolder() error {
	b, err := json.MarshalIndent(ConfigFile{o.Config, o.Environment}, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(filepath.Join(o.Dir, metrics.ConfigFile), append(b, '\n'))
}

// matches tells in what the run of a folder differs from the one to be done.
func (o *Options) matches(old *ConfigFile) error {
	if old.Environment.TrainSHA256 != o.Environment.TrainSHA256 || old.Environment.TestSHA256 != o.Environment.TestSHA256 {
		return errors.New("its examples are others")
	}
	a, b := reflect.ValueOf(old.Config), reflect.ValueOf(o.Config)
	for i := range a.NumField() {
		if !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			name := a.Type().Field(i).Tag.Get("json")
			name, _, _ = strings.Cut(name, ",")
			return fmt.Errorf("%s is %v there, %v here", name, a.Field(i), b.Field(i))
		}
	}
	return nil
}
