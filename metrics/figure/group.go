package figure

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"largestep/metrics/record"
)

// A Group is one setting, run with one or several seeds.
type Group struct {
	Label  string // of the legend
	Family string // of groups that differ in their schedules alone, and share a hue
	Runs   []*record.Run
}

// Groups draws columns of groups of runs into each of the files, each family from
// light to dark in the order given. Runs are aligned by step. Where a group has
// several, a line is their median and a band reaches from the lower to the upper
// quartile; diverged runs are left out of both, drawn thin up to where they were
// last evaluated, with a tick at the top of the panel, and counted in the legend.
// Shaded is the plateau of the mini-batch loss in the phase with the large step
// size, for runs whose plateaus were recorded.
func Groups(groups []Group, opt Options, files ...string) error {
	for _, g := range groups {
		if len(g.Runs) == 0 {
			return fmt.Errorf("no runs of %q to draw", g.Label)
		}
	}
	f := figure{groups: groups, Options: opt, across: 3}
	return f.withDefaults().save(files)
}

// ordered sorts runs by their large step size and by how long they keep it, which
// is what runs from light to dark.
func ordered(runs []*record.Run) []*record.Run {
	key := func(r *record.Run) (stepSize, end float64) {
		i, phases := LargePhase(r.Config), r.Config.Phases
		switch {
		case len(phases) == 0:
			return 0, 1
		case i+1 < len(phases):
			return phases[i].StepSize, phases[i+1].Start
		}
		return phases[i].StepSize, 1
	}
	return slices.SortedStableFunc(slices.Values(runs), func(a, b *record.Run) int {
		stepA, endA := key(a)
		stepB, endB := key(b)
		return cmp.Or(cmp.Compare(stepA, stepB), cmp.Compare(endA, endB))
	})
}

// each makes a group of every run.
func each(runs []*record.Run, labels []string) []Group {
	groups := make([]Group, len(runs))
	for i, r := range runs {
		groups[i] = Group{Label: labels[i], Runs: []*record.Run{r}}
	}
	return groups
}

// bySeed groups runs that differ in their seeds alone, and labels the groups by
// what differs among them.
func bySeed(runs []*record.Run) []Group {
	var groups []Group
	place := map[string]int{} // of a setting among the groups
	var first []*record.Run
	for _, r := range runs {
		setting := choices(r.Config)
		delete(setting, "seed")
		delete(setting, "order")           // of the examples, which a seed decides, too
		key := fmt.Sprintf("%#v", setting) // keys in order
		if i, ok := place[key]; ok {
			groups[i].Runs = append(groups[i].Runs, r)
			continue
		}
		place[key] = len(groups)
		groups = append(groups, Group{Runs: []*record.Run{r}})
		first = append(first, r)
	}
	labels := differenceLabels(first, "seed", "order")
	for i, family := range families(first, "seed", "order") {
		groups[i].Label, groups[i].Family = labels[i], family
	}
	return groups
}

// runs are those of all groups.
func runs(groups []Group) (all []*record.Run) {
	for _, g := range groups {
		all = append(all, g.Runs...)
	}
	return all
}

// split parts the runs that count from those that diverged; if all did, they
// count.
func (g Group) split() (counted, diverged []*record.Run) {
	for _, r := range g.Runs {
		if r.Status.State == record.Diverged {
			diverged = append(diverged, r)
		} else {
			counted = append(counted, r)
		}
	}
	if len(counted) == 0 {
		return diverged, nil
	}
	return counted, diverged
}

// states counts the runs of a group that are not finished.
type states struct{ diverged, unfinished int }

func (g Group) states() (n states) {
	for _, r := range g.Runs {
		switch r.Status.State {
		case record.Diverged:
			n.diverged++
		case record.Finished:
		default:
			n.unfinished++
		}
	}
	return n
}

func (g Group) allDiverged() bool { return g.states().diverged == len(g.Runs) }

// label is the legend's: with what a reader must know of runs that did not
// finish.
func (g Group) label() string {
	var notes []string
	if n := g.states(); len(g.Runs) == 1 {
		notes = append(notes, stateLabel(g.Runs[0]))
	} else {
		switch all := len(g.Runs); {
		case n.diverged == all-1 && n.unfinished == 0: // a line of one run, not a median
			notes = append(notes, fmt.Sprintf("1 of %d did not diverge", all))
		case n.diverged > 0:
			notes = append(notes, fmt.Sprintf("%d of %d diverged", n.diverged, all))
		}
		if n.unfinished > 0 {
			notes = append(notes, fmt.Sprintf("%d of %d unfinished", n.unfinished, len(g.Runs)))
		}
	}
	if note := strings.Join(notes, ", "); note != "" {
		return g.Label + " (" + note + ")"
	}
	return g.Label
}

// An interval is a band's height at x.
type interval struct{ x, low, high float64 }

// series is a column of one run.
func series(r *record.Run, column string, factor float64, x Axis) []point {
	var points []point
	for i := range r.Rows {
		if y, ok := r.Value(i, column); ok {
			points = append(points, point{x.of(&r.Rows[i]), y * factor})
		}
	}
	return points
}

// quartileSeries are the medians of a column over runs that evaluated at the
// same steps, and the quartiles. At each step, the runs count whose value there
// is finite; the median is NaN where none is.
func quartileSeries(list []*record.Run, column string, factor float64, x Axis) (median []point, band []interval) {
	values := map[int][]float64{}
	at := map[int]float64{}
	for _, r := range list {
		for i := range r.Rows {
			if y, ok := r.Value(i, column); ok {
				step := r.Rows[i].Step
				at[step] = x.of(&r.Rows[i])
				values[step] = append(values[step], y*factor)
			}
		}
	}
	for _, step := range slices.Sorted(maps.Keys(values)) {
		low, middle, high := quartiles(values[step])
		median = append(median, point{at[step], middle})
		band = append(band, interval{at[step], low, high})
	}
	return median, band
}

// quartiles returns the 25th, 50th and 75th percentile of the finite values, as
// NumPy interpolates them; NaN if there are none.
func quartiles(values []float64) (low, median, high float64) {
	sorted := slices.DeleteFunc(slices.Clone(values), func(v float64) bool { return !finite(v) })
	slices.Sort(sorted)
	quantile := func(p float64) float64 {
		i, t := math.Modf(p * float64(len(sorted)-1))
		a := sorted[int(i)]
		if t == 0 {
			return a
		}
		return a*(1-t) + sorted[int(i)+1]*t
	}
	if len(sorted) == 0 {
		return math.NaN(), math.NaN(), math.NaN()
	}
	return quantile(0.25), quantile(0.5), quantile(0.75)
}
