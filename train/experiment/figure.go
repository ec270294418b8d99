package experiment

import (
	"cmp"
	"fmt"

	"largestep/data"
	"largestep/train/catalog"
	"largestep/train/schedule"
)

// Figure is a figure of the paper.
type Figure interface {
	// About is what it shows, in a line.
	About() string
	// Problem is what its runs train.
	Problem() catalog.Problem
	// Plan says which runs stand behind it, and how it is drawn.
	Plan(o Order) (*Plan, error)
}

// Order is what is asked for of a figure. Zero values stand for what suits it.
type Order struct {
	Seeds     int    // runs of each curve
	Seed      uint64 // of the first runs of a classifier of images
	Precision string
	Scale     *catalog.Scale // of classifiers of images
	Place     data.Place     // of their images
	Instance  string         // of a small problem
}

// mostSeeds keeps the list of a figure's runs within memory.
const mostSeeds = 10_000

// CheckSeeds refuses numbers of runs that nobody can make.
func CheckSeeds(n int) error {
	if n < 1 || n > mostSeeds {
		return fmt.Errorf("%d seeds: want 1 to %d", n, mostSeeds)
	}
	return nil
}

// Plan is a figure to be made.
type Plan struct {
	Folder   string // that suits it, below that of all figures
	Settings []Setting
	Data     *data.Dataset // nil of a problem that reads none
	Drawing
}

// Command is what makes figures together.
type Command struct {
	Name    string
	Figures []Figure
	Apart   bool // not made where all are: it takes longer than they together
}

// Commands are all there are.
var Commands = commands()

func commands() []Command {
	var list []Command
	add := func(name string, f Figure, apart bool) {
		for i := range list {
			if list[i].Name == name {
				list[i].Figures = append(list[i].Figures, f)
				return
			}
		}
		list = append(list, Command{name, []Figure{f}, apart})
	}
	for _, f := range imageFigures {
		add(f.Name, f, f.ends || f.apart)
	}
	for _, f := range smallFigures {
		add(cmp.Or(f.command, f.Name), f, f.ends)
	}
	return list
}

// decayFractions are where the paper's figures decay the large step size.
var decayFractions = []float64{0.1, 0.3, 0.5}

// decayed is a large step size, from the fraction at on divided by factor.
func decayed(eta, factor, at float64) schedule.Schedule {
	return schedule.Schedule{Phases: []schedule.Phase{{Name: "large", StepSize: eta}, {Name: "small", Start: at, StepSize: eta / factor}}}
}
