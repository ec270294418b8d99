package page

import (
	"maps"
	"math"
	"slices"
	"strconv"

	"largestep/metrics/figure"
	"largestep/metrics/record"
)

// A number is written with as many digits as a chart can show; null is what is not
// finite.
type number float64

var none = math.NaN()

// MarshalJSON writes whole numbers exactly and others with seven digits.
func (n number) MarshalJSON() ([]byte, error) { return appendNumber(nil, float64(n)), nil }

func appendNumber(b []byte, v float64) []byte {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return append(b, "null"...)
	case v == math.Trunc(v) && math.Abs(v) < 1e15:
		return strconv.AppendInt(b, int64(v), 10)
	}
	return strconv.AppendFloat(b, v, 'g', 7, 64)
}

// numbers are an array of them.
type numbers []float64

// MarshalJSON writes the array.
func (list numbers) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 10*len(list)+2)
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendNumber(b, v)
	}
	return append(b, ']'), nil
}

// Column is the document of a column's numbers, of those runs that changed after a
// revision, by their ids.
type Column struct {
	Revision int                `json:"revision"`
	Runs     map[string]numbers `json:"runs"`
}

// Column makes the document. There is none of a net that is not there.
func (s *Snapshot) Column(netName, column string, since int) (Column, bool) {
	n := s.net(netName)
	if n == nil {
		return Column{}, false
	}
	d := Column{s.Revision, map[string]numbers{}}
	for _, e := range n.entries {
		if e.Revision <= since {
			continue
		}
		values := make(numbers, 0, len(e.Run.Rows))
		for i := range e.Run.Rows {
			v, ok := e.Run.Value(i, column)
			if !ok {
				break
			}
			values = append(values, v)
		}
		d.Runs[e.ID] = values
	}
	return d, true
}

// Table is the document of the values with which groups of runs ended.
type Table struct {
	Rows   [][]string `json:"rows"`   // the head first
	Beside []int      `json:"beside"` // columns of published numbers
	Notes  []string   `json:"notes"`
}

// Table makes the document of one of the net's groupings.
func (s *Snapshot) Table(netName, by string) (Table, bool) {
	n := s.net(netName)
	if n == nil {
		return Table{}, false
	}
	k := slices.IndexFunc(n.groupings, func(g grouping) bool { return g.name == by })
	if k < 0 {
		return Table{}, false
	}
	groups := n.groupings[k].groups
	columns := figure.MainColumns(n.runs())
	for _, q := range n.quantities {
		if n.section(q) != training && n.section(q) != speed {
			columns = append(columns, q.Column)
		}
	}
	references, notes := n.published(groups)
	d := Table{Notes: notes}
	d.Rows, d.Beside = figure.Cells(groups, columns, references...)
	return d, true
}

// published are the references of the runs, for groups all of whose runs have the same.
func (n *netRuns) published(groups []figure.Group) (references []record.Reference, notes []string) {
	notes = []string{}
	of := map[*record.Run][]record.Reference{}
	for _, e := range n.entries {
		of[e.Run] = e.Published
		for _, ref := range e.Published {
			if !slices.ContainsFunc(references, func(r record.Reference) bool { return r.Label == ref.Label }) {
				references = append(references, record.Reference{Label: ref.Label, Finals: make([]map[string]float64, len(groups))})
			}
			if ref.Note != "" && !slices.Contains(notes, ref.Note) {
				notes = append(notes, ref.Note)
			}
		}
	}
	for i, g := range groups {
		for k := range references {
			references[k].Finals[i] = shared(g, of, references[k].Label)
		}
	}
	return references, notes
}

// shared are a reference's values for a group, if all of its runs have the same.
func shared(g figure.Group, of map[*record.Run][]record.Reference, label string) (values map[string]float64) {
	for i, r := range g.Runs {
		k := slices.IndexFunc(of[r], func(ref record.Reference) bool { return ref.Label == label })
		if k < 0 {
			return nil
		}
		theirs := of[r][k].Finals[0]
		if i > 0 && !maps.Equal(values, theirs) {
			return nil
		}
		values = theirs
	}
	return values
}

// Detail is the document of all that is known of how a run was made.
type Detail struct {
	ID       string           `json:"id"`
	Config   map[string]any   `json:"config"`  // all of config.json
	Message  string           `json:"message"` // of its end
	Plateaus []record.Plateau `json:"plateaus"`
}

// Detail makes the document.
func (s *Snapshot) Detail(id string) (Detail, bool) {
	i := slices.IndexFunc(s.Entries, func(e Entry) bool { return e.ID == id })
	if i < 0 {
		return Detail{}, false
	}
	r := s.Entries[i].Run
	return Detail{id, r.Config.File, r.Status.Message, r.Plateaus}, true
}
