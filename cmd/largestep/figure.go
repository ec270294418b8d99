package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"largestep/cmd/internal/flags"
	"largestep/cmd/internal/usage"
	"largestep/data"
	"largestep/train/catalog"
	"largestep/train/experiment"
	"largestep/train/instances"
	"largestep/train/progress"
)

// figureOptions are the flags of figures.
type figureOptions struct {
	out       string
	preset    string
	sizes     catalog.Scale // that flags give instead of the preset's
	instance  string
	seed      uint64
	seeds     int
	precision string
	dataset   flags.Dataset
	engine    flags.Engine
	jobs      flags.Jobs
}

func newFigure() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "figure",
		Short: "Make a figure of the paper: train what is missing, and draw it",
		RunE:  usage.Subcommand("which figure? \"largestep figure main\" makes the paper's main figure"),
	}
	for _, c := range experiment.Commands {
		cmd.AddCommand(newFigureCommand(c))
	}
	cmd.AddCommand(newFigureFiniteSums(), newFigureAll())
	return cmd
}

func newFigureCommand(c experiment.Command) *cobra.Command {
	var o figureOptions
	cmd := &cobra.Command{
		Use: c.Name, Short: c.Figures[0].About(), Args: usage.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd, c) },
	}
	f := cmd.Flags()
	switch first := c.Figures[0].(type) {
	case experiment.ImageFigure:
		cmd.Long, cmd.Example = aboutImages(first)
		o.addImageFlags(f)
		f.Uint64Var(&o.seed, "seed", 0, "seed of initial parameters and order, the first of several")
		f.StringVar(&o.out, "out", "", fmt.Sprintf("folder of the figure and its runs (default figures/%s-PRESET)", first.Runs))
	case experiment.SmallFigure:
		cmd.Long, cmd.Example = aboutSmall(c)
		if first.Instance == instances.Paper {
			f.StringVar(&o.instance, "instance", string(first.Instance), "the paper's own instance, or random ones (paper, random)")
		}
		f.StringVar(&o.out, "out", "", fmt.Sprintf("folder of the figure and its runs (default figures/%s, of random instances with -random)", c.Name))
	}
	f.IntVar(&o.seeds, "seeds", 0, "runs of each curve (default "+defaultSeeds(c.Figures[0])+")")
	f.StringVar(&o.precision, "precision", "", "number format (default "+c.Figures[0].Problem().Precisions[0]+")")
	o.engine.Add(f)
	o.jobs.Add(f)
	return cmd
}

func (o *figureOptions) addImageFlags(f *pflag.FlagSet) {
	f.StringVar(&o.preset, "preset", "auto", "scale of classifiers of images: paper, long, small, quick or auto")
	for _, size := range []struct {
		value *int
		name  string
	}{{&o.sizes.Width, "width"}, {&o.sizes.TrainSize, "train-size"}, {&o.sizes.TestSize, "test-size"}, {&o.sizes.Batch, "batch"}, {&o.sizes.Epochs, "epochs"}} {
		f.IntVar(size.value, size.name, 0, "another one than the preset's")
	}
	o.dataset.Add(f)
	f.Lookup("dataset").Usage = flags.SetNames() + ", the name of an imported set, or auto: the made-up set for the quick preset, CIFAR-10 for the others"
}

func aboutImages(f experiment.ImageFigure) (long, example string) {
	presets := ""
	for _, s := range catalog.Scales {
		size := f.StepSizes(s)
		presets += fmt.Sprintf("  %-6s %s; batch %d, η %g and %g\n", s.Name, s.About, s.Batch, size.Small, size.Large)
	}
	return fmt.Sprintf(`%s

It trains whatever of the four runs is missing, goes on with those that were cut
short, and draws %[2]s.png, %[2]s.svg and %[2]s.pdf, with the final numbers in %[2]s.txt
and %[2]s.csv.
With several seeds, curves are medians, with a band between the quartiles.

Presets:
%[3]s  auto   paper with a GPU, quick on a CPU`, f.Long, f.Name, presets), fmt.Sprintf(`  largestep figure %[1]s
  largestep figure %[1]s --seeds 5
  largestep figure %[1]s --preset small --data ~/cifar10
  largestep figure %[1]s --preset long
  largestep figure %[1]s --preset paper --engine cuda --out figures/paper`, f.Name)
}

func aboutSmall(c experiment.Command) (long, example string) {
	example = fmt.Sprintf("  largestep figure %[1]s\n  largestep figure %[1]s --seeds 3 --out figures/try", c.Name)
	about, onPaper := "", false
	for _, f := range c.Figures {
		small := f.(experiment.SmallFigure)
		about += fmt.Sprintf("%[1]s.png, %[1]s.svg and %[1]s.pdf: %s.\n", small.Name, small.Short)
		onPaper = small.Instance == instances.Paper
	}
	if onPaper {
		about += aboutInstances
		example += fmt.Sprintf("\n  largestep figure %s --instance random", c.Name)
	}
	return fmt.Sprintf(`Draws %s
Every setting is run from several seeds; curves are medians, with a band between
the quartiles. The final numbers are in a .txt and a .csv of the same name.`, about), example
}

