package figure

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"largestep/metrics/atomicfile"
	"largestep/metrics/record"
)

// Summary is a table of the values with which runs end: a row for each setting, of
// runs that differ in their seeds alone, or in what nobody asks for.
type Summary struct {
	By      []string // options, as config.json has them, or of the schedule
	Columns []string // of metrics.csv
	Groups  []Group
	values  [][]string // of By, for each group
}

// Summarize groups runs by options; by all in which they differ but for seeds, if by
// is empty. Columns are the main ones, if there are none.
func Summarize(runs []*record.Run, by, columns []string) (*Summary, error) {
	if len(columns) == 0 {
		columns = mainColumns(runs)
	}
	if err := (figure{groups: each(runs, names(runs)), Options: Options{Columns: columns}}).check(); err != nil {
		return nil, err
	}
	options := make([]map[string]string, len(runs))
	for i, r := range runs {
		options[i] = optionsOf(r.Config)
	}
	if len(by) == 0 {
		by = varying(options)
	}
	s := &Summary{By: by, Columns: columns}
	for _, name := range by {
		if !slices.ContainsFunc(options, func(o map[string]string) bool { return o[name] != "" }) {
			return nil, fmt.Errorf("no run has an option %q: choose from %s", name, strings.Join(optionNames(options), ", "))
		}
	}
	for i, r := range runs {
		var values []string
		for _, name := range by {
			values = append(values, cmp.Or(options[i][name], none))
		}
		k := slices.IndexFunc(s.values, func(v []string) bool { return slices.Equal(v, values) })
		if k < 0 {
			k = len(s.values)
			s.values = append(s.values, values)
			s.Groups = append(s.Groups, Group{Label: strings.Join(values, ", ")})
		}
		s.Groups[k].Runs = append(s.Groups[k].Runs, r)
	}
	s.sort()
	return s, nil
}

// sort orders rows by the values, numbers as such.
func (s *Summary) sort() {
	order := make([]int, len(s.values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return slices.CompareFunc(s.values[a], s.values[b], compareValues) })
	values, groups := s.values, s.Groups
	s.values, s.Groups = nil, nil
	for _, i := range order {
		s.values, s.Groups = append(s.values, values[i]), append(s.Groups, groups[i])
	}
}

func compareValues(a, b string) int {
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	if err1 == nil && err2 == nil {
		return cmp.Compare(x, y)
	}
	return strings.Compare(a, b)
}

// Options of a run that its schedule has.
const (
	stepSizeOption = "step_size" // the first one
	decayOption    = "decay_at"  // where the second phase begins
	scheduleOption = "schedule"
)

// optionsOf are a run's options as text, with those that sum up its schedule.
func optionsOf(c record.Config) map[string]string {
	options := map[string]string{}
	for name, value := range flatten(c) {
		options[strings.ReplaceAll(name, " ", "_")] = value
	}
	options[scheduleOption] = cmp.Or(c.Schedule, c.Exact)
	options["engine"] = c.Engine
	phases := stepSizes(c)
	if len(phases) > 0 {
		options[stepSizeOption] = plain(phases[0].StepSize)
	}
	if len(phases) > 1 {
		options[decayOption] = plain(phases[1].Start)
	}
	return options
}

// varying are the options in which runs differ but for seeds; the schedule only
// where its step size and decay do not tell all.
func varying(options []map[string]string) (by []string) {
	differ := func(name string) bool {
		return slices.ContainsFunc(options, func(o map[string]string) bool { return o[name] != options[0][name] })
	}
	for _, name := range optionNames(options) {
		if differ(name) && !slices.Contains([]string{"seed", "order", "engine", scheduleOption}, name) {
			by = append(by, name)
		}
	}
	told := map[string]string{}
	for _, o := range options {
		key := o[stepSizeOption] + " " + o[decayOption]
		if other, ok := told[key]; ok && other != o[scheduleOption] {
			return append(slices.DeleteFunc(by, func(name string) bool { return name == stepSizeOption || name == decayOption }), scheduleOption)
		}
		told[key] = o[scheduleOption]
	}
	return by
}

