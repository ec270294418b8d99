package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"largestep/metrics"
	"largestep/metrics/atomicfile"
	"largestep/metrics/figure"
	"largestep/nets/op"
	"largestep/train"
	"largestep/train/instances"
	"largestep/train/paper"
)

// smallFigureOptions are the flags of a figure of a small problem.
type smallFigureOptions struct {
	paper.SmallFigure
	instance string
	seeds    int
	out      string
	engine   engineOptions
}

func newFigureSmall(which paper.SmallFigure) *cobra.Command {
	o := smallFigureOptions{SmallFigure: which}
	cmd := &cobra.Command{
		Use:   which.Name,
		Short: which.About,
		Long: fmt.Sprintf(`Draws %[1]s.png, %[1]s.svg and %[1]s.pdf: %s.

Every setting is run from several seeds; curves are medians, with a band between
the quartiles. On the paper's instance seeds change the order of the examples,
seed 0 being the paper's own; on random ones they change everything. The final
numbers, beside the paper's, are in %[1]s.txt.`, which.Name, which.About),
		Example: fmt.Sprintf("  largestep figure %[1]s\n  largestep figure %[1]s --seeds 3 --out figures/try", which.Name),
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	f := cmd.Flags()
	f.StringVar(&o.instance, "instance", string(which.Instance), "the paper's own instance, or random ones (paper, random)")
	f.IntVar(&o.seeds, "seeds", which.Seeds, "runs of each setting")
	f.StringVar(&o.out, "out", filepath.Join("figures", which.Name), "folder of the figure and its runs")
	o.engine.addFlags(f)
	return cmd
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
			for _, which := range paper.SmallFigures {
				small := smallFigureOptions{SmallFigure: which, instance: string(which.Instance), seeds: which.Seeds, engine: o.engine}
				small.out = filepath.Join("figures", which.Name)
				if err := small.run(cmd); err != nil {
					return err
				}
			}
			for _, which := range paper.Figures {
				big := o
				big.Figure = which
				if err := big.run(cmd); err != nil {
					return err
				}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.preset, "preset", "auto", "scale of ResNet-18: paper, small, quick or auto")
	o.dataset.addFlags(f)
	o.engine.addFlags(f)
	return cmd
}

func (o *smallFigureOptions) run(cmd *cobra.Command) error {
	if o.seeds < 1 {
		return fmt.Errorf("%d seeds: want 1 or more", o.seeds)
	}
	kind, err := instances.ParseKind(o.instance)
	if err != nil {
		return err
	}
	settings, err := o.Settings(kind)
	if err != nil {
		return err
	}
	b, err := o.engine.chooseFor(o.Net())
	if err != nil {
		return err
	}
	engine, err := b.open(o.engine)
	if err != nil {
		return err
	}
	defer engine.Close()
	var groups []figure.Group
	for _, s := range settings {
		group := figure.Group{Label: s.Label}
		for _, r := range s.Runs(o.seeds) {
			run, err := o.train(cmd, engine, r)
			if err != nil {
				return err
			}
			group.Runs = append(group.Runs, run)
		}
		groups = append(groups, group)
	}
	return o.draw(cmd, groups)
}

func (o *smallFigureOptions) train(cmd *cobra.Command, e op.Engine, r paper.Run) (*metrics.Run, error) {
	problem, err := paper.Problem(&r.Config)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(o.out, r.Name)
	t := training{
		out: cmd.ErrOrStderr(), progress: cmd.ErrOrStderr(), again: "the same command", quiet: true,
		options: train.Options{
			Config: r.Config, Environment: environment(e, o.engine, ""), Dir: dir,
			Resume: true, Problem: problem, Engine: e, CheckpointEvery: 30 * time.Second,
		},
	}
	if err := t.run(cmd.Context(), r.Name); err != nil {
		return nil, err
	}
	return metrics.OpenRun(dir)
}

func (o *smallFigureOptions) draw(cmd *cobra.Command, groups []figure.Group) error {
	options := figure.Options{Columns: o.Columns, Title: o.Title(o.instance), X: figure.Steps}
	if o.Cost {
		options.X = figure.GradientEvaluations(o.Examples())
	}
	if err := figure.Groups(groups, options, o.files(o.Name)...); err != nil {
		return err
	}
	if slices.ContainsFunc(groups[0].Runs[0].Net, paper.IsFunctionColumn) {
		if err := figure.Functions(paper.Fits(groups), o.Title(o.instance), o.files(o.Name+"-functions")...); err != nil {
			return err
		}
	}
	published := o.Published()
	if o.instance != string(instances.Paper) {
		published = nil
	}
	var table bytes.Buffer
	if err := figure.Table(&table, groups, o.Columns, published); err != nil {
		return err
	}
	if err := atomicfile.WriteFile(filepath.Join(o.out, o.Name+".txt"), table.Bytes()); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "\n%s\nfigure: %s (.svg, .pdf)\n", table.String(), o.files(o.Name)[0])
	return nil
}

func (o *smallFigureOptions) files(name string) []string {
	var files []string
	for _, ext := range []string{".png", ".svg", ".pdf"} {
		files = append(files, filepath.Join(o.out, name+ext))
	}
	return files
}
