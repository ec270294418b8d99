package flags

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/pflag"
	"largestep/data"
	"largestep/nets/op"
	"largestep/train/catalog"
	"largestep/train/run"
)

// Checkpoint are the flags of commands that look at images with the net of a file.
type Checkpoint struct {
	Normalize data.Normalization
	byIndex   bool
	dataset   Dataset
	engine    Engine
}

// Add adds them to a command's.
func (o *Checkpoint) Add(f *pflag.FlagSet) {
	f.Var((*Normalization)(&o.Normalize), "normalize", AboutNormalize+" (default: as the file says, else none)")
	f.Lookup("normalize").DefValue = ""
	f.BoolVar(&o.byIndex, "classes-by-index", false, "take the classes of the data for those of the file in their order, whatever their names and number")
	o.dataset.Add(f)
	o.engine.Add(f)
}

// Read reads the net of a file, and says how.
func (o *Checkpoint) Read(path string, out io.Writer) (*catalog.NetFile, error) {
	net, err := catalog.OpenNet(path)
	if err == nil {
		Changes(out, path, net.Changes)
	}
	return net, err
}

// Changes says how the names of the parameters in a file were read.
func Changes(out io.Writer, path string, changes []string) {
	if len(changes) > 0 {
		fmt.Fprintf(out, "%s: %s\n", path, strings.Join(changes, "; "))
	}
}

// Images are the first of a set's training or test images. Those of training are in
// the order in which the checkpoint's run chose them, as far as that is known.
type Images struct {
	*data.Images
	Place data.Place
	train bool
	run   *run.Config // that trained on them; nil if it is not known, and of test images
}

// Images loads n of the data that Find finds. Without --images they are at most as
// many as there are, and of training images at most those that the run trained on.
func (o *Checkpoint) Images(f *pflag.FlagSet, out io.Writer, c *catalog.NetFile, n int, train bool) (*Images, error) {
	place, err := o.Find(f, out, c)
	if err != nil {
		return nil, err
	}
	i := &Images{Place: place, train: train}
	if b := c.Beside; train && b != nil && b.Dataset == place.Name {
		i.run = &b.Config
	}
	if !f.Changed("images") {
		n = i.atMost(n)
	}
	return i, i.load(n)
}

func (i *Images) atMost(n int) int {
	if i.run != nil {
		n = min(n, i.run.TrainSize)
	}
	switch {
	case i.Place.MadeUp():
		return n
	case i.train:
		return min(n, i.Place.Train)
	default:
		return min(n, i.Place.Test)
	}
}

func (i *Images) load(n int) error {
	part := data.Part{Train: 1, Test: n}
	if i.train {
		part = data.Part{Train: n, Test: 1}
	}
	if i.run != nil {
		part.Choice, part.Seed = i.run.Subset, i.run.Seed
	}
	set, err := i.Place.LoadPart(part)
	if err != nil {
		return err
	}
	if i.Images = set.Test; i.train {
		i.Images = set.Train
	}
	return nil
}

// About says which of the set's images the first n are.
func (i *Images) About(n int) string {
	switch {
	case i.run == nil && i.train:
		return fmt.Sprintf("the first %d of the training set of %s", n, i.Place.Name)
	case i.run == nil:
		return fmt.Sprintf("the first %d of the test set of %s", n, i.Place.Name)
	}
	trained := fmt.Sprintf("the %d of %s that the run trained on", i.run.TrainSize, i.Place.Name)
	switch i.run.Subset {
	case data.Random:
		trained += fmt.Sprintf(" (--subset random --seed %d)", i.run.Seed)
	case data.Balanced:
		trained += " (--subset balanced)"
	}
	switch more := n - i.run.TrainSize; {
	case more < 0:
		return fmt.Sprintf("the first %d of %s", n, trained)
	case more > 0:
		return fmt.Sprintf("%s, and %d others of the set", trained, more)
	}
	return trained
}

// Find looks for the data that a checkpoint was trained on, if no flag says which,
// and settles how they are normalised.
func (o *Checkpoint) Find(f *pflag.FlagSet, out io.Writer, c *catalog.NetFile) (data.Place, error) {
	d := &o.dataset
	if d.Name == "auto" && d.Dir == "" {
		d.follow(c)
	}
	place, err := d.Find(out)
	if recorded := d.Dir; errors.Is(err, fs.ErrNotExist) && recorded != "" && !f.Changed("data") {
		return place, fmt.Errorf("the run of %s was trained on images in %s, which is gone: say with --data where they are now", c.Path, recorded)
	}
	if err != nil {
		return place, err
	}
	o.Normalize, err = o.normalization(f, out, c)
	return place, err
}

// follow chooses the data that a checkpoint was trained on, as far as it and its
// run say.
func (o *Dataset) follow(c *catalog.NetFile) {
	trainedOn := c.About.Dataset
	if c.Beside != nil {
		trainedOn = c.Beside.Dataset
	}
	switch {
	case trainedOn != "" && data.SetNamed(trainedOn).MadeUp():
		o.Name = trainedOn
	case c.Beside != nil:
		o.Dir = c.Beside.Environment.DataDir
	}
}

// normalization is that of the images which the file was trained on; where it does
// not say so, what is assumed is said.
func (o *Checkpoint) normalization(f *pflag.FlagSet, out io.Writer, c *catalog.NetFile) (data.Normalization, error) {
	recorded, given := c.About.Normalize, f.Changed("normalize")
	switch {
	case recorded != nil && given && *recorded != o.Normalize:
		return *recorded, fmt.Errorf("%s was trained with --normalize %v: leave out --normalize %v", c.Path, recorded, o.Normalize)
	case recorded != nil:
		return *recorded, nil
	case given:
		return o.Normalize, nil
	case c.Beside != nil:
		fmt.Fprintf(out, "data: %s does not say how images were normalised: --normalize %v, as the config.json beside it says\n", c.Path, c.Beside.Normalize)
		return c.Beside.Normalize, nil
	}
	fmt.Fprintf(out, "data: %s does not say how images were normalised: --normalize none is assumed\n", c.Path)
	return data.Normalization{}, nil
}

// Open is an engine for the checkpoint's net and images, whose classes must be those
// that it was trained on.
func (o *Checkpoint) Open(c *catalog.NetFile, images *data.Images, format string) (op.Engine, error) {
	if err := c.CheckClasses(images.Classes); err != nil && !o.byIndex {
		return nil, fmt.Errorf("%w; if they mean the same in their order, give --classes-by-index", err)
	}
	return o.engine.Open(c.Problem, format)
}
