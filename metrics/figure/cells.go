package figure

import (
	"fmt"
	"strconv"

	"largestep/metrics/record"
)

// referenceCell is the reference's value for group i, with the digits it was
// given with.
func referenceCell(ref record.Reference, i int, column string, s scale) string {
	if i < len(ref.Finals) {
		if v, ok := ref.Finals[i][column]; ok {
			return strconv.FormatFloat(v*s.factor, 'g', 10, 64)
		}
	}
	return none
}

// none stands for a value that there is not.
const none = "–"

// lastValues are the finite ones with which the finished runs of a group end.
func (g Group) lastValues(column string) (values []float64) {
	for _, r := range g.Runs {
		if n := len(r.Rows); n > 0 && r.Status.State == record.Finished {
			if v, ok := r.Value(n-1, column); ok && finite(v) {
				values = append(values, v)
			}
		}
	}
	return values
}

// lastCell is the median of a column's last values, with the quartiles if there
// are several.
func (g Group) lastCell(column string, s scale) string {
	values := g.lastValues(column)
	low, median, high := quartiles(values)
	switch len(values) {
	case 0:
		return none
	case 1:
		return s.text(median * s.factor)
	}
	return fmt.Sprintf("%s (%s–%s)", s.text(median*s.factor), s.text(low*s.factor), s.text(high*s.factor))
}

// text prints three digits, and of numbers from 100 up all before the point.
func (s scale) text(v float64) string {
	if !s.log && 100 <= v && v < 1e9 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
