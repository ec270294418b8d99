package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"largestep/cmd/internal/flags"
	"largestep/cmd/internal/request"
	"largestep/cmd/internal/usage"
	"largestep/train/catalog"
	"largestep/train/experiment"
	"largestep/train/instances"
	"largestep/train/progress"
)

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
	var r request.Figure
	cmd := &cobra.Command{
		Use: c.Name, Short: c.Figures[0].About(), Args: usage.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return makeFigures(cmd, c, &r) },
	}
	switch first := c.Figures[0].(type) {
	case experiment.ImageFigure:
		cmd.Long, cmd.Example = aboutImages(first)
	case experiment.SmallFigure:
		cmd.Long, cmd.Example = aboutSmall(c)
	}
	r.Add(cmd.Flags(), c)
	return cmd
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

// makeFigures makes the figures of a command.
func makeFigures(cmd *cobra.Command, c experiment.Command, r *request.Figure) error {
	if err := r.Check(cmd.Flags()); err != nil {
		return err
	}
	for _, f := range c.Figures {
		if err := makeFigure(cmd, f, r, len(c.Figures) > 1); err != nil {
			return err
		}
	}
	return nil
}

func makeFigure(cmd *cobra.Command, f experiment.Figure, r *request.Figure, several bool) error {
	out, told := cmd.OutOrStdout(), cmd.ErrOrStderr()
	engines, err := r.Open(f)
	if err != nil {
		return err
	}
	defer flags.CloseAll(engines)
	engine := engines[0]
	order, err := r.Order(f, engine.Name(), told)
	if err != nil {
		return err
	}
	plan, err := f.Plan(order)
	if err != nil {
		return err
	}
	if plan.Data != nil {
		flags.Doubts(told, "", plan.Data.Train, plan.Data.Test)
	}
	w := &progress.Watcher{Out: out, Progress: told, Brief: !f.Problem().Reads(), Jobs: len(engines)}
	e := plan.Experiment(f, r.Dir(plan, several))
	e.Engines, e.Environment, e.Watcher = engines, r.Engine.Environment(engine, order.Place, 0), w
	if err := e.CheckFolder(); err != nil {
		return err
	}
	if order.Scale != nil {
		size := f.(experiment.ImageFigure).StepSizes(*order.Scale)
		fmt.Fprintf(told, "preset %s: η %g and %g, %s; on %s (%s)\n", order.Scale.Name, size.Small, size.Large, progress.DescribeScale(&plan.Settings[0].Runs[0].Config), engine.Name(), engine.Device())
	}
	if err := w.Told(e.Train(cmd.Context())); err != nil {
		return err
	}
	table, file, err := plan.DrawTrained(e)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s\nfigure: %s (.svg, .pdf)\n", table, file)
	return nil
}

// newFigureAll makes every figure with its defaults.
func newFigureAll() *cobra.Command {
	var r request.Figure
	cmd := &cobra.Command{
		Use:     "all",
		Short:   "Make every figure, each in its folder below figures/",
		Example: "  largestep figure all\n  largestep figure all --preset small",
		Args:    usage.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, c := range experiment.Commands {
				each := r
				if !c.Figures[0].Problem().Reads() { // they have an engine and number formats of their own
					each.Engine.Name, each.Precision = "auto", ""
				}
				if err := makeFigures(cmd, c, &each); err != nil {
					return err
				}
			}
			return drawFiniteSums(cmd, "figures/finite-sums")
		},
	}
	r.AddAll(cmd.Flags())
	return cmd
}
