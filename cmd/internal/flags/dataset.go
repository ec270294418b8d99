package flags

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"largestep/cmd/internal/usage"
	"largestep/data"
	"largestep/train/run"
)

// Dataset are the flags that choose what to train on.
type Dataset struct {
	Name string // of a set, or auto
	Dir  string
}

// SetNames lists the sets that need no import, those to fetch first.
func SetNames() string {
	var names []string
	for _, s := range append(data.Fetchable(), data.Sets...) {
		if !slices.Contains(names, s.Name) {
			names = append(names, s.Name)
		}
	}
	return strings.Join(names, ", ")
}

// Add adds them to a command's.
func (d *Dataset) Add(f *pflag.FlagSet) {
	f.StringVar(&d.Name, "dataset", "auto", SetNames()+", the name of an imported set, or auto: CIFAR-10 where it is found, else the made-up set")
	f.StringVar(&d.Dir, "data", "", "folder of the data set (default: where fetch and import put it)")
}

// Find decides between the data sets.
func (d *Dataset) Find(out io.Writer) (data.Place, error) {
	if d.Name != "auto" {
		p, err := data.Find(d.Name, d.Dir)
		if errors.Is(err, data.ErrMadeUp) {
			return p, usage.Errorf("the made-up set has no folder: leave out --data")
		}
		return p, err
	}
	p, err := data.FindIn(d.Dir)
	if d.Dir == "" && errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintln(out, "data: the made-up set, since CIFAR-10 is not here (\"largestep fetch cifar10\" downloads it)")
		return data.Find(data.NameMadeUp, "")
	}
	if err == nil {
		fmt.Fprintf(out, "data: %s in %s\n", p.Name, p.Dir)
	}
	return p, err
}

// Again finds the data set that a run was trained on.
func (d *Dataset) Again(f *run.File) (data.Place, error) {
	if d.Name != "auto" && d.Name != f.Dataset {
		return data.Place{}, fmt.Errorf("it was trained on %s: leave out --dataset %s", f.Dataset, d.Name)
	}
	if data.SetNamed(f.Dataset).MadeUp() {
		return data.Find(f.Dataset, d.Dir)
	}
	if d.Dir == "" {
		return data.Find(f.Dataset, f.Environment.DataDir)
	}
	return data.Find(f.Dataset, d.Dir)
}

// Doubts says what is odd about images that were chosen from others.
func Doubts(out io.Writer, advice string, parts ...*data.Images) {
	for _, part := range parts {
		if part.Doubt != "" {
			fmt.Fprintf(out, "data: %s%s\n", part.Doubt, advice)
		}
	}
}
