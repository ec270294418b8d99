package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"largestep/cmd/internal/usage"
	"largestep/train/lecture"
)

func newFigureFiniteSums() *cobra.Command {
	out := "figures/finite-sums"
	cmd := &cobra.Command{
		Use:   "finite-sums",
		Short: lecture.About,
		Long: `Draws finite-sums.png, .svg and .pdf, what theory says of sums of parabolas and
what trainings measure: the terms, the far-out zone and the region of confusion;
how far SGD stays from the optimum against the step size; C/t against C/√t, and a
C that is too small; with against without replacement; the noise of a mini-batch;
heavy ball. The slopes are in a .txt and a .csv, beside the theory's. Seconds.`,
		Example: "  largestep figure finite-sums",
		Args:    usage.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return drawFiniteSums(cmd, out) },
	}
	cmd.Flags().StringVar(&out, "out", out, "folder of the figure")
	return cmd
}

func drawFiniteSums(cmd *cobra.Command, out string) error {
	f, err := lecture.Make(cmd.Context())
	if err != nil {
		return err
	}
	table, file, err := f.Draw(out)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s\nfigure: %s (.svg, .pdf)\n", table, file)
	return nil
}
