package figure

import (
	"io"
	"slices"
	"strconv"
	"unicode"
	"unicode/utf8"

	"largestep/metrics/record"
)

// Table writes the values with which groups of runs end, as aligned text of at most
// 80 columns where the labels allow: a row for each group, with the median of each
// column over the finished runs, and in parentheses the quartiles where there are
// several. Values are as metrics.csv
// has them, but in percent where the column's name ends in (%). References' values,
// in the order of the groups, stand beside the columns that have some.
func Table(w io.Writer, groups []Group, columns []string, references ...record.Reference) error {
	rows, beside := Cells(groups, columns, references...)
	return writeAligned(w, rows, beside...)
}

// Cells are those that Table aligns, the head first, and which columns are the
// references'.
func Cells(groups []Group, columns []string, references ...record.Reference) (rows [][]string, beside []int) {
	feature := features(groups)
	head := []string{"run", "runs", "diverged"}
	unfinished := slices.ContainsFunc(groups, func(g Group) bool { return g.states().unfinished > 0 })
	if unfinished {
		head = append(head, "unfinished")
	}
	for _, column := range columns {
		head = append(head, lowerFirst(scaleOf(column, feature).label))
		for _, ref := range references {
			if ref.Has(column) {
				beside = append(beside, len(head))
				head = append(head, ref.Label)
			}
		}
	}
	rows = [][]string{head}
	for i, g := range groups {
		count := g.states()
		cells := []string{g.Label, strconv.Itoa(len(g.Runs)), strconv.Itoa(count.diverged)}
		if unfinished {
			cells = append(cells, strconv.Itoa(count.unfinished))
		}
		for _, column := range columns {
			s := scaleOf(column, feature)
			cells = append(cells, g.lastCell(column, s))
			for _, ref := range references {
				if ref.Has(column) {
					cells = append(cells, referenceCell(ref, i, column, s))
				}
			}
		}
		rows = append(rows, cells)
	}
	return rows, beside
}

// lowerFirst makes a heading of a table of a panel's.
func lowerFirst(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(first)) + s[size:]
}
