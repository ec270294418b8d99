package record

import "slices"

// A Reference is what other runs ended with, to compare with.
type Reference struct {
	Label string // of its values, "paper" for instance
	Note  string // what a reader must know of it
	// Finals are, for each group of runs, values by the names of metrics.csv's
	// columns. It may be empty.
	Finals []map[string]float64
}

// Has tells whether the reference has values in a column.
func (r Reference) Has(column string) bool {
	return slices.ContainsFunc(r.Finals, func(values map[string]float64) bool { _, ok := values[column]; return ok })
}
