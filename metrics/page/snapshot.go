// Package page shows recorded runs in a browser: curves, plateaus, tables of how runs
// ended, settings. A report is one HTML file that holds all of it; a Handler serves the
// same of a folder, live.
//
// Both are made of the same four kinds of JSON documents of a Snapshot: the index, which
// tells of all runs but for their numbers; a column of them; a table; and what there is to
// know of one run. The report holds the documents, the server answers requests for
// them. Whatever differs among runs, how they are called, coloured and grouped, is package
// figure's to say; what runs in the browser (assets) draws.
package page

import (
	"slices"
	"strings"
	"sync"

	"largestep/metrics/figure"
	"largestep/metrics/record"
)

// An Entry is a run on a page.
type Entry struct {
	ID        string // of no other run; what a reader calls it
	Run       *record.Run
	Published []record.Reference // to set beside it, of one group
	Revision  int                // at which it last changed
}

// A Snapshot is what a page shows at some time. It does not change.
type Snapshot struct {
	Title    string
	Program  string // name and version of what makes the page
	Live     bool   // a later one may follow
	Revision int    // counts changes
	Entries  []Entry
	Problems []string // what could not be read, and why

	once sync.Once
	nets []*netRuns
}

// netRuns are the runs of one net: others' do not compare.
type netRuns struct {
	name       string
	entries    []*Entry
	quantities []figure.Quantity
	groupings  []grouping
}

// A grouping parts runs; curves of a group have one colour.
type grouping struct {
	name   string // "setting", "run", or the option by which the groups differ
	groups []figure.Group
}

// The groupings that there always are.
const (
	bySetting = "setting" // all but seeds
	byRun     = "run"
)

// mostGroups keeps options of many values from being offered for a grouping.
const mostGroups = 100

func (s *Snapshot) all() []*netRuns {
	s.once.Do(func() {
		of := map[string]*netRuns{}
		for i := range s.Entries {
			e := &s.Entries[i]
			name := e.Run.Config.Net
			if of[name] == nil {
				of[name] = &netRuns{name: name}
				s.nets = append(s.nets, of[name])
			}
			of[name].entries = append(of[name].entries, e)
		}
		slices.SortFunc(s.nets, func(a, b *netRuns) int { return strings.Compare(a.name, b.name) })
		for _, n := range s.nets {
			n.arrange()
		}
	})
	return s.nets
}

// runs are the net's, for package figure.
func (n *netRuns) runs() []*record.Run {
	list := make([]*record.Run, len(n.entries))
	for i, e := range n.entries {
		list[i] = e.Run
	}
	return list
}

// first are the options to group by that come first, the last one foremost: what a run is about.
var first = []string{"schedule", "decay_at", "step_size"}

func (n *netRuns) arrange() {
	runs := n.runs()
	n.quantities = figure.Quantities(runs)
	n.groupings = []grouping{{bySetting, figure.Settings(runs)}}
	_, differ := figure.OptionsOf(runs)
	slices.SortStableFunc(differ, func(a, b string) int { return slices.Index(first, b) - slices.Index(first, a) })
	for _, option := range differ {
		if len(differ) < 2 {
			break // the same as the settings
		}
		summary, err := figure.Summarize(runs, []string{option}, nil)
		if err != nil || len(summary.Groups) > mostGroups {
			continue // no numbers yet, or too many to tell apart
		}
		for i := range summary.Groups {
			summary.Groups[i].Label = figure.Describe(option, summary.Groups[i].Label)
		}
		n.groupings = append(n.groupings, grouping{option, summary.Groups})
	}
	n.groupings = append(n.groupings, grouping{byRun, figure.Each(runs)})
}

// net finds one by its name.
func (s *Snapshot) net(name string) *netRuns {
	nets := s.all()
	if i := slices.IndexFunc(nets, func(n *netRuns) bool { return n.name == name }); i >= 0 {
		return nets[i]
	}
	return nil
}
