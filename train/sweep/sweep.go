// Package sweep says which runs a sweep is made of, the product of lists of
// settings, keeps that in the sweep's folder, and submits it to Slurm.
package sweep

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"largestep/metrics/atomicfile"
	"largestep/metrics/record"
	"largestep/train/run"
	"largestep/train/settings"
)

// File is what the folder of a sweep has beside its runs.
const File = "sweep.json"

// format is the version of the file.
const format = 1

// mostRuns keeps a sweep within what a folder, and a researcher, can take.
const mostRuns = 10_000

// ErrAnother refuses the folder of another sweep.
var ErrAnother = errors.New("holds another sweep")

// Sweep is a net and the axes whose product its runs are.
type Sweep struct {
	Format int             `json:"format"`
	Net    string          `json:"net"`
	Axes   []settings.Axis `json:"axes"` // the last one varies fastest
}

// New is a sweep, each setting of which comes in so many seeds from the one that an
// axis names, or from 0; without a number, in those of the axis.
func New(net string, axes []settings.Axis, seeds int) (*Sweep, error) {
	s := &Sweep{Format: format, Net: net}
	seed := settings.Axis{{{Name: seedName, Value: "0"}}}
	for _, a := range axes {
		if slices.Equal(a.Names(), []string{seedName}) {
			seed = a
			continue
		}
		s.Axes = append(s.Axes, a)
	}
	if seeds < 0 {
		return nil, fmt.Errorf("%d seeds: want 1 or more", seeds)
	}
	if seeds > 0 {
		first, err := strconv.ParseUint(seed[0][0].Value, 10, 64)
		if err != nil || len(seed) > 1 {
			return nil, errors.New("seeds counts from one seed, of which there are several: leave one out")
		}
		seed = nil
		for k := range min(seeds, mostRuns+1) {
			seed = append(seed, settings.Point{{Name: seedName, Value: strconv.FormatUint(first+uint64(k), 10)}})
		}
	}
	s.Axes = append(s.Axes, seed)
	return s, s.check()
}

// seedName is the option of which runs of one setting differ.
const seedName = "seed"

func (s *Sweep) check() error {
	runs := 1
	for _, a := range s.Axes {
		if len(a) == 0 {
			return errors.New("an axis without values")
		}
		if runs *= len(a); runs > mostRuns {
			return fmt.Errorf("the product of the lists has more than %d runs: leave some values out", mostRuns)
		}
	}
	var seen []string
	for _, r := range s.Runs() {
		seen = append(seen, r.Name)
	}
	slices.Sort(seen)
	for i := 1; i < len(seen); i++ {
		if seen[i] == seen[i-1] {
			return fmt.Errorf("two runs are called %s: a value is there twice", seen[i])
		}
	}
	return nil
}

// Run is one of a sweep.
type Run struct {
	Name     string // of its folder
	Setting  string // what tells it from others but for the seed
	Settings settings.Point
}

// Varying are the axes of several values, but for the seed.
func (s *Sweep) Varying() (axes []settings.Axis) {
	for _, a := range s.Axes {
		if len(a) > 1 && !slices.Contains(a.Names(), seedName) {
			axes = append(axes, a)
		}
	}
	return axes
}

// Runs are all of the sweep, seeds varying fastest.
func (s *Sweep) Runs() []Run {
	runs := []Run{{}}
	for _, axis := range s.Axes {
		var longer []Run
		for _, r := range runs {
			for _, p := range axis {
				next := Run{r.Name, r.Setting, slices.Concat(r.Settings, p)}
				if len(axis) > 1 || p[0].Name == seedName {
					next.Name = join(r.Name, p)
					if p[0].Name != seedName {
						next.Setting = join(r.Setting, p)
					}
				}
				longer = append(longer, next)
			}
		}
		runs = longer
	}
	for i := range runs {
		runs[i].Name = folder(runs[i].Name)
	}
	return runs
}

func join(name string, p settings.Point) string {
	for _, s := range p {
		if name != "" {
			name += ","
		}
		name += strings.ReplaceAll(s.Name, "_", "-") + "=" + s.Value
	}
	return name
}

var notInFileNames = regexp.MustCompile(`[^A-Za-z0-9.,@+=-]+`)

// folder makes a name one of a folder.
func folder(name string) string {
	plain := notInFileNames.ReplaceAllString(name, "-")
	if plain != name || len(plain) > run.LongestName { // others may become the same
		plain = run.Stamped(plain, name)
	}
	return plain
}

// Read reads the sweep of a folder; the error wraps fs.ErrNotExist if there is none.
func Read(dir string) (*Sweep, error) {
	path := filepath.Join(dir, File)
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var s Sweep
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", path, err)
	}
	if s.Format != format {
		return nil, fmt.Errorf("%s is of format %d, this program knows %d: written by a later largestep?", path, s.Format, format)
	}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", path, err)
	}
	return &s, nil
}

// Open is Read of a folder that is to be a sweep's.
func Open(dir string) (*Sweep, error) {
	s, err := Read(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: not the folder of a sweep: it has no %s", dir, File)
	}
	return s, err
}

// Claim makes a folder the sweep's, if it is empty, holds this one, or one whose
// runs are all of this one too, so that a sweep can grow.
func (s *Sweep) Claim(dir string) error {
	old, err := Read(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := checkEmpty(dir); err != nil {
			return err
		}
	case err != nil:
		return err
	default:
		if err := s.contains(old); err != nil {
			return fmt.Errorf("%s %w: %w", dir, ErrAnother, err)
		}
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	b, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(filepath.Join(dir, File), append(b, '\n'))
}

// contains tells what runs of another sweep are not of this one.
func (s *Sweep) contains(old *Sweep) error {
	if s.Net != old.Net {
		return fmt.Errorf("of %s", old.Net)
	}
	settingsOf := map[string]map[settings.Setting]bool{}
	for _, r := range s.Runs() {
		settingsOf[r.Name] = map[settings.Setting]bool{}
		for _, x := range r.Settings {
			settingsOf[r.Name][x] = true
		}
	}
	for _, r := range old.Runs() {
		has, ok := settingsOf[r.Name]
		if !ok {
			return fmt.Errorf("with a run %s", r.Name)
		}
		for _, x := range r.Settings {
			if !has[x] {
				return fmt.Errorf("with %s %s", x.Name, x.Value)
			}
		}
		if len(r.Settings) != len(has) {
			return errors.New("of fewer settings")
		}
	}
	return nil
}

// checkEmpty refuses a folder that holds anything.
func checkEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, record.ConfigFile)); err == nil {
		return fmt.Errorf("%s holds a run, not a sweep", dir)
	}
	for _, e := range entries {
		if !atomicfile.IsTemporary(e.Name()) {
			return fmt.Errorf("%s is not empty and holds no sweep", dir)
		}
	}
	return nil
}
