package request

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
	"largestep/cmd/internal/flags"
	"largestep/cmd/internal/usage"
	"largestep/data"
	"largestep/nets/op"
	"largestep/train/catalog"
	"largestep/train/experiment"
	"largestep/train/instances"
)

// Figure is what the flags of a figure ask for.
type Figure struct {
	Engine    flags.Engine
	Precision string // "" for what suits
	jobs      flags.Jobs
	dataset   flags.Dataset
	dir       string
	preset    string
	sizes     catalog.Scale // that flags give instead of the preset's
	instance  string
	seed      uint64
	seeds     int
}

// Add adds the flags that a command's figures take.
func (r *Figure) Add(f *pflag.FlagSet, c experiment.Command) {
	switch first := c.Figures[0].(type) {
	case experiment.ImageFigure:
		r.addImages(f)
		f.Uint64Var(&r.seed, "seed", 0, "seed of initial parameters and order, the first of several")
		f.StringVar(&r.dir, "out", "", fmt.Sprintf("folder of the figure and its runs (default figures/%s-PRESET)", first.Runs))
	case experiment.SmallFigure:
		if first.Instance == instances.Paper {
			f.StringVar(&r.instance, "instance", string(first.Instance), "the paper's own instance, or random ones (paper, random)")
		}
		f.StringVar(&r.dir, "out", "", fmt.Sprintf("folder of the figure and its runs (default figures/%s, of random instances with -random)", c.Name))
	}
	r.addRuns(f, "default "+defaultSeeds(c.Figures[0]), "number format (default "+c.Figures[0].Problem().Precisions[0]+")")
}

// AddAll adds the flags that are of every figure.
func (r *Figure) AddAll(f *pflag.FlagSet) {
	r.addImages(f)
	r.addRuns(f, "default: what each figure has", "number format of classifiers of images")
}

func (r *Figure) addRuns(f *pflag.FlagSet, seeds, precision string) {
	f.IntVar(&r.seeds, "seeds", 0, "runs of each curve ("+seeds+")")
	f.StringVar(&r.Precision, "precision", "", precision)
	r.Engine.Add(f)
	r.jobs.Add(f)
}

func (r *Figure) addImages(f *pflag.FlagSet) {
	f.StringVar(&r.preset, "preset", "auto", "scale of classifiers of images: one of "+strings.Join(catalog.ScaleNames(), ", "))
	for _, size := range []struct {
		value *int
		name  string
	}{{&r.sizes.Width, "width"}, {&r.sizes.TrainSize, "train-size"}, {&r.sizes.TestSize, "test-size"}, {&r.sizes.Batch, "batch"}, {&r.sizes.Epochs, "epochs"}} {
		f.IntVar(size.value, size.name, 0, "another one than the preset's")
	}
	r.dataset.Add(f)
	f.Lookup("dataset").Usage = flags.SetNames() + ", the name of an imported set, or auto: the made-up set for the quick preset, CIFAR-10 for the others"
}

// defaultSeeds says how many runs there are where nobody asks for a number.
func defaultSeeds(f experiment.Figure) string {
	small, ok := f.(experiment.SmallFigure)
	if !ok {
		return "1"
	}
	own, random := small.RunsOf(small.Instance), small.RunsOf(instances.Random)
	if own == random {
		return fmt.Sprint(own)
	}
	return fmt.Sprintf("%d, of random instances %d", own, random)
}

// Check refuses numbers that no figure can have.
func (r *Figure) Check(f *pflag.FlagSet) error {
	if !f.Changed("seeds") {
		return nil
	}
	return experiment.CheckSeeds(r.seeds)
}

// Open opens the engines for a figure, a job on each.
func (r *Figure) Open(f experiment.Figure) ([]op.Engine, error) {
	if r.Precision != "" { // before data are loaded
		if err := f.Problem().CheckPrecision(r.Precision); err != nil {
			return nil, err
		}
	}
	return r.jobs.Open(&r.Engine, f.Problem(), r.Precision)
}

// Order is what is asked for of a figure, on an engine of a name.
func (r *Figure) Order(f experiment.Figure, engine string, out io.Writer) (o experiment.Order, err error) {
	o = experiment.Order{Seed: r.seed, Seeds: r.seeds, Precision: r.Precision, Instance: r.instance}
	if f.Problem().Reads() {
		err = r.findData(engine, &o, out)
	}
	return o, err
}

// findData chooses scale and data set.
func (r *Figure) findData(engine string, order *experiment.Order, out io.Writer) (err error) {
	scale := catalog.SuitableScale(catalog.Circumstances{Engine: engine})
	if engine == "cpu" {
		scale = catalog.SuitableScale(catalog.Circumstances{Dataset: data.NameMadeUp})
	}
	if r.preset != "auto" {
		if scale, err = catalog.ScaleNamed(r.preset); err != nil {
			return err
		}
	}
	scale = scale.With(r.sizes)
	order.Scale = &scale
	madeFor := data.SetNamed(scale.Dataset)
	switch {
	case r.dataset.Name == "auto" && madeFor.MadeUp() && r.dataset.Dir != "":
		return usage.Errorf("the %s preset is made for made-up images: give --preset small with --data, or --dataset cifar10", scale.Name)
	case r.dataset.Name == "auto" && madeFor.MadeUp():
		order.Place, err = data.Find(madeFor.Name, "")
	case r.dataset.Name == "auto": // whatever lies there
		order.Place, err = data.FindIn(r.dataset.Dir)
	default:
		order.Place, err = r.dataset.Find(out)
	}
	return err
}

// Dir is the folder of a planned figure, one of several of a command perhaps.
func (r *Figure) Dir(p *experiment.Plan, several bool) string {
	switch {
	case r.dir == "":
		return filepath.Join("figures", p.Folder)
	case several:
		return filepath.Join(r.dir, filepath.Base(p.Folder))
	}
	return r.dir
}
