package request

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"largestep/cmd/internal/flags"
	"largestep/cmd/internal/usage"
	"largestep/metrics/record"
	"largestep/train/run"
	"largestep/train/schedule"
	"largestep/train/settings"
	"largestep/train/weights"
)

// knownOptions are the names that files of settings may have: those of the flags,
// and of config.json.
func knownOptions() (names []string) {
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, add := range flags.Training {
		add(all, &run.Config{})
	}
	new(flags.Schedule).Add(all)
	new(flags.Dataset).Add(all)
	new(flags.Engine).Add(all)
	all.String("init", "", "")
	all.VisitAll(func(f *pflag.Flag) { names = append(names, flags.Option(f.Name)) })
	return names
}

// fromFile is what a file of settings says beside the flags.
type fromFile struct {
	path  string
	typed []string // flags that the command line has
	init  string   // checksum of the initial parameters that a recorded run had
}

// netOf is the net that a file names.
func netOf(path string) (string, error) {
	file, err := settings.Read(path, knownOptions())
	if err == nil && file.Net == "" {
		err = usage.Errorf("%s names no net: add a line such as \"net: resnet18\", or give NET", path)
	}
	if err != nil {
		return "", err
	}
	return file.Net, nil
}

// readFile takes over what a file says and no flag does.
func (t *Training) readFile(f *pflag.FlagSet) error {
	f.Visit(func(flag *pflag.Flag) { t.file.typed = append(t.file.typed, flag.Name) })
	if t.file.path == "" {
		return nil
	}
	file, err := settings.Read(t.file.path, knownOptions())
	if err != nil {
		return err
	}
	if file.Net != "" && file.Net != t.Entry.Name {
		return usage.Errorf("%s is of %s, not of %s", t.file.path, file.Net, t.Entry.Name)
	}
	if err := t.file.apart(file); err != nil {
		return err
	}
	list, err := file.Single()
	if err != nil {
		return err
	}
	if err := t.take(f, file, list); err != nil {
		return fmt.Errorf("%s: %w", t.file.path, usage.ExplainValue(err))
	}
	if err := t.Schedule.Check(f); err != nil {
		return usage.Errorf("with %s, %w", t.file.path, err)
	}
	return nil
}

// take sets the flags of settings that the command line does not.
func (t *Training) take(f *pflag.FlagSet, file *settings.File, list settings.Point) error {
	overruled := t.file.overruled()
	for _, s := range list {
		name := flags.Of(s.Name)
		switch {
		case slices.Contains(overruled, name):
		case !flags.Takes(t.Entry, name):
			if !file.Recorded { // else it says what the net has
				return fmt.Errorf("%s means nothing to %s", s.Name, t.Entry.Name)
			}
		case name == "phases": // which flags may change
			base, err := schedule.Parse(s.Value)
			if err != nil {
				return err
			}
			t.Schedule.Base = &base
		default:
			if err := f.Set(name, s.Value); err != nil {
				return err
			}
		}
	}
	if file.Init != "" && !slices.Contains(overruled, "init") {
		if t.Init == "" {
			return fmt.Errorf("the run began from a file of parameters, which it does not name: give it with --init")
		}
		t.file.init = file.Init
	}
	return nil
}

// overruled are the flags of a file that the command line says, or says otherwise.
func (o *fromFile) overruled() []string {
	names := slices.Clone(o.typed)
	for _, same := range synonyms {
		if slices.ContainsFunc(same, o.has) {
			names = append(names, same...)
		}
	}
	for _, flag := range o.typed {
		names = append(names, overrules[flag]...)
	}
	return names
}

func (o *fromFile) has(flag string) bool { return slices.Contains(o.typed, flag) }

// checkInit refuses other initial parameters than those of the run in the file.
func (t *Training) checkInit() error {
	if t.file.init == "" {
		return nil
	}
	sum, err := weights.Checksum(t.Init)
	if err == nil && sum != t.file.init {
		err = fmt.Errorf("%s has changed since the run in %s began from it: give the file with --init", t.Init, t.file.path)
	}
	return err
}

// stem is what the file is called, in a run's name.
func (o *fromFile) stem() string {
	name := filepath.Base(o.path)
	if name == record.ConfigFile {
		if abs, err := filepath.Abs(o.path); err == nil {
			name = filepath.Base(filepath.Dir(abs))
		}
	}
	return strings.TrimSuffix(name, filepath.Ext(name))
}
