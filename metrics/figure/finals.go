package figure

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"largestep/metrics"
)

// A Reference is what other runs ended with, to compare with.
type Reference struct {
	Label string // of its rows, "paper" for instance
	Note  string // what a reader must know of it
	// Finals are, for each run, values by the names of metrics.csv's columns. It
	// may be empty.
	Finals []map[string]float64
}

// Finals writes a table of the runs' last rows as aligned text: training loss,
// test error and some of the nets' own columns, all if net is nil; under each
// run the reference's values.
func Finals(w io.Writer, runs []*metrics.Run, net []string, ref Reference) error {
	if net == nil {
		net = ownColumns(runs)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "%s\n", strings.Join(append([]string{"run", "state", "epoch", "train loss", "test error"}, net...), "\t"))
	columns := append([]string{"train_loss", "test_error"}, net...)
	labels := scheduleLabels(runs)
	for i, r := range runs {
		epoch, last := none, len(r.Rows)-1
		if last >= 0 {
			epoch = fmt.Sprintf("%.4g", r.Rows[last].Epoch)
		}
		cells := []string{labels[i], string(r.Status.State), epoch}
		for _, name := range columns {
			if last < 0 || !r.Has(name) {
				cells = append(cells, none)
				continue
			}
			v, _ := r.Value(last, name)
			cells = append(cells, cell(name, v))
		}
		fmt.Fprintf(table, "%s\n", strings.Join(cells, "\t"))
		if i < len(ref.Finals) {
			fmt.Fprintf(table, "%s\n", strings.Join(ref.cells(i, columns), "\t"))
		}
	}
	if err := table.Flush(); err != nil || ref.Note == "" {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n", ref.Note)
	return err
}

// ownColumns are those of any of the runs.
func ownColumns(runs []*metrics.Run) (net []string) {
	for _, r := range runs {
		for _, name := range r.Net {
			if !slices.Contains(net, name) {
				net = append(net, name)
			}
		}
	}
	return net
}

// cells is the reference's row for run i.
func (ref Reference) cells(i int, columns []string) []string {
	cells := []string{"  " + ref.Label, "", ""}
	for _, name := range columns {
		text := none
		if v, ok := ref.Finals[i][name]; ok {
			text = cell(name, v)
		}
		cells = append(cells, text)
	}
	return cells
}

// none stands for a value that there is not.
const none = "–"

func cell(column string, v float64) string {
	switch column {
	case "train_loss":
		return fmt.Sprintf("%.3g", v)
	case "test_error":
		return fmt.Sprintf("%.2f %%", 100*v)
	}
	return fmt.Sprintf("%.4g", v)
}
