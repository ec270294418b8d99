package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"

	"largestep/metrics/atomicfile"
)

// A Plateau is a stretch of a phase on which the mini-batch loss stood still,
// steps Start to End−1, and what moved under it.
type Plateau struct {
	Phase string  `json:"phase"` // name of the phase
	Index int     `json:"index"` // of the phase in the schedule
	Start int     `json:"start"`
	End   int     `json:"end"`
	Level float64 `json:"level"` // mean mini-batch loss
	// Change is what each of the net's own columns gained per 1,000 steps, by
	// the least-squares line. Columns without a slope are left out.
	Change map[string]float64 `json:"change_per_1000_steps"`
}

type plateausFile struct {
	Plateaus []Plateau `json:"plateaus"`
}

// WritePlateaus replaces plateaus.json in a run folder. Changes that are not
// finite are left out: JSON has no such numbers.
func WritePlateaus(dir string, plateaus []Plateau) error {
	path := filepath.Join(dir, PlateausFile)
	content := plateausFile{make([]Plateau, len(plateaus))}
	for i, p := range plateaus {
		change := map[string]float64{}
		for column, v := range p.Change {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				change[column] = v
			}
		}
		p.Change = change
		content.Plateaus[i] = p
	}
	b, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return atomicfile.WriteFile(path, append(b, '\n'))
}

// readPlateaus reads plateaus.json of a run folder. A run without that file, one
// that has not finished or did not record its steps, has nil.
func readPlateaus(read ReadFile, dir string) ([]Plateau, error) {
	path := filepath.Join(dir, PlateausFile)
	b, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	plateaus, err := parsePlateaus(b)
	if err != nil {
		return nil, damaged(path, b, err, "delete it, and the run has no plateaus")
	}
	return plateaus, nil
}

func parsePlateaus(b []byte) ([]Plateau, error) {
	var content plateausFile
	if err := json.Unmarshal(b, &content); err != nil {
		return nil, err
	}
	for i, p := range content.Plateaus {
		if p.Index < 0 || p.Start < 0 || p.End <= p.Start {
			return nil, fmt.Errorf("plateau %d: steps %d to %d of phase %d: want a start from 0 up and an end after it", i, p.Start, p.End, p.Index)
		}
	}
	return append([]Plateau{}, content.Plateaus...), nil
}
