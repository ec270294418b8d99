package figure

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"largestep/metrics"
)

// Finals writes a table of the runs' last rows: training loss, test error and
// the nets' own columns, as aligned text.
func Finals(w io.Writer, runs []*metrics.Run) error {
	var net []string
	for _, r := range runs {
		for _, name := range r.Net {
			if !slices.Contains(net, name) {
				net = append(net, name)
			}
		}
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "%s\n", strings.Join(append([]string{"run", "state", "epoch", "train loss", "test error"}, net...), "\t"))
	labels := scheduleLabels(runs)
	for i, r := range runs {
		cells := []string{labels[i], string(r.Status.State), "–", "–", "–"}
		last := len(r.Rows) - 1
		if last >= 0 {
			row := r.Rows[last]
			cells[2] = fmt.Sprintf("%.4g", row.Epoch)
			cells[3] = fmt.Sprintf("%.3g", row.TrainLoss)
			cells[4] = fmt.Sprintf("%.2f %%", 100*row.TestError)
		}
		for _, name := range net {
			cell := "–"
			if last >= 0 && r.Has(name) {
				v, _ := r.Value(last, name)
				cell = fmt.Sprintf("%.4g", v)
			}
			cells = append(cells, cell)
		}
		fmt.Fprintf(table, "%s\n", strings.Join(cells, "\t"))
	}
	return table.Flush()
}
