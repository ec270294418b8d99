package record

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// ReadTable reads metrics.csv. A last line without its line break is a row
// that is being written, or that a crash cut short, and is left out.
func ReadTable(path string) (*Table, error) { return readTable(os.ReadFile, path) }

func readTable(read ReadFile, path string) (*Table, error) {
	b, err := read(path)
	if err != nil {
		return nil, err
	}
	return parseTable(path, b)
}

func parseTable(path string, b []byte) (*Table, error) {
	t := &Table{Rows: make([]Row, 0, bytes.Count(b, []byte("\n")))}
	readHeader := func(names []string) error {
		n := len(names) - len(headColumns) - len(tailColumns)
		if n < 0 || !slices.Equal(names[:len(headColumns)], headColumns) ||
			!slices.Equal(names[len(headColumns)+n:], tailColumns) {
			return fmt.Errorf("the columns are not %s,…,%s", strings.Join(headColumns, ","), strings.Join(tailColumns, ","))
		}
		t.Own = make([]string, 0, n)
		for _, name := range names[len(headColumns) : len(headColumns)+n] {
			t.Own = append(t.Own, strings.Clone(name)) // or it would keep the whole file in memory
		}
		return checkColumns(t.Own)
	}
	err := parseLines(path, b, readHeader, func(c cells) error {
		var r Row
		r.Epoch, r.Step, r.Phase = c.finite(0), c.int(1), c.text[2]
		if n := len(t.Rows); n > 0 && t.Rows[n-1].Phase == r.Phase {
			r.Phase = t.Rows[n-1].Phase
		} else {
			r.Phase = strings.Clone(r.Phase)
		}
		for i, field := range r.losses() {
			*field = c.float(3 + i)
		}
		r.Own = make([]float64, len(t.Own))
		for i := range r.Own {
			r.Own[i] = c.float(len(headColumns) + i)
		}
		tail := len(headColumns) + len(t.Own)
		r.ImagesPerSecond, r.Seconds = c.float(tail), c.float(tail+1)
		if *c.err == nil && len(t.Rows) > 0 && r.Step < t.Rows[len(t.Rows)-1].Step {
			return fmt.Errorf("step %d after step %d", r.Step, t.Rows[len(t.Rows)-1].Step)
		}
		t.Rows = append(t.Rows, r)
		return *c.err
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// ReadSteps reads steps.csv, leaving out an unfinished last line.
func ReadSteps(path string) ([]StepRow, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseSteps(path, b)
}

func parseSteps(path string, b []byte) ([]StepRow, error) {
	var rows []StepRow
	readHeader := func(names []string) error {
		if !slices.Equal(names, stepColumns) {
			return fmt.Errorf("the columns are not %s", strings.Join(stepColumns, ","))
		}
		return nil
	}
	err := parseLines(path, b, readHeader, func(c cells) error {
		rows = append(rows, StepRow{Step: c.int(0), Epoch: c.finite(1), StepSize: c.float(2), BatchLoss: c.float(3)})
		return *c.err
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// parseLines calls header with the first line's cells and row with those of
// each other finished line; their errors are returned with file and line.
func parseLines(path string, b []byte, header func(names []string) error, row func(cells) error) error {
	b = b[:bytes.LastIndexByte(b, '\n')+1]
	b = bytes.TrimPrefix(b, []byte(byteOrderMark))
	var names []string
	number := 0
	for line := range strings.Lines(string(b)) {
		number++
		text := strings.Split(strings.TrimRight(line, "\r\n"), ",")
		var err error
		switch {
		case number == 1:
			names = text
			err = header(text)
		case len(text) != len(names):
			err = fmt.Errorf("%d columns, want %d", len(text), len(names))
		default:
			err = row(cells{names, text, new(error)})
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", path, number, err)
		}
	}
	return nil
}

// cells are a line's; err keeps the first cell that is not what it should be.
type cells struct {
	names, text []string
	err         *error
}

func (c cells) fail(i int, want string) {
	if *c.err == nil {
		*c.err = fmt.Errorf("%s: %q is not %s", c.names[i], c.text[i], want)
	}
}

func (c cells) int(i int) int {
	n, err := strconv.Atoi(c.text[i])
	if err != nil || n < 0 {
		c.fail(i, "an integer from 0 up")
	}
	return n
}

func (c cells) float(i int) float64 {
	v, err := strconv.ParseFloat(c.text[i], 64)
	if err != nil {
		c.fail(i, "a number")
	}
	return v
}

func (c cells) finite(i int) float64 {
	v := c.float(i)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		c.fail(i, "a finite number")
	}
	return v
}
