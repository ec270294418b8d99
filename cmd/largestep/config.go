package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"largestep/cmd/internal/usage"
	"largestep/metrics/record"
	"largestep/train/catalog"
	"largestep/train/run"
	"largestep/train/schedule"
	"largestep/train/settings"
	"largestep/train/weights"
)

// knownOptions are the names that files of settings may have: those of the flags,
// and of config.json.
func knownOptions() (names []string) {
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, add := range trainGroups {
		add(all, &run.Config{})
	}
	new(scheduleFlags).add(all)
	new(datasetOptions).addFlags(all)
	new(engineOptions).addFlags(all)
	all.String("init", "", "")
	all.VisitAll(func(f *pflag.Flag) { names = append(names, optionOf(f.Name)) })
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
func (o *trainOptions) readFile(cmd *cobra.Command) error {
	f := cmd.Flags()
	f.Visit(func(flag *pflag.Flag) { o.file.typed = append(o.file.typed, flag.Name) })
	if o.file.path == "" {
		return nil
	}
	file, err := settings.Read(o.file.path, knownOptions())
	if err != nil {
		return err
	}
	if file.Net != "" && file.Net != o.entry.Name {
		return usage.Errorf("%s is of %s, not of %s", o.file.path, file.Net, o.entry.Name)
	}
	list, err := file.Single()
	if err != nil {
		return err
	}
	if err := o.take(f, file, list); err != nil {
		return fmt.Errorf("%s: %w", o.file.path, usage.Explain(cmd, err))
	}
	return nil
}

// take sets the flags of settings that the command line does not.
func (o *trainOptions) take(f *pflag.FlagSet, file *settings.File, list settings.Point) error {
	overruled := o.file.overruled()
	for _, s := range list {
		name := flagOf(s.Name)
		switch {
		case slices.Contains(overruled, name):
		case !takes(o.entry, name):
			if !file.Recorded { // else it says what the net has
				return fmt.Errorf("%s means nothing to %s", s.Name, o.entry.Name)
			}
		case name == "phases": // which flags may change
			base, err := schedule.Parse(s.Value)
			if err != nil {
				return err
			}
			o.schedule.base = &base
		default:
			if err := f.Set(name, s.Value); err != nil {
				return err
			}
		}
	}
	if file.Init != "" && !slices.Contains(overruled, "init") {
		if o.init == "" {
			return fmt.Errorf("the run began from a file of parameters, which it does not name: give it with --init")
		}
		o.file.init = file.Init
	}
	return nil
}

// overruled are the flags of a file that the command line says, or says otherwise.
func (o *fromFile) overruled() []string {
	names := slices.Clone(o.typed)
	for _, same := range [][]string{{"steps", "epochs"}, {"eval-steps", "eval-every"}} {
		if slices.ContainsFunc(same, o.has) {
			names = append(names, same...)
		}
	}
	shape := []string{"phases", "decay-at", "schedule", "warmup", "warmup-exp", "warmup-gain", "warmup-power"}
	if o.has("phases") {
		names = append(names, "step-size")
	}
	if slices.ContainsFunc(shape, o.has) {
		names = append(names, shape...)
	}
	return names
}

func (o *fromFile) has(flag string) bool { return slices.Contains(o.typed, flag) }

// checkInit refuses other initial parameters than those of the run in the file.
func (o *trainOptions) checkInit() error {
	if o.file.init == "" {
		return nil
	}
	sum, err := weights.Checksum(o.init)
	if err == nil && sum != o.file.init {
		err = fmt.Errorf("%s has changed since the run in %s began from it: give the file with --init", o.init, o.file.path)
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

// printConfig writes the settings as they were resolved, for --config to read.
func printConfig(w io.Writer, c run.Config) error {
	b, err := json.MarshalIndent(struct {
		Format int `json:"format"`
		run.Config
	}{run.Format, c}, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", b)
	return err
}

// trainFile is train without NET, which the file names.
func trainFile(cmd *cobra.Command, path string) error {
	net, err := netOf(path)
	if err != nil {
		return err
	}
	if _, err := catalog.Find(net); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, sub := range cmd.Commands() {
		if sub.Name() == net {
			cmd.Flags().Visit(func(f *pflag.Flag) {
				if sub.Flags().Lookup(f.Name) == nil && err == nil {
					err = usage.Wrap(usage.UnknownFlag(sub, f.Name))
				}
			})
			if err != nil {
				return err
			}
			if err := apply(sub.Flags(), cmd.Flags()); err != nil {
				return err
			}
			sub.SetContext(cmd.Context())
			return sub.RunE(sub, nil)
		}
	}
	return fmt.Errorf("no command for %s", net)
}

// commandLine is what began this process, as a shell reads it.
func commandLine() string {
	words := make([]string, len(os.Args))
	for i, word := range os.Args {
		words[i] = quote(word)
	}
	return strings.Join(words, " ")
}

// commit is that of the sources, as far as the program knows.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	revision, changed := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "-changed"
		}
	}
	return revision + changed
}