func optionNames(options []map[string]string) (all []string) {
	for _, o := range options {
		for name := range o {
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	slices.Sort(all)
	return all
}

// Write writes the table as text, Markdown, LaTeX or CSV, as an extension says: .txt,
// .md, .tex or .csv. Values are medians over the finished runs, with the quartiles
// where there are several, in percent where the heading says so; those of a CSV
// file are as metrics.csv has them.
func (s *Summary) Write(w io.Writer, extension string) error {
	switch extension {
	case ".txt":
		return writeAligned(w, s.cells())
	case ".md":
		return writeMarkdown(w, s.cells())
	case ".tex":
		return writeLaTeX(w, s.cells())
	case ".csv":
		return csv.NewWriter(w).WriteAll(s.records())
	}
	return fmt.Errorf("%s: cannot write a table in that format: choose .txt, .md, .csv or .tex", extension)
}

// Save writes the table into a file, in the format that its name says.
func (s *Summary) Save(file string) error {
	var b bytes.Buffer
	if err := s.Write(&b, extension(file)); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return atomicfile.WriteFile(file, b.Bytes())
}

// cells are the rows of the table for people, the head first.
func (s *Summary) cells() [][]string {
	by := s.By
	if len(by) == 0 {
		by = []string{"run"}
	}
	head := append(slices.Clone(by), "runs", "diverged", "unfinished")
	for _, column := range s.Columns {
		head = append(head, shortLabel(column))
	}
	rows := [][]string{head}
	for i, g := range s.Groups {
		n := g.states()
		values := s.values[i]
		if len(s.By) == 0 {
			values = []string{"all"}
		}
		row := append(slices.Clone(values), strconv.Itoa(len(g.Runs)), strconv.Itoa(n.diverged), strconv.Itoa(n.unfinished))
		for _, column := range s.Columns {
			row = append(row, g.lastCell(column, scaleOf(column, record.Config{}.Feature)))
		}
		rows = append(rows, row)
	}
	return rows
}

// records are those of a CSV file.
func (s *Summary) records() [][]string {
	records := [][]string{append(slices.Clone(s.By), "runs", "diverged", "unfinished")}
	for _, column := range s.Columns {
		records[0] = append(records[0], column, column+"_lower_quartile", column+"_upper_quartile")
	}
	for i, g := range s.Groups {
		n := g.states()
		records = append(records, slices.Concat(s.values[i],
			[]string{strconv.Itoa(len(g.Runs)), strconv.Itoa(n.diverged), strconv.Itoa(n.unfinished)}, g.quartileCells(s.Columns)))
	}
	return records
}

// quartileCells are median and quartiles of columns, for other programs.
func (g Group) quartileCells(columns []string) (cells []string) {
	for _, column := range columns {
		low, median, high := quartiles(g.lastValues(column))
		for _, v := range []float64{median, low, high} {
			text := ""
			if finite(v) {
				text = strconv.FormatFloat(v, 'g', -1, 64)
			}
			cells = append(cells, text)
		}
	}
	return cells
}

func writeMarkdown(w io.Writer, rows [][]string) error {
	var b bytes.Buffer
	for i, row := range rows {
		for _, cell := range row {
			fmt.Fprintf(&b, "| %s ", strings.ReplaceAll(cell, "|", `\|`))
		}
		b.WriteString("|\n")
		if i == 0 {
			b.WriteString(strings.Repeat("|---", len(row)) + "|\n")
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

var toLaTeX = strings.NewReplacer(`\`, `\textbackslash{}`, "_", `\_`, "%", `\%`, "&", `\&`, "#", `\#`, "$", `\$`, "{", `\{`, "}", `\}`,
	"~", `\textasciitilde{}`, "^", `\textasciicircum{}`, "–", "--", "η", `$\eta$`, "√", `$\sqrt{}$`, "…", `\dots{}`)

// writeLaTeX needs the package booktabs.
func writeLaTeX(w io.Writer, rows [][]string) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "\\begin{tabular}{%s}\n\\toprule\n", strings.Repeat("l", len(rows[0])))
	for i, row := range rows {
		for k, cell := range row {
			if k > 0 {
				b.WriteString(" & ")
			}
			b.WriteString(toLaTeX.Replace(cell))
		}
		b.WriteString(" \\\\\n")
		if i == 0 {
			b.WriteString("\\midrule\n")
		}
	}
	b.WriteString("\\bottomrule\n\\end{tabular}\n")
	_, err := w.Write(b.Bytes())
	return err
}
