package figure

import (
	"fmt"
	"io"
	"slices"

	"largestep/metrics/record"
)

// Plateaus writes, as aligned text, where the mini-batch loss of groups of runs
// stood still while the step size was large, at which level, and what the nets'
// own columns among those given gained meanwhile: medians over the runs that
// have such a plateau. It writes nothing if no run has one.
func Plateaus(w io.Writer, groups []Group, columns []string) error {
	feature := features(groups)
	var moved []string
	head := []string{"run", "runs with a plateau", "from step", "to step", "loss"}
	for _, column := range columns {
		if slices.ContainsFunc(runs(groups), func(r *record.Run) bool { return slices.Contains(r.Own, column) }) {
			moved = append(moved, column)
			head = append(head, lowerFirst(scaleOf(column, feature).label))
		}
	}
	rows := [][]string{head}
	for _, g := range groups {
		list := g.largePlateaus()
		if len(list) == 0 {
			continue
		}
		rows = append(rows, plateauRow(g, list, moved, feature))
	}
	if len(rows) == 1 {
		return nil
	}
	fmt.Fprintf(w, "\nWhere the mini-batch loss stood still under the large step size,\nand what moved per 1,000 steps meanwhile:\n")
	return writeAligned(w, rows)
}

func plateauRow(g Group, list []record.Plateau, moved []string, feature func(string) string) []string {
	median := func(of func(record.Plateau) (float64, bool)) (float64, bool) {
		var values []float64
		for _, p := range list {
			if v, ok := of(p); ok {
				values = append(values, v)
			}
		}
		_, m, _ := quartiles(values)
		return m, finite(m)
	}
	start, _ := median(func(p record.Plateau) (float64, bool) { return float64(p.Start), true })
	end, _ := median(func(p record.Plateau) (float64, bool) { return float64(p.End), true })
	level, _ := median(func(p record.Plateau) (float64, bool) { return p.Level, true })
	row := []string{g.Label, fmt.Sprintf("%d of %d", len(list), len(g.Runs)),
		fmt.Sprintf("%.0f", start), fmt.Sprintf("%.0f", end), fmt.Sprintf("%.3g", level)}
	for _, column := range moved {
		text := none
		if m, ok := median(func(p record.Plateau) (float64, bool) { v, ok := p.Change[column]; return v, ok }); ok {
			text = fmt.Sprintf("%+.3g", m*scaleOf(column, feature).factor)
		}
		row = append(row, text)
	}
	return row
}

// largePlateaus are those of the phase with the large step size, one for each run
// that counts and has one. A constant step size has none: its loss may just have
// converged.
func (g Group) largePlateaus() (list []record.Plateau) {
	counted, _ := g.split()
	for _, r := range counted {
		if p, ok := LargePlateau(r); ok {
			list = append(list, p)
		}
	}
	return list
}

// LargePlateau is where the loss of a run stood still while the step size was large, and
// became smaller later.
func LargePlateau(r *record.Run) (record.Plateau, bool) {
	i := slices.IndexFunc(r.Plateaus, func(p record.Plateau) bool { return p.Index == LargePhase(r.Config) })
	if i < 0 || len(stepSizes(r.Config)) < 2 {
		return record.Plateau{}, false
	}
	return r.Plateaus[i], true
}
