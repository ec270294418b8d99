package catalog

import (
	"fmt"
	"strings"
)

// TableOfDefaults tells what nets are trained with where nobody says otherwise.
func TableOfDefaults() string {
	var b strings.Builder
	var images []string
	for _, p := range Problems {
		if p.Reads() {
			images = append(images, p.Name)
		}
	}
	fmt.Fprintf(&b, "  %s:\n", strings.Join(images, ", "))
	for _, s := range Scales {
		if !s.Figures {
			fmt.Fprintf(&b, "    %-5s %d images, width %d, batch %d, %d epochs, η %g\n", s.Name, s.TrainSize, s.Width, s.Batch, s.Epochs, s.StepSize)
		}
	}
	for _, p := range Problems {
		if c := p.Defaults(Circumstances{}); !p.Reads() {
			fmt.Fprintf(&b, "  %-13s %s instance, %d examples, batch %d, %d steps, η %g\n", p.Name, c.Instance, c.TrainSize, c.Batch, c.Steps(), c.Schedule.First())
		}
	}
	return b.String()
}
