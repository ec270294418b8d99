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
	Name    string
	Title   string // as figures call it
	Images  string // of a sentence: "5,000 images of cifar10"
	Archive Archive

	folder string                                      // in the cache, and in its archive
	draw   func(seed uint64, train, test int) *Dataset // of one that is made up, which has no folder

	// Of one that can be fetched:
	layout               layout
	train, test, classes int
	versions             []version
	normalization        Normalization // by the means and deviations of the training images
}

// Archive is the official one of a set, zero if there is none.
type Archive struct {
	URL, MD5 string
	Size     string // for people
}

// version is one of the set for other programs, which is not read here.
type version struct{ name, folder, file string }

// Sets are those that need no import. The first that can be fetched is the one
// that is trained on where it is found and nobody asks for another.
var Sets = []Set{madeUp, cifar10, cifar100}

// MadeUp tells whether the set is made up in the program.
func (s Set) MadeUp() bool { return s.draw != nil }

// Fetchable are the sets that have an archive.
func Fetchable() []Set {
	return slices.DeleteFunc(slices.Clone(Sets), func(s Set) bool { return s.Archive == (Archive{}) })
}

// fallback is the set of a folder that says nothing of what it holds.
func fallback() Set { return Fetchable()[0] }

// known finds one of Sets.
func known(name string) (Set, bool) {
	i := slices.IndexFunc(Sets, func(s Set) bool { return s.Name == name })
	if i < 0 {
		return Set{}, false
	}
	return Sets[i], true
}

// SetNamed finds a set by its name; an imported one is called what its import
// called it.
func SetNamed(name string) Set {
	if s, ok := known(name); ok {
		return s
	}
	return Set{Name: name, Title: name, Images: "images of " + name, folder: folderOf(name)}
}

// folderOf is the folder for an imported set, in which no system sees more than a
// name.
func folderOf(name string) string {
	folder := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, name)
	if strings.HasPrefix(folder, ".") {
		return "_" + folder
	}
	return folder
}

// Home returns the folder in the user's cache where the set is kept.
func (s Set) Home() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder for the data set: %w: %w", err, fs.ErrNotExist)
	}
	return filepath.Join(cache, "largestep", s.folder), nil
}

// Kept are the names of the sets in the user's cache, where fetch and import put them.
func Kept() (names []string) {
	home, err := fallback().Home()
	if err != nil {
		return nil
	}
	entries, err := os.ReadDir(filepath.Dir(home))
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if p, err := Summarize(filepath.Join(filepath.Dir(home), e.Name())); err == nil {
			names = append(names, p.Name)
		}
	}
	return names
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
// dir is empty. Only names and sizes of files are looked at. The error wraps
// fs.ErrNotExist if it is not there, and does not if it is incomplete or damaged.
func Find(name, dir string) (Place, error) {
	set := SetNamed(name)
	if set.MadeUp() {
		if dir != "" {
			return Place{}, ErrMadeUp
		}
		return Place{Set: set}, nil
	}
	if dir == "" {
		var err error
		if dir, err = set.kept(); err != nil {
			return Place{}, err
		}
	}
	p, err := findIn(dir, set)
	switch {
	case err == nil && p.Name != name:
		return p, fmt.Errorf("%s holds the data set %q, not %q: ask for it by its name", p.Dir, p.Name, name)
	case errors.Is(err, fs.ErrNotExist) && set.Archive == (Archive{}):
		return p, fmt.Errorf("no data set %q in %s (%w): import it under that name, or choose one of %s", name, dir, fs.ErrNotExist, names(Sets))
	}
	return p, err
}

// kept is the set's folder, or that of another set if it is there instead, where
// earlier programs put what they imported.
func (s Set) kept() (string, error) {
	home, err := s.Home()
	if err != nil || isFolder(home) {
		return home, err
	}
	for _, other := range Fetchable() {
		dir, err := other.Home()
		if err != nil {
			return "", err
		}
		if f, err := inspect(dir, other); err == nil && f.name == s.Name {
			return dir, nil
		}
	}
	return home, nil
}

// FindIn looks for any data set in dir, or for the one that nobody has to ask for
// where "fetch" puts it if dir is empty.
func FindIn(dir string) (Place, error) {
	if dir == "" {
		var err error
		if dir, err = fallback().Home(); err != nil {
			return Place{}, err
		}
	}
	return findIn(dir, fallback())
}

// findIn looks for a set in dir, or in the folder within that an archive makes.
func findIn(dir string, set Set) (Place, error) {
	for _, s := range append([]Set{set}, Fetchable()...) {
		if inner := filepath.Join(dir, s.folder); isFolder(inner) {
			dir = inner
			break
		}
	}
	if set.Archive == (Archive{}) { // nothing to advise to fetch
		set = fallback()
	}
	f, err := inspect(dir, set)
	if err != nil {
		return Place{Dir: dir}, err
	}
	return f.place(), nil
}

func (f *folder) place() Place {
	return Place{SetNamed(f.name), f.dir, records(f.train), f.test.records}
}

// Summarize looks at the names and sizes of the files in a data set's folder.
func Summarize(dir string) (Place, error) {
	f, err := inspect(dir, fallback())
	if err != nil {
		return Place{}, err
	}
	return f.place(), nil
}

// madeUpSeed makes the made-up set: always the same, as a data set is.
const madeUpSeed = 1

// Part is the part of a set that is used.
type Part struct {
	Train, Test int // images of the training and the test set; 0 stands for all
	Choice      Choice
	Seed        uint64 // of a random choice
}

// Load is LoadPart of the first images; 0 stands for all.
func (p Place) Load(train, test int) (*Dataset, error) {
	return p.LoadPart(Part{Train: train, Test: test})
}

// LoadPart reads a part of the set, or makes it up.
func (p Place) LoadPart(part Part) (*Dataset, error) {
	train, test := part.Train, part.Test
	if p.MadeUp() {
		if part.Choice != First {
			return nil, fmt.Errorf("%s are made up as many as wanted, independently of each other: there is nothing to choose from", p.Title)
		}
		if min(train, test) < 1 || max(train, test) > maxRecords {
			return nil, fmt.Errorf("%d training and %d test images: want 1 to %d of each", train, test, maxRecords)
		}
		return p.draw(madeUpSeed, train, test), nil
	}
	set, err := Load(p.Dir)
	if err != nil {
		return nil, err
	}
	if set.Train, err = set.Train.choose(train, part.Choice, newRand(part.Seed, streamTrainSubset)); err != nil {
		return nil, fmt.Errorf("training set of %q: %w", set.Name, err)
	}
	if set.Test, err = set.Test.choose(test, part.Choice, newRand(part.Seed, streamTestSubset)); err != nil {
		return nil, fmt.Errorf("test set of %q: %w", set.Name, err)
	}
	return set, nil
}

func names(sets []Set) string {
	var list []string
	for _, s := range sets {
		list = append(list, s.Name)
	}
	return strings.Join(list, ", ")
}
