package figure

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

// pageColumns is the width of text that any terminal shows without breaking lines.
const pageColumns = 80

const columnSpace = 2 // between two columns

// writeAligned writes rows of cells, the head first, in aligned columns. Columns
// that have no room on the page follow below, beside the first one again; those in
// beside stay at the side of the one before them.
func writeAligned(w io.Writer, rows [][]string, beside ...int) error {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for begin := 1; begin < len(widths); {
		end := foldAt(widths, begin, beside)
		if begin > 1 {
			fmt.Fprintln(w)
		}
		table := tabwriter.NewWriter(w, 0, 0, columnSpace, ' ', 0)
		for _, row := range rows {
			fmt.Fprintf(table, "%s\t%s\n", row[0], strings.Join(row[begin:end], "\t"))
		}
		if err := table.Flush(); err != nil {
			return err
		}
		begin = end
	}
	return nil
}

// foldAt is the column before which a page ends whose columns are the first one
// and those from begin on.
func foldAt(widths []int, begin int, beside []int) (end int) {
	total := widths[0]
	for next := begin; next < len(widths); {
		for first := true; next < len(widths) && (first || slices.Contains(beside, next)); first = false {
			total += columnSpace + widths[next]
			next++
		}
		if total > pageColumns && end > 0 {
			break
		}
		end = next
	}
	return end
}
