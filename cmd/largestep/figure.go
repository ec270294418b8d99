package main

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"largestep/data"
	"largestep/metrics"
	"largestep/metrics/atomicfile"
	"largestep/metrics/figure"
	"largestep/nets/op"
	"largestep/train"
	"largestep/train/paper"
)

// figureOptions are the flags of figure main.
type figureOptions struct {
	preset  string
	out     string
	seed    uint64
	dataset datasetOptions
	engine  engineOptions
}

func newFigure() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "figure",
		Short: "Make a figure of the paper: train what is missing, and draw it",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			return usageError{errors.New("which figure? \"largestep figure main\" makes the paper's main figure")}
		},
	}
	cmd.AddCommand(newFigureMain())
	return cmd
}

func newFigureMain() *cobra.Command {
	var o figureOptions
	about := ""
	for _, p := range paper.Presets {
		about += fmt.Sprintf("  %-6s %s\n", p.Name, p.About)
	}
	cmd := &cobra.Command{
		Use:   "main",
		Short: "Training loss and test error of ResNet-18 under four step-size schedules",
		Long: `Main makes Figure 1 of the paper: ResNet-18 with a small constant step size, and
with a large one that decays at 10, 30 and 50 % of the epochs. It trains whatever
of the four runs is missing, goes on with those that were cut short, and draws
main.png, main.svg and main.pdf, with the final numbers in main.txt.

Presets:
` + about + `  auto   paper with a GPU, quick on a CPU`,
		Example: `  largestep figure main
  largestep figure main --preset small --data ~/cifar10
  largestep figure main --preset paper --engine cuda --out figures/paper`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	f := cmd.Flags()
	f.StringVar(&o.preset, "preset", "auto", "scale: paper, small, quick or auto")
	f.StringVar(&o.out, "out", "", "folder of the figure and its runs (default figures/main-PRESET)")
	f.Uint64Var(&o.seed, "seed", 0, "seed of initial parameters and order")
	o.dataset.addFlags(f)
	o.engine.addFlags(f)
	return cmd
}

func (o *figureOptions) run(cmd *cobra.Command) error {
	b, err := o.engine.choose()
	if err != nil {
		return err
	}
	p, err := o.choosePreset(b.name)
	if err != nil {
		return err
	}
	if o.dataset.name == "auto" && p.Name == "quick" {
		o.dataset.name = data.NameMadeUp
	}
	if o.dataset.name == "auto" && p.Name != "quick" {
		o.dataset.name = data.NameCIFAR10
	}
	dir, err := o.dataset.find(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	p.Base.Seed, p.Base.Precision = o.seed, o.engine.precision
	set, err := load(dir, &p.Base)
	if err != nil {
		return err
	}
	runs, err := paper.Main(p)
	if err != nil {
		return err
	}
	if o.out == "" {
		o.out = filepath.Join("figures", "main-"+p.Name)
	}
	engine, err := b.open(o.engine)
	if err != nil {
		return err
	}
	defer engine.Close()
	fmt.Fprintf(cmd.ErrOrStderr(), "preset %s: %s; on %s (%s)\n", p.Name, p.About, engine.Name(), engine.Device())
	for i, r := range runs {
		label := fmt.Sprintf("%d/%d %s", i+1, len(runs), r.Name)
		if err := o.train(cmd, engine, r, label, set, dir); err != nil {
			return err
		}
	}
	return o.draw(cmd, runs)
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
			Config: r.Config, Environment: environment(e, o.engine, dir), Dir: filepath.Join(o.out, r.Name),
			Resume: true, Data: set, Engine: e, CheckpointEvery: 30 * time.Second,
		},
	}
	return t.run(cmd.Context(), label)
}

// draw makes the figure's files from the records, and prints the table.
func (o *figureOptions) draw(cmd *cobra.Command, runs []paper.Run) error {
	var recorded []*metrics.Run
	for _, r := range runs {
		run, err := metrics.OpenRun(filepath.Join(o.out, r.Name))
		if err != nil {
			return err
		}
		recorded = append(recorded, run)
	}
	var files []string
	for _, ext := range []string{".png", ".svg", ".pdf"} {
		files = append(files, filepath.Join(o.out, "main"+ext))
	}
	if err := figure.Main(recorded, files...); err != nil {
		return err
	}
	var table bytes.Buffer
	if err := figure.Finals(&table, recorded); err != nil {
		return err
	}
	if err := atomicfile.WriteFile(filepath.Join(o.out, "main.txt"), table.Bytes()); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "\n%s\nfigure: %s (.svg, .pdf)\n", table.String(), files[0])
	return nil
}
