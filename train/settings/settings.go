// Package settings reads what files say of trainings: the config.json of a run,
// or YAML of the same names, in which lists are the axes of a sweep.
package settings

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Setting is a value of an option, as text.
type Setting struct {
	Name  string `json:"name"` // as config.json has it, or an option that makes its schedule
	Value string `json:"value"`
}

// Point is what one run has of an axis: settings that go together.
type Point []Setting

// Axis is a list of alternatives; a single one is what all runs have in common.
type Axis []Point

// Names are the options that an axis sets.
func (a Axis) Names() (names []string) {
	for _, p := range a {
		for _, s := range p {
			if !slices.Contains(names, s.Name) {
				names = append(names, s.Name)
			}
		}
	}
	return names
}

// File is the content of a file of settings.
type File struct {
	Path  string
	Net   string // "" if it names none
	Seeds int    // so many from the first; 0 if it says nothing of them
	Axes  []Axis // in the file's order

	// Recorded tells that it is the config.json of a run, of which Init is the
	// checksum of its initial parameters, if they came from a file.
	Recorded bool
	Init     string
}

// ErrLists refuses lists where there can be one value.
var ErrLists = errors.New("one training takes one")

// Single is what the file says of one training.
func (f *File) Single() (all Point, err error) {
	for _, a := range f.Axes {
		if len(a) != 1 {
			return nil, fmt.Errorf("%s: %d values of %s: %w", f.Path, len(a), strings.Join(a.Names(), " and "), ErrLists)
		}
		all = append(all, a[0]...)
	}
	if f.Seeds > 0 {
		return nil, fmt.Errorf("%s: seeds are of a sweep: one training has a seed", f.Path)
	}
	return all, nil
}

// Nearest is the one of some names that another was probably meant to be; "" if
// none is near.
func Nearest(name string, known []string) (nearest string) {
	least := len(name)/2 + 1
	for _, k := range known {
		if d := levenshtein.ComputeDistance(name, k); d < least {
			nearest, least = k, d
		}
	}
	return nearest
}

// unknown refuses a name, with the nearest one that there is.
func unknown(name string, known []string) error {
	if nearest := Nearest(name, known); nearest != "" {
		return fmt.Errorf("unknown option %q: did you mean %s?", name, nearest)
	}
	return fmt.Errorf("unknown option %q", name)
}