// aboutInstances is for problems of which there is the paper's own instance.
const aboutInstances = `
On the paper's instance seeds change the order of the examples, seed 0 being the
paper's own, and the paper's numbers stand beside ours. On random instances they
change everything, and step sizes are relative to the edge of divergence of each;
as divergence is not monotone, some below it may still diverge.
`

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

// run makes the figures of a command.
func (o *figureOptions) run(cmd *cobra.Command, c experiment.Command) error {
	if cmd.Flags().Changed("seeds") {
		if err := experiment.CheckSeeds(o.seeds); err != nil {
			return err
		}
	}
	for _, f := range c.Figures {
		if err := o.make(cmd, c, f); err != nil {
			return err
		}
	}
	return nil
}

func (o *figureOptions) make(cmd *cobra.Command, c experiment.Command, f experiment.Figure) error {
	if o.precision != "" { // before data are loaded
		if err := f.Problem().CheckPrecision(o.precision); err != nil {
			return err
		}
	}
	engines, err := o.jobs.Open(&o.engine, f.Problem(), o.precision)
	if err != nil {
		return err
	}
	defer flags.CloseAll(engines)
	engine := engines[0]
	order := experiment.Order{Seed: o.seed, Seeds: o.seeds, Precision: o.precision, Instance: o.instance}
	if f.Problem().Reads() {
		if err := o.findData(cmd, engine.Name(), &order); err != nil {
			return err
		}
	}
	plan, err := f.Plan(order)
	if err != nil {
		return err
	}
	if plan.Data != nil {
		flags.Doubts(cmd.ErrOrStderr(), "", plan.Data.Train, plan.Data.Test)
	}
	w := &progress.Watcher{Out: cmd.OutOrStdout(), Progress: cmd.ErrOrStderr(), Brief: !f.Problem().Reads(), Jobs: len(engines)}
	e := &experiment.Experiment{
		Dir: filepath.Join("figures", plan.Folder), Problem: f.Problem(), Data: plan.Data, Settings: plan.Settings,
		Engines: engines, Environment: o.engine.Environment(engine, order.Place, 0), Watcher: w,
	}
	if o.out != "" {
		e.Dir = o.out
		if len(c.Figures) > 1 {
			e.Dir = filepath.Join(o.out, filepath.Base(plan.Folder))
		}
	}
	if err := e.CheckFolder(); err != nil {
		return err
	}
	if order.Scale != nil {
		size := f.(experiment.ImageFigure).StepSizes(*order.Scale)
		fmt.Fprintf(cmd.ErrOrStderr(), "preset %s: η %g and %g, %s; on %s (%s)\n", order.Scale.Name, size.Small, size.Large, progress.DescribeScale(&plan.Settings[0].Runs[0].Config), engine.Name(), engine.Device())
	}
	if err := w.Told(e.Train(cmd.Context())); err != nil {
		return err
	}
	groups, err := e.Records()
	if err != nil {
		return err
	}
	table, file, err := plan.Draw(e.Dir, groups)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "\n%s\nfigure: %s (.svg, .pdf)\n", table, file)
	return nil
}

// findData chooses scale and data set.
func (o *figureOptions) findData(cmd *cobra.Command, engine string, order *experiment.Order) (err error) {
	scale := catalog.SuitableScale(catalog.Circumstances{Engine: engine})
	if engine == "cpu" {
		scale = catalog.SuitableScale(catalog.Circumstances{Dataset: data.NameMadeUp})
	}
	if o.preset != "auto" {
		if scale, err = catalog.ScaleNamed(o.preset); err != nil {
			return err
		}
	}
	scale = scale.With(o.sizes)
	order.Scale = &scale
	madeFor := data.SetNamed(scale.Dataset)
	switch {
	case o.dataset.Name == "auto" && madeFor.MadeUp() && o.dataset.Dir != "":
		return usage.Errorf("the %s preset is made for made-up images: give --preset small with --data, or --dataset cifar10", scale.Name)
	case o.dataset.Name == "auto" && madeFor.MadeUp():
		order.Place, err = data.Find(madeFor.Name, "")
	case o.dataset.Name == "auto": // whatever lies there
		order.Place, err = data.FindIn(o.dataset.Dir)
	default:
		order.Place, err = o.dataset.Find(cmd.ErrOrStderr())
	}
	return err
}

// newFigureAll makes every figure with its defaults.
func newFigureAll() *cobra.Command {
	var o figureOptions
	cmd := &cobra.Command{
		Use:     "all",
		Short:   "Make every figure, each in its folder below figures/",
		Example: "  largestep figure all\n  largestep figure all --preset small",
		Args:    usage.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, c := range experiment.Commands {
				each := o
				if !c.Figures[0].Problem().Reads() { // they have an engine and number formats of their own
					each.engine.Name, each.precision = "auto", ""
				}
				if err := each.run(cmd, c); err != nil {
					return err
				}
			}
			return drawFiniteSums(cmd, "figures/finite-sums")
		},
	}
	f := cmd.Flags()
	o.addImageFlags(f)
	f.IntVar(&o.seeds, "seeds", 0, "runs of each curve (default: what each figure has)")
	f.StringVar(&o.precision, "precision", "", "number format of classifiers of images")
	o.engine.Add(f)
	o.jobs.Add(f)
	return cmd
}
