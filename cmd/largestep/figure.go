package main

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"largestep/data"
	"largestep/metrics"
	"largestep/metrics/atomicfile"
	"largestep/metrics/figure"
	"largestep/nets/op"
	"largestep/train"
	"largestep/train/paper"
)

func newFigure() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "figure",
		Short: "Make a figure of the paper: train what is missing, and draw it",
		RunE:  subcommand("which figure? \"largestep figure main\" makes the paper's main figure"),
	}
	for _, f := range paper.Figures {
		cmd.AddCommand(newFigureResNet18(f))
	}
	names, figures := commandsOfSmall()
	for _, name := range names {
		cmd.AddCommand(newFigureSmall(name, figures[name]))
	}
	cmd.AddCommand(newFigureAll())
	return cmd
}

// figureOptions are the flags of a figure of ResNet-18.
type figureOptions struct {
	paper.Figure
	preset  string
	out     string
	seed    uint64 // of the first runs
	seeds   int    // runs of each schedule
	dataset datasetOptions
	engine  engineOptions
}

func newFigureResNet18(which paper.Figure) *cobra.Command {
	o := figureOptions{Figure: which}
	name, about := which.Name, ""
	for _, p := range paper.Presets {
		size := which.StepSizes(p)
		about += fmt.Sprintf("  %-6s %s; batch %d, η %g and %g\n", p.Name, p.About, p.Base.Batch, size.Small, size.Large)
	}
	cmd := &cobra.Command{
		Use:   name,
		Short: which.Short,
		Long: fmt.Sprintf(`%s

It trains whatever of the four runs is missing, goes on with those that were cut
short, and draws %[2]s.png, %[2]s.svg and %[2]s.pdf, with the final numbers in %[2]s.txt
and %[2]s.csv.
With several seeds, curves are medians, with a band between the quartiles.

Presets:
%[3]s  auto   paper with a GPU, quick on a CPU`, which.About, name, about),
		Example: fmt.Sprintf(`  largestep figure %[1]s
  largestep figure %[1]s --seeds 5
  largestep figure %[1]s --preset small --data ~/cifar10
  largestep figure %[1]s --preset long
  largestep figure %[1]s --preset paper --engine cuda --out figures/paper`, name),
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	f := cmd.Flags()
	f.StringVar(&o.preset, "preset", "auto", "scale: paper, long, small, quick or auto")
	f.StringVar(&o.out, "out", "", fmt.Sprintf("folder of the figure and its runs (default figures/%s-PRESET)", which.Runs))
	f.Uint64Var(&o.seed, "seed", 0, "seed of initial parameters and order, the first of several")
	f.IntVar(&o.seeds, "seeds", 1, "runs of each schedule")
	o.dataset.addFlags(f)
	f.Lookup("dataset").Usage = datasetOfPreset
	o.engine.addFlags(f)
	return cmd
}

func (o *figureOptions) run(cmd *cobra.Command) error {
	if err := checkSeeds(o.seeds); err != nil {
		return err
	}
	engine, err := o.engine.openFor(train.ResNet18)
	if err != nil {
		return err
	}
	defer engine.Close()
	p, err := o.choosePreset(engine.Name())
	if err != nil {
		return err
	}
	dir, set, err := o.load(cmd, &p)
	if err != nil {
		return err
	}
	runs, err := o.trainings(p)
	if err != nil {
		return err
	}
	if o.out == "" {
		o.out = filepath.Join("figures", o.Runs+"-"+p.Name)
	}
	if err := checkFigureFolder(o.out, train.ResNet18, ""); err != nil {
		return err
	}
	size := o.StepSizes(p)
	fmt.Fprintf(cmd.ErrOrStderr(), "preset %s: η %g and %g, %s; on %s (%s)\n", p.Name, size.Small, size.Large, describeScale(&p.Base), engine.Name(), engine.Device())
	for k, seed := range runs {
		for i, r := range seed {
			label := fmt.Sprintf("%d/%d %s", k*len(seed)+i+1, len(runs)*len(seed), r.Name)
			if err := o.train(cmd, engine, r, label, set, dir); err != nil {
				return err
			}
		}
	}
	return o.draw(cmd, runs, o.Reference(p))
}

// datasetOfPreset is what --dataset means to a figure.
const datasetOfPreset = "cifar10, made-up, or auto: the made-up set for the quick preset, CIFAR-10 for the others"

// mostSeeds keeps the list of a figure's runs within memory.
const mostSeeds = 10_000

func checkSeeds(n int) error {
	if n < 1 || n > mostSeeds {
		return fmt.Errorf("%d seeds: want 1 to %d", n, mostSeeds)
	}
	return nil
}

// trainings are the runs of each seed, one for each schedule.
func (o *figureOptions) trainings(p paper.Preset) ([][]paper.Run, error) {
	var seeds [][]paper.Run
	for k := range o.seeds {
		p.Base.Seed = o.seed + uint64(k)
		runs, err := o.Trainings(p)
		if err != nil {
			return nil, err
		}
		seeds = append(seeds, runs)
	}
	return seeds, nil
}

// load brings the data set that suits the preset, and notes it in the preset's
// config.
func (o *figureOptions) load(cmd *cobra.Command, p *paper.Preset) (dir string, set *data.Dataset, err error) {
	if o.dataset.name == "auto" {
		o.dataset.name = data.NameCIFAR10
		if p.Name == "quick" {
			if o.dataset.dir != "" {
				return "", nil, usageError{errors.New("the quick preset is made for made-up images: give --preset small with --data, or --dataset cifar10")}
			}
			o.dataset.name = data.NameMadeUp
		}
	}
	if dir, err = o.dataset.find(cmd.ErrOrStderr()); err != nil {
		return "", nil, err
	}
	p.Base.Seed, p.Base.Precision = o.seed, o.engine.precision
	if set, err = load(dir, &p.Base); err != nil {
		return "", nil, fmt.Errorf("preset %s: %w", p.Name, err)
	}
	return dir, set, nil
}

func (o *figureOptions) choosePreset(engine string) (paper.Preset, error) {
	if o.preset == "auto" {
		return paper.AutoPreset(engine, engine == "cpu"), nil
	}
	return paper.PresetByName(o.preset)
}

func (o *figureOptions) train(cmd *cobra.Command, e op.Engine, r paper.Run, label string, set *data.Dataset, dir string) error {
	t := training{
		out: cmd.OutOrStdout(), progress: cmd.ErrOrStderr(), again: "the same command",
		options: train.Options{
			Config: r.Config, Environment: environment(e, o.engine, dir, 0), Dir: filepath.Join(o.out, r.Name),
			Resume: true, Data: set, Engine: e, CheckpointEvery: 30 * time.Second,
		},
	}
	if err := t.run(cmd.Context(), label); err != nil {
		return err
	}
	return e.Free()
}

// draw makes the figure's files from the records, and prints the table.
func (o *figureOptions) draw(cmd *cobra.Command, runs [][]paper.Run, ref figure.Reference) error {
	groups, err := o.records(runs)
	if err != nil {
		return err
	}
	var files []string
	for _, ext := range []string{".png", ".svg", ".pdf"} {
		files = append(files, filepath.Join(o.out, o.Name+ext))
	}
	if err := figure.Schedules(groups, o.Columns, o.Setting, files...); err != nil {
		return err
	}
	var table bytes.Buffer
	if err := figure.Finals(&table, groups, o.Net, ref); err != nil {
		return err
	}
	if err := figure.Plateaus(&table, groups, o.Net); err != nil {
		return err
	}
	if err := atomicfile.WriteFile(filepath.Join(o.out, o.Name+".txt"), table.Bytes()); err != nil {
		return err
	}
	columns := append([]string{"train_loss", "test_error"}, o.Net...)
	if err := figure.SaveCSV(filepath.Join(o.out, o.Name+".csv"), groups, columns); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "\n%s\nfigure: %s (.svg, .pdf)\n", table.String(), files[0])
	return nil
}

