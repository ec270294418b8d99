package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"largestep/train/run"
)

// chooseFolder names the run folder, where no flag does, and refuses one that a
// new run cannot have.
func (o *trainOptions) chooseFolder(f *pflag.FlagSet) error {
	if o.out == "" {
		o.out = filepath.Join("runs", o.runName(f))
	}
	if o.resume {
		return nil
	}
	err := run.CheckNew(o.out)
	if errors.Is(err, run.ErrHoldsRun) {
		return fmt.Errorf("%w: go on with %s, or choose another folder with --out", err, o.again(f))
	}
	return advise(err)
}

// otherwiseNamed are the settings that a run's name has in another form.
var otherwiseNamed = []string{"width", "step-size", "decay-at", "seed"}

// runName names a run folder after its settings: the main ones, and what flags
// say beside them.
func (o *trainOptions) runName(f *pflag.FlagSet) string {
	c := &o.config
	parts := []string{c.Net}
	if o.entry.Reads() {
		parts = append(parts, fmt.Sprintf("w%d", c.Width), strings.ToLower(c.Dataset))
	}
	if !f.Changed("phases") {
		edge := ""
		if c.Schedule.OfEdge {
			edge = "edge"
		}
		parts = append(parts, fmt.Sprintf("eta%g%s", c.Schedule.First(), edge))
		if at, ok := c.Schedule.DecayAt(); ok {
			parts = append(parts, fmt.Sprintf("decay%g", at))
		}
	}
	named := pflag.NewFlagSet("", pflag.ContinueOnError)
	new(scheduleFlags).add(named)
	for _, add := range []func(*pflag.FlagSet, *run.Config){addExamples, addDescent, addLength} {
		add(named, &run.Config{})
	}
	named.String("init", "", "")
	f.Visit(func(flag *pflag.Flag) {
		if named.Lookup(flag.Name) != nil && !slices.Contains(otherwiseNamed, flag.Name) && o.file.has(flag.Name) {
			parts = append(parts, strings.TrimSuffix(flag.Name+"-"+flag.Value.String(), "-true"))
		}
	})
	if o.file.path != "" {
		parts = append(parts, o.file.stem())
	}
	parts = append(parts, fmt.Sprintf("seed%d", c.Seed))
	name := notInFileNames.ReplaceAllString(strings.Join(parts, "-"), "-")
	if len(name) > longestName {
		sum := sha256.Sum256([]byte(name))
		name = fmt.Sprintf("%s-%x", name[:longestName-9], sum[:4])
	}
	return name
}

// longestName keeps a run's name, in bytes, within what file systems take.
const longestName = 200

var notInFileNames = regexp.MustCompile(`[^A-Za-z0-9.,@+-]+`)

// again is the command that goes on with the run.
func (o *trainOptions) again(f *pflag.FlagSet) string {
	command := fmt.Sprintf("largestep train %s --resume --out %s", o.entry.Name, quote(o.out))
	for _, name := range []string{"threads", "checkpoint-every", "keep", "save-every", "init"} { // which its folder does not say
		if f.Changed(name) {
			command += fmt.Sprintf(" --%s %s", name, quote(f.Lookup(name).Value.String()))
		}
	}
	return command
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_.,:@%+=/-]+$`)

// quote makes a word of a shell's command line.
func quote(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
