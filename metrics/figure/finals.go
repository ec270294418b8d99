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

// Finals writes a table of the last rows of groups of runs as aligned text:
// training loss, test error and some of the nets' own columns, all if net is nil;
// medians over the finished runs, with the quartiles where there are several;
// under each group the reference's values.
func Finals(w io.Writer, groups []Group, net []string, ref Reference) error {
	if net == nil {
		net = ownColumns(runs(groups))
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "%s\n", strings.Join(append([]string{"run", "state", "epoch", "train loss", "test error"}, net...), "\t"))
	columns := append([]string{"train_loss", "test_error"}, net...)
	for i, g := range groups {
		cells := append([]string{g.Label}, g.progress()...)
		for _, name := range columns {
			cells = append(cells, g.lastCell(name))
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

// progress is the state of a run and its last epoch, or how many of several have
// finished.
func (g Group) progress() []string {
	if len(g.Runs) > 1 {
		n := g.states()
		return []string{fmt.Sprintf("%d of %d finished", len(g.Runs)-n.diverged-n.unfinished, len(g.Runs)), none}
	}
	r, epoch := g.Runs[0], none
	if n := len(r.Rows); n > 0 {
		epoch = fmt.Sprintf("%.4g", r.Rows[n-1].Epoch)
	}
	return []string{string(r.Status.State), epoch}
}

// lastCell is the last value of a column of one run, or the median and the
// quartiles of those of the finished runs.
func (g Group) lastCell(column string) string {
	var values []float64
	for _, r := range g.Runs {
		last := len(r.Rows) - 1
		if last < 0 || len(g.Runs) > 1 && r.Status.State != metrics.Finished {
			continue
		}
		if v, ok := r.Value(last, column); ok {
			values = append(values, v)
		}
	}
	switch {
	case len(values) == 0:
		return none
	case len(g.Runs) == 1:
		return cell(column, values[0])
	}
	low, median, high := quartiles(values)
	return fmt.Sprintf("%s (%s–%s)", cell(column, median), strings.TrimSuffix(cell(column, low), " %"), strings.TrimSuffix(cell(column, high), " %"))
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
