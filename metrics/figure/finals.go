package figure

import (
	"fmt"
	"io"
	"slices"

	"largestep/metrics/record"
)

// Finals writes a table of the last rows of groups of runs as aligned text:
// training loss, test error and some of the nets' own columns, all if net is nil;
// medians over the finished runs, with the quartiles where there are several;
// under each group the reference's values. What its heading marks with (%) is in
// percent.
func Finals(w io.Writer, groups []Group, net []string, ref record.Reference) error {
	if net == nil {
		net = ownColumns(runs(groups))
	}
	columns := append([]string{"train_loss", "test_error"}, net...)
	head := []string{"run", "state", "epoch"}
	for _, column := range columns {
		head = append(head, shortLabel(column))
	}
	rows := [][]string{head}
	for i, g := range groups {
		ours, theirs := append([]string{g.Label}, g.progress()...), []string{"  " + ref.Label, "", ""}
		for _, column := range columns {
			s := scaleOf(column, record.Config{}.Feature)
			ours, theirs = append(ours, g.lastCell(column, s)), append(theirs, referenceCell(ref, i, column, s))
		}
		rows = append(rows, ours)
		if i < len(ref.Finals) {
			rows = append(rows, theirs)
		}
	}
	if err := writeAligned(w, rows); err != nil || ref.Note == "" {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n", ref.Note)
	return err
}

// shortLabel is a column's name, and its unit.
func shortLabel(column string) string {
	switch {
	case column == "train_loss":
		return "train loss"
	case column == "test_error":
		return "test error (%)"
	case scaleOf(column, record.Config{}.Feature).factor == 100:
		return column + " (%)"
	}
	return column
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

// ownColumns are those of any of the runs.
func ownColumns(runs []*record.Run) (net []string) {
	for _, r := range runs {
		for _, name := range r.Own {
			if !slices.Contains(net, name) {
				net = append(net, name)
			}
		}
	}
	return net
}
