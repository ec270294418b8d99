package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"largestep/data"
	"largestep/nets/op"
	"largestep/train/catalog"
	"largestep/train/run"
)

// checkpointOptions are the flags of commands that look at images with a
// checkpoint's net.
type checkpointOptions struct {
	normalize data.Normalization
	byIndex   bool
	dataset   datasetOptions
	engine    engineOptions
}

func (o *checkpointOptions) addFlags(f *pflag.FlagSet) {
	f.Var((*normalization)(&o.normalize), "normalize", aboutNormalize+" (default: as the file says, else none)")
	f.Lookup("normalize").DefValue = ""
	f.BoolVar(&o.byIndex, "classes-by-index", false, "take the classes of the data for those of the file in their order, whatever their names and number")
	o.dataset.addFlags(f)
	o.engine.addFlags(f)
}

// checkpoint is a net in a file.
type checkpoint struct {
	*catalog.NetFile
	path   string
	beside *run.File // of the run that it lies in; nil if there is none
}

// openCheckpoint reads a file, and says how.
func openCheckpoint(cmd *cobra.Command, path string) (*checkpoint, error) {
	net, err := catalog.OpenNet(path)
	if err != nil {
		return nil, err
	}
	sayChanges(cmd, path, net.Changes)
	c := &checkpoint{NetFile: net, path: path}
	if file, err := run.ReadConfig(filepath.Dir(path)); err == nil {
		c.beside = file
	}
	return c, nil
}

// find looks for the data that a checkpoint was trained on, if no flag says which,
// and settles how they are normalised.
func (o *checkpointOptions) find(cmd *cobra.Command, c *checkpoint) (data.Place, error) {
	d := &o.dataset
	if d.name == "auto" && d.dir == "" {
		d.follow(c)
	}
	place, err := d.find(cmd.ErrOrStderr())
	if recorded := d.dir; errors.Is(err, fs.ErrNotExist) && recorded != "" && !cmd.Flags().Changed("data") {
		return place, fmt.Errorf("the run of %s was trained on images in %s, which is gone: say with --data where they are now", c.path, recorded)
	}
	if err != nil {
		return place, err
	}
	o.normalize, err = o.normalization(cmd, c)
	return place, err
}

// follow chooses the data that a checkpoint was trained on, as far as it and its
// run say.
func (o *datasetOptions) follow(c *checkpoint) {
	trainedOn := c.About.Dataset
	if c.beside != nil {
		trainedOn = c.beside.Dataset
	}
	switch {
	case trainedOn != "" && data.SetNamed(trainedOn).MadeUp():
		o.name = trainedOn
	case c.beside != nil:
		o.dir = c.beside.Environment.DataDir
	}
}

// normalization is that of the images which the file was trained on; where it does
// not say so, what is assumed is said.
func (o *checkpointOptions) normalization(cmd *cobra.Command, c *checkpoint) (data.Normalization, error) {
	recorded, given, out := c.About.Normalize, cmd.Flags().Changed("normalize"), cmd.ErrOrStderr()
	switch {
	case recorded != nil && given && *recorded != o.normalize:
		return *recorded, fmt.Errorf("%s was trained with --normalize %v: leave out --normalize %v", c.path, recorded, o.normalize)
	case recorded != nil:
		return *recorded, nil
	case given:
		return o.normalize, nil
	case c.beside != nil:
		fmt.Fprintf(out, "data: %s does not say how images were normalised: --normalize %v, as the config.json beside it says\n", c.path, c.beside.Normalize)
		return c.beside.Normalize, nil
	}
	fmt.Fprintf(out, "data: %s does not say how images were normalised: --normalize none is assumed\n", c.path)
	return data.Normalization{}, nil
}

// open is an engine for the checkpoint's net and images, whose classes must be those
// that it was trained on.
func (o *checkpointOptions) open(c *checkpoint, images *data.Images, format string) (op.Engine, error) {
	if err := c.CheckClasses(images.Classes); err != nil && !o.byIndex {
		return nil, fmt.Errorf("%w; if they mean the same in their order, give --classes-by-index", err)
	}
	return o.engine.openFor(c.Problem, format)
}
