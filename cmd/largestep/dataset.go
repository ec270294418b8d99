package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/pflag"
	"largestep/data"
	"largestep/train"
)

// datasetOptions choose what to train on.
type datasetOptions struct {
	name string // cifar10, made-up or auto
	dir  string
}

func (o *datasetOptions) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.name, "dataset", "auto", "cifar10, made-up, or auto: CIFAR-10 where it is found, else the made-up set")
	f.StringVar(&o.dir, "data", "", "folder of CIFAR-10's binary files (default: where \"largestep fetch cifar10\" puts them)")
}

// find decides between the data sets; dir is empty for the made-up one.
func (o *datasetOptions) find(out io.Writer) (dir string, err error) {
	switch o.name {
	case data.NameMadeUp:
		if o.dir != "" {
			return "", usageError{errors.New("the made-up set has no folder: leave out --data")}
		}
		return "", nil
	case data.NameCIFAR10:
		return data.FindCIFAR10(o.dir)
	case "auto":
		dir, err := data.FindCIFAR10(o.dir)
		if o.dir == "" && errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintln(out, "data: the made-up set, since CIFAR-10 is not here (\"largestep fetch cifar10\" downloads it)")
			return "", nil
		}
		if err != nil {
			return "", err
		}
		set, err := data.Summarize(dir)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(out, "data: %s in %s\n", set.Name, dir)
		return dir, nil
	}
	return "", fmt.Errorf("unknown data set %q: choose cifar10, made-up or auto", o.name)
}

// fit lowers what no flag asks for to what the set in dir has.
func (o *datasetOptions) fit(f *pflag.FlagSet, c *train.Config, dir string) error {
	if dir == "" {
		return nil
	}
	set, err := data.Summarize(dir)
	if err != nil {
		return err
	}
	for _, size := range []struct {
		flag  string
		value *int
		most  int
	}{{"train-size", &c.TrainSize, set.Train}, {"test-size", &c.TestSize, set.Test}, {"batch", &c.Batch, set.Train}} {
		if !f.Changed(size.flag) {
			*size.value = min(*size.value, size.most)
		}
	}
	return nil
}

// madeUpSeed makes the made-up set: always the same, as a data set is.
const madeUpSeed = 1

// madeUpLimit bounds either part of the made-up set: 3 GB.
const madeUpLimit = 1_000_000

// load reads the data set in dir, or makes the made-up one, with the sizes that
// the config asks for; 0 stands for all of CIFAR-10. It notes name and sizes in
// the config.
func load(dir string, c *train.Config) (*data.Dataset, error) {
	var set *data.Dataset
	if dir == "" {
		if min(c.TrainSize, c.TestSize) < 1 || max(c.TrainSize, c.TestSize) > madeUpLimit {
			return nil, fmt.Errorf("%d training and %d test images: want 1 to %d of each", c.TrainSize, c.TestSize, madeUpLimit)
		}
		set = data.MadeUp(madeUpSeed, c.TrainSize, c.TestSize)
	} else {
		var err error
		if set, err = data.LoadCIFAR10(dir); err != nil {
			return nil, err
		}
	}
	c.Dataset = set.Name
	for _, part := range []struct {
		name   string
		images **data.Images
		size   *int
	}{{"training", &set.Train, &c.TrainSize}, {"test", &set.Test, &c.TestSize}} {
		if *part.size == 0 {
			*part.size = (*part.images).Len()
		}
		subset, err := (*part.images).Subset(*part.size)
		if err != nil {
			return nil, fmt.Errorf("%s set of %q: %w", part.name, set.Name, err)
		}
		*part.images = subset
	}
	return set, nil
}
