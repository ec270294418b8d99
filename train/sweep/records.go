package sweep

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"largestep/metrics/figure"
	"largestep/metrics/record"
	"largestep/train/catalog"
)

// Records reads the runs that have begun.
func (s *Sweep) Records(dir string) (runs []*record.Run, err error) {
	for _, r := range s.Runs() {
		path := filepath.Join(dir, r.Name)
		if _, err := os.Stat(filepath.Join(path, record.ConfigFile)); err != nil {
			continue
		}
		recorded, err := catalog.Open(path)
		if err != nil {
			return nil, err
		}
		runs = append(runs, recorded)
	}
	if len(runs) == 0 {
		return nil, fmt.Errorf("%s: none of the sweep's runs has begun", dir)
	}
	return runs, nil
}

// Tables are the files of a sweep's table in its folder.
var tables = []string{"sweep.txt", "sweep.csv"}

// Collect writes the table of a sweep, and a heat map where two numbers vary, into its
// folder, and returns the table as text and the heat map's file, or "".
func (s *Sweep) Collect(dir string, columns []string) (text, picture string, err error) {
	runs, err := s.Records(dir)
	if err != nil {
		return "", "", err
	}
	summary, err := figure.Summarize(runs, nil, columns)
	if err != nil {
		return "", "", err
	}
	var b bytes.Buffer
	if err := summary.Write(&b, filepath.Ext(tables[0])); err != nil {
		return "", "", err
	}
	text = b.String()
	for _, name := range tables {
		if err := summary.Save(filepath.Join(dir, name)); err != nil {
			return "", "", err
		}
	}
	across, up, ok := summary.Plane()
	if !ok {
		return text, "", nil
	}
	last := summary.Columns[len(summary.Columns)-1]
	picture = filepath.Join(dir, "sweep.png")
	return text, picture, figure.HeatMap(runs, [2]string{across, up}, last, figure.Options{}, picture)
}
