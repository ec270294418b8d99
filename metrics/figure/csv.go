package figure

import (
	"encoding/csv"
	"io"
	"strconv"

	"largestep/metrics/atomicfile"
)

// SaveCSV writes what tables tell of groups of runs into a file for other programs:
// a row for each group, with median and quartiles of each column over the
// finished runs, as metrics.csv has the values; nothing where there are none.
func SaveCSV(file string, groups []Group, columns []string) error {
	records := [][]string{{"run", "runs", "diverged", "unfinished"}}
	for _, column := range columns {
		records[0] = append(records[0], column, column+"_lower_quartile", column+"_upper_quartile")
	}
	for _, g := range groups {
		n := g.states()
		record := []string{g.Label, strconv.Itoa(len(g.Runs)), strconv.Itoa(n.diverged), strconv.Itoa(n.unfinished)}
		record = append(record, g.quartileCells(columns)...)
		records = append(records, record)
	}
	return atomicfile.Write(file, func(w io.Writer) error { return csv.NewWriter(w).WriteAll(records) })
}
