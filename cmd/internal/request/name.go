package request

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"largestep/cmd/internal/flags"
	"largestep/train/run"
)

// chooseFolder names the run folder, where no flag does, and refuses one that a
// new run cannot have.
func (t *Training) chooseFolder(f *pflag.FlagSet) error {
	if t.dir == "" {
		t.dir = filepath.Join("runs", t.runName(f))
	}
	if t.resuming {
		return nil
	}
	err := run.CheckNew(t.dir)
	if errors.Is(err, run.ErrHoldsRun) {
		return fmt.Errorf("%v: go on with %s, or choose another folder with --out", err, t.Again(f))
	}
	return err
}

// otherwiseNamed are the settings that a run's name has in another form.
var otherwiseNamed = []string{"width", "step-size", "decay-at", "seed"}

// runName names a run folder after its settings: the main ones, and what flags
// say beside them.
func (t *Training) runName(f *pflag.FlagSet) string {
	c := &t.Config
	parts := []string{c.Net}
	if t.Entry.Reads() {
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
	new(flags.Schedule).Add(named)
	for _, add := range []flags.Group{flags.Examples, flags.Descent, flags.Length} {
		add(named, &run.Config{})
	}
	named.String("init", "", "")
	f.Visit(func(flag *pflag.Flag) {
		if named.Lookup(flag.Name) != nil && !slices.Contains(otherwiseNamed, flag.Name) && t.file.has(flag.Name) {
			parts = append(parts, strings.TrimSuffix(flag.Name+"-"+flag.Value.String(), "-true"))
		}
	})
	if t.file.path != "" {
		parts = append(parts, t.file.stem())
	}
	parts = append(parts, fmt.Sprintf("seed%d", c.Seed))
	name := notInFileNames.ReplaceAllString(strings.Join(parts, "-"), "-")
	if len(name) > run.LongestName {
		name = run.Stamped(name, name)
	}
	return name
}

var notInFileNames = regexp.MustCompile(`[^A-Za-z0-9.,@+-]+`)