// records reads the runs, grouped by schedule.
func (o *figureOptions) records(runs [][]paper.Run) ([]figure.Group, error) {
	schedules := make([][]*metrics.Run, len(runs[0]))
	for _, seed := range runs {
		for i, r := range seed {
			run, err := metrics.OpenRun(filepath.Join(o.out, r.Name))
			if err != nil {
				return nil, err
			}
			schedules[i] = append(schedules[i], run)
		}
	}
	return figure.BySchedule(schedules)
}

// newFigureAll makes every figure with its defaults.
func newFigureAll() *cobra.Command {
	var o figureOptions
	cmd := &cobra.Command{
		Use:     "all",
		Short:   "Make every figure, each in its folder below figures/",
		Example: "  largestep figure all\n  largestep figure all --preset small",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, sub := range cmd.Parent().Commands() {
				if sub == cmd {
					continue
				}
				sub.SetContext(cmd.Context())
				if err := passFlags(cmd.Flags(), sub.Flags(), ofResNet18(sub)...); err != nil {
					return err
				}
				if err := sub.RunE(sub, nil); err != nil {
					return err
				}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.preset, "preset", "auto", "scale of ResNet-18: paper, long, small, quick or auto")
	f.IntVar(&o.seeds, "seeds", 0, "runs of each setting (default: what each figure has)")
	o.dataset.addFlags(f)
	f.Lookup("dataset").Usage = datasetOfPreset
	o.engine.addFlags(f)
	return cmd
}

// ofResNet18 are the flags of "figure all" that a figure of small problems does
// not get: those have an engine and number formats of their own.
func ofResNet18(figure *cobra.Command) []string {
	if figure.Flags().Lookup("preset") != nil {
		return nil
	}
	return []string{"engine", "precision"}
}

// passFlags sets the flags of another command that were set of this one.
func passFlags(from, to *pflag.FlagSet, except ...string) (err error) {
	from.Visit(func(f *pflag.Flag) {
		if to.Lookup(f.Name) != nil && !slices.Contains(except, f.Name) && err == nil {
			err = to.Set(f.Name, f.Value.String())
		}
	})
	return err
}
