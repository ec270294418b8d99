package experiment

import (
	"fmt"

	"largestep/train/catalog"
	"largestep/train/instances"
)

// Long tells what the figures of a command show, and which files they make.
func (c Command) Long() string {
	if f, ok := c.Figures[0].(ImageFigure); ok {
		return f.long()
	}
	about, onPaper := "", false
	for _, f := range c.Figures {
		small := f.(SmallFigure)
		about += fmt.Sprintf("%[1]s.png, %[1]s.svg and %[1]s.pdf: %s.\n", small.Name, small.Short)
		onPaper = small.Instance == instances.Paper
	}
	if onPaper {
		about += aboutInstances
	}
	return fmt.Sprintf(`Draws %s
Every setting is run from several seeds; curves are medians, with a band between
the quartiles. The final numbers are in a .txt and a .csv of the same name.`, about)
}

// aboutInstances is for problems of which there is the paper's own instance.
const aboutInstances = `
On the paper's instance seeds change the order of the examples, seed 0 being the
paper's own, and the paper's numbers stand beside ours. On random instances they
change everything, and step sizes are relative to the edge of divergence of each;
as divergence is not monotone, some below it may still diverge.
`

func (f ImageFigure) long() string {
	presets := ""
	for _, s := range catalog.Scales {
		size := f.StepSizes(s)
		presets += fmt.Sprintf("  %-6s %s; batch %d, η %g and %g\n", s.Name, s.About, s.Batch, size.Small, size.Large)
	}
	return fmt.Sprintf(`%s

It trains whatever of its runs is missing, goes on with those that were cut
short, and draws %[2]s.png, %[2]s.svg and %[2]s.pdf, with the final numbers in %[2]s.txt
and %[2]s.csv.
With several seeds, curves are medians, with a band between the quartiles.

Presets:
%[3]s  auto   paper with a GPU, quick on a CPU`, f.Long, f.Name, presets)
}
