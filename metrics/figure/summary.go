package figure

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"
	"unicode/utf8"

	"largestep/metrics"
)

// Table writes the values with which groups of runs end, as aligned text: a row
// for each group, with the median of each column over the finished runs, and in
// parentheses the quartiles where there are several. Values are as metrics.csv
// has them, but in percent where the column's name ends in (%). References' values,
// in the order of the groups, stand beside the columns that have some.
func Table(w io.Writer, groups []Group, columns []string, references ...Reference) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	part := part(groups)
	head := []string{"run", "runs", "diverged"}
	unfinished := slices.ContainsFunc(groups, func(g Group) bool { return g.states().unfinished > 0 })
	if unfinished {
		head = append(head, "unfinished")
	}
	for _, column := range columns {
		head = append(head, lowerFirst(scaleOf(column, part).label))
		for _, ref := range references {
			if ref.has(column) {
				head = append(head, ref.Label)
			}
		}
	}
	fmt.Fprintf(table, "%s\n", strings.Join(head, "\t"))
	for i, g := range groups {
		count := g.states()
		cells := []string{g.Label, strconv.Itoa(len(g.Runs)), strconv.Itoa(count.diverged)}
		if unfinished {
			cells = append(cells, strconv.Itoa(count.unfinished))
		}
		for _, column := range columns {
			s := scaleOf(column, part)
			cells = append(cells, g.final(column, s))
			for _, ref := range references {
				if ref.has(column) {
					cells = append(cells, ref.text(i, column, s))
				}
			}
		}
		fmt.Fprintf(table, "%s\n", strings.Join(cells, "\t"))
	}
	return table.Flush()
}

func (ref Reference) has(column string) bool {
	return slices.ContainsFunc(ref.Finals, func(values map[string]float64) bool { _, ok := values[column]; return ok })
}

// text is the reference's value for group i.
func (ref Reference) text(i int, column string, s scale) string {
	if i < len(ref.Finals) {
		if v, ok := ref.Finals[i][column]; ok {
			return s.text(v * s.factor)
		}
	}
	return none
}

// final is the cell of a column's last values.
func (g Group) final(column string, s scale) string {
	var values []float64
	for _, r := range g.Runs {
		if n := len(r.Rows); n > 0 && r.Status.State == metrics.Finished {
			if v, ok := r.Value(n-1, column); ok && finite(v) {
				values = append(values, v*s.factor)
			}
		}
	}
	low, median, high := quartiles(values)
	switch len(values) {
	case 0:
		return none
	case 1:
		return s.text(median)
	}
	return fmt.Sprintf("%s (%s–%s)", s.text(median), s.text(low), s.text(high))
}

// text prints three digits, and of numbers from 100 up all before the point.
func (s scale) text(v float64) string {
	if !s.log && 100 <= v && v < 1e9 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// lowerFirst makes a heading of a table of a panel's.
func lowerFirst(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(first)) + s[size:]
}
