package figure

import (
	"image/color"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"

	"largestep/metrics/record"
)

// Settings makes a group of the runs that differ in their seeds alone, by rising step
// size, labelled by what differs among them, as Medians draws them.
func Settings(runs []*record.Run) []Group { return inColours(bySeed(ordered(runs))) }

// Each makes a group of every run, labelled as Curves does.
func Each(runs []*record.Run) []Group {
	runs = ordered(runs)
	groups := each(runs, differenceLabels(runs))
	for i, family := range families(runs) {
		groups[i].Family = family
	}
	return inColours(groups)
}

// Look is how a group's curves look: see style.
type Look struct {
	Color  color.RGBA
	Dashes []vg.Length // lengths of dashes and gaps, in points; none of a whole line
}

// Looks are those of groups.
func Looks(groups []Group) []Look {
	looks := make([]Look, len(groups))
	for i, s := range (figure{groups: groups}).styles() {
		looks[i] = Look{s.color, s.dashes}
	}
	return looks
}

// Quantity is how a column is shown.
type Quantity struct {
	Column string
	Label  string // with its unit
	Log    bool
	Factor float64 // of the values: 100 for what is shown in percent
}

// Quantities are those in which a run has numbers, but for where it stands (epoch, step,
// seconds) and for values of functions.
func Quantities(runs []*record.Run) (list []Quantity) {
	feature := features(each(runs, make([]string, len(runs))))
	for _, column := range drawable(runs) {
		if slices.Contains([]string{"epoch", "step", "seconds"}, column) || record.IsFunction(column) {
			continue
		}
		s := scaleOf(column, feature)
		list = append(list, Quantity{column, s.label, s.log, s.factor})
	}
	return list
}

// MainColumns are the training loss and the test error, or the test loss where no run
// has an error.
func MainColumns(runs []*record.Run) []string { return mainColumns(runs) }

// OptionsOf are the settings of runs as text, by the names that Summarize knows, and
// those in which the runs differ but for seeds.
func OptionsOf(runs []*record.Run) (options []map[string]string, differ []string) {
	for _, r := range runs {
		options = append(options, optionsOf(r.Config))
	}
	return options, varying(options)
}

// Title names the net and the data set, as far as all runs share them.
func Title(runs []*record.Run) string { return commonTitle(runs) }

// Describe says an option with its value: "seed 3", "augment" or "no augment".
func Describe(option, value string) string {
	return describe(strings.ReplaceAll(option, "_", " "), value)
}
