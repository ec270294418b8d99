package experiment

import (
	"bytes"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"largestep/metrics/atomicfile"
	"largestep/metrics/figure"
	"largestep/metrics/record"
	"largestep/train/instances"
)

// Drawing is how a figure is made of its runs' records.
type Drawing struct {
	Name    string // of its files
	Columns []string
	Table   []string // columns of the table of the final values
	Title   string   // "" for net and data set
	Setting string   // that the title adds to them
	X       figure.Axis
	Ends    bool // of the last values, not of curves

	// finals writes the table, before the plateaus.
	finals func(w *bytes.Buffer, groups []figure.Group) error
}

// Draw makes the figure's files in a folder: .png, .svg and .pdf, and the table
// of final values as .txt and .csv. It returns the table and the first file.
func (d Drawing) Draw(dir string, groups []figure.Group) (table, file string, err error) {
	if groups, err = figure.Labelled(groups); err != nil {
		return "", "", err
	}
	options := figure.Options{Columns: d.Columns, Title: d.Title, Setting: d.Setting, X: d.X}
	files := figure.Files(dir, d.Name)
	draw := figure.Groups
	if d.Ends {
		draw = figure.Ends
	}
	if err := draw(groups, options, files...); err != nil {
		return "", "", err
	}
	if slices.ContainsFunc(groups[0].Runs[0].Own, record.IsFunction) {
		if err := figure.Functions(fits(groups), d.Title, figure.Files(dir, d.Name+"-functions")...); err != nil {
			return "", "", err
		}
	}
	var text bytes.Buffer
	if err := d.finals(&text, groups); err != nil {
		return "", "", err
	}
	if err := figure.Plateaus(&text, groups, d.Table); err != nil {
		return "", "", err
	}
	if err := atomicfile.WriteFile(filepath.Join(dir, d.Name+".txt"), text.Bytes()); err != nil {
		return "", "", err
	}
	return text.String(), files[0], figure.SaveCSV(filepath.Join(dir, d.Name+".csv"), groups, d.Table)
}

// fits are the functions that the first run of each group has recorded: at the
// start, at the end, and at three points between.
func fits(groups []figure.Group) []figure.Fit {
	var fits []figure.Fit
	for _, g := range groups {
		fits = append(fits, fit(g.Label, g.Runs[0]))
	}
	return fits
}

func fit(label string, r *record.Run) figure.Fit {
	f := figure.Fit{Label: label}
	points := instances.Points1D()
	f.X, f.Y = points.Inputs, points.Labels
	var columns []int
	for k, name := range r.Own {
		if text, ok := strings.CutPrefix(name, "h("); ok {
			x, err := strconv.ParseFloat(strings.TrimSuffix(text, ")"), 64)
			if err == nil {
				f.Grid, columns = append(f.Grid, x), append(columns, k)
			}
		}
	}
	for i, row := range r.Rows {
		if i != 0 && i != len(r.Rows)-1 && !slices.Contains([]int{1, len(r.Rows) / 8, len(r.Rows) / 2}, i) {
			continue
		}
		s := figure.Snapshot{Step: row.Step}
		for _, k := range columns {
			s.Values = append(s.Values, row.Own[k])
		}
		f.Snapshots = append(f.Snapshots, s)
	}
	return f
}
