package data

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Set is a data set that a run asks for by name.
type Set struct {
	Name   string
	Title  string // as figures call it
	Images string // of a sentence: "5,000 images of cifar10"
	folder string // in the cache
	madeUp bool   // in the program; it has no folder
}

// Sets are those that need no import.
var Sets = []Set{
	{Name: NameMadeUp, Title: "made-up images", Images: "made-up images", madeUp: true},
	{Name: NameCIFAR10, Title: "CIFAR-10", Images: "images of " + NameCIFAR10, folder: layoutFolder},
}

// SetNamed finds a set by its name; an imported one is called what its import
// called it.
func SetNamed(name string) Set {
	for _, s := range Sets {
		if s.Name == name {
			return s
		}
	}
	return Set{Name: name, Title: name, Images: "images of " + name, folder: name}
}

// Place is where a data set is.
type Place struct {
	Set
	Dir         string // "" for one that is made up
	Train, Test int    // images; 0 for as many as one likes
}

// ErrMadeUp refuses a folder for a set that is made up.
var ErrMadeUp = errors.New("a made-up set has no folder")

// Find looks for the set of a name in dir, or where fetch and import put it if
// dir is empty. The error wraps fs.ErrNotExist if it is not there.
func Find(name, dir string) (Place, error) {
	set := SetNamed(name)
	if set.madeUp {
		if dir != "" {
			return Place{}, ErrMadeUp
		}
		return Place{Set: set}, nil
	}
	if dir == "" {
		cache, err := cacheDir()
		if err != nil {
			return Place{}, err
		}
		if dir = filepath.Join(cache, set.folder); strings.ContainsAny(set.folder, `/\`) || !isFolder(dir) {
			dir = filepath.Join(cache, layoutFolder) // where imports went that named no folder
		}
	}
	p, err := FindIn(dir)
	switch {
	case err == nil && p.Name != name:
		return p, fmt.Errorf("%s holds the data set %q, not %q: ask for it by its name", p.Dir, p.Name, name)
	case errors.Is(err, fs.ErrNotExist) && !set.known():
		return p, fmt.Errorf("no data set %q in %s (%w): import it under that name, or choose one of %s", name, dir, fs.ErrNotExist, names())
	}
	return p, err
}

// FindIn looks for any data set in dir, or where "fetch cifar10" puts it if dir is
// empty.
func FindIn(dir string) (Place, error) {
	dir, err := FindCIFAR10(dir)
	if err != nil {
		return Place{}, err
	}
	l, err := inspect(dir)
	if err != nil {
		return Place{}, err
	}
	return Place{SetNamed(l.name), dir, records(l.train), l.test.records}, nil
}

// cacheDir is the folder of the user's cache where data sets are kept.
func cacheDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder for the data set: %w: %w", err, fs.ErrNotExist)
	}
	return filepath.Join(cache, "largestep"), nil
}

// madeUpSeed makes the made-up set: always the same, as a data set is.
const madeUpSeed = 1

// Load reads the first images of each part, or makes them up; 0 stands for all.
func (p Place) Load(train, test int) (*Dataset, error) {
	if p.Dir == "" {
		if min(train, test) < 1 || max(train, test) > maxRecords {
			return nil, fmt.Errorf("%d training and %d test images: want 1 to %d of each", train, test, maxRecords)
		}
		return MadeUp(madeUpSeed, train, test), nil
	}
	set, err := LoadCIFAR10(p.Dir)
	if err != nil {
		return nil, err
	}
	if set.Train, err = set.Train.first(train); err != nil {
		return nil, fmt.Errorf("training set of %q: %w", set.Name, err)
	}
	if set.Test, err = set.Test.first(test); err != nil {
		return nil, fmt.Errorf("test set of %q: %w", set.Name, err)
	}
	return set, nil
}

// first is Subset, of which 0 stands for all.
func (im *Images) first(n int) (*Images, error) {
	if n == 0 {
		return im, nil
	}
	return im.Subset(n)
}

// MadeUp tells whether the set is made up in the program.
func (s Set) MadeUp() bool { return s.madeUp }

func (s Set) known() bool {
	return slices.ContainsFunc(Sets, func(k Set) bool { return k.Name == s.Name })
}

func names() string {
	var list []string
	for _, s := range Sets {
		list = append(list, s.Name)
	}
	return strings.Join(list, ", ")
}
