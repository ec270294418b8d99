package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"largestep/train"
)

// chooseFolder names the run folder, where no flag does, and refuses one that a
// new run cannot have.
func (o *trainOptions) chooseFolder(f *pflag.FlagSet, c *train.Config) error {
	if o.out == "" {
		o.out = filepath.Join("runs", o.runName(f, c))
	}
	if o.resume {
		return nil
	}
	err := train.CheckFolder(o.out)
	if errors.Is(err, train.ErrHoldsRun) {
		return fmt.Errorf("%w: go on with %s, or choose another folder with --out", err, o.again(f, c.Net))
	}
	return err
}

// checkFigureFolder refuses a folder that holds a run, or runs of another net or
// other instances: a figure drawn into it would replace theirs.
func checkFigureFolder(dir, net, instance string) error {
	if err := train.CheckFolder(dir); errors.Is(err, train.ErrHoldsRun) {
		return fmt.Errorf("%w, not a figure: choose another folder with --out", err)
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		file, err := train.ReadConfig(filepath.Join(dir, e.Name()))
		if err != nil || file.Net == net && file.Instance == instance {
			continue // no run, or one for the training to judge
		}
		what := file.Net
		if file.Instance != "" {
			what = fmt.Sprintf("%s, %s instance", file.Net, file.Instance)
		}
		return fmt.Errorf("%s holds a run of another figure, %s (%s): choose another folder with --out", dir, e.Name(), what)
	}
	return nil
}

// unnamed are the flags that a run's name leaves out: those that do not change
// what it computes, and those that it has in another form.
var unnamed = []string{"out", "resume", "checkpoint-every", "log-steps", "eval-every", "eval-steps", "sparsity", "engine", "threads", "data", "dataset", "width", "step-size", "decay-at", "seed"}

// runName names a run folder after its settings: the main ones, and what flags
// say beside them.
func (o *trainOptions) runName(f *pflag.FlagSet, c *train.Config) string {
	parts := []string{c.Net}
	if c.Net == train.ResNet18 {
		parts = append(parts, fmt.Sprintf("w%d", c.Width), strings.ToLower(c.Dataset))
	}
	if !f.Changed("phases") {
		edge := ""
		if o.relative {
			edge = "edge"
		}
		parts = append(parts, fmt.Sprintf("eta%g%s", c.StepSize, edge))
	}
	if c.DecayAt != 0 {
		parts = append(parts, fmt.Sprintf("decay%g", c.DecayAt))
	}
	f.Visit(func(flag *pflag.Flag) {
		if !slices.Contains(unnamed, flag.Name) {
			parts = append(parts, strings.TrimSuffix(flag.Name+"-"+flag.Value.String(), "-true"))
		}
	})
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
func (o *trainOptions) again(f *pflag.FlagSet, net string) string {
	command := fmt.Sprintf("largestep train %s --resume --out %s", net, quote(o.out))
	for _, name := range []string{"threads", "checkpoint-every", "init"} { // which its folder does not say
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
