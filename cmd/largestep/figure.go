package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"largestep/cmd/internal/flags"
	"largestep/cmd/internal/request"
	"largestep/cmd/internal/usage"
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
		Use: c.Name, Short: c.Figures[0].About(), Long: c.Long(), Example: figureExamples(c), Args: usage.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return makeFigures(cmd, c, &r) },
	}
	r.Add(cmd.Flags(), c)
	return cmd
}

func figureExamples(c experiment.Command) string {
	more := `
  largestep figure %[1]s --seeds 5
  largestep figure %[1]s --preset small --data ~/cifar10
  largestep figure %[1]s --preset long
  largestep figure %[1]s --preset paper --engine cuda --out figures/paper`
	if small, ok := c.Figures[0].(experiment.SmallFigure); ok {
		more = "\n  largestep figure %[1]s --seeds 3 --out figures/try"
		if small.Instance == instances.Paper {
			more += "\n  largestep figure %[1]s --instance random"
		}
	}
	return fmt.Sprintf("  largestep figure %[1]s"+more, c.Name)
}

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
	m := experiment.Making{
		Figure: f, Plan: plan, Dir: r.Dir(plan, several), Engines: engines, Environment: r.Engine.Environment(engine, order.Place, 0), Watcher: w,
	}
	if err := m.Check(); err != nil {
		return err
	}
	if order.Scale != nil {
		size := f.(experiment.ImageFigure).StepSizes(*order.Scale)
		fmt.Fprintf(told, "preset %s: η %g and %g, %s; on %s (%s)\n", order.Scale.Name, size.Small, size.Large, progress.DescribeScale(&plan.Settings[0].Runs[0].Config), engine.Name(), engine.Device())
	}
	table, file, err := m.Make(cmd.Context())
	if err := w.Told(err); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s\nfigure: %s (.svg, .pdf)\n", table, file)
	return nil
}

// apart are the figures that take longer than all others together.
func apart() (names []string) {
	for _, c := range experiment.Commands {
		if c.Apart {
			names = append(names, c.Name)
		}
	}
	return names
}

// newFigureAll makes every figure with its defaults.
func newFigureAll() *cobra.Command {
	var r request.Figure
	cmd := &cobra.Command{
		Use:     "all",
		Short:   "Make every figure, each in its folder below figures/, but for " + strings.Join(apart(), ", "),
		Example: "  largestep figure all\n  largestep figure all --preset small",
		Args:    usage.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, c := range experiment.Commands {
				if c.Apart {
					continue
				}
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
