package problem

import (
	"encoding/json"
	"fmt"

	"largestep/data"
	"largestep/train/run"
)

// About is what a file of parameters says of the images that they are for.
type About struct {
	Dataset   string              // that they were trained on; "" if the file does not say so
	Classes   []string            // the names of the outputs; nil if it does not
	Normalize *data.Normalization // nil if it does not
}

// The keys of a file's metadata.
const (
	datasetKey   = "dataset"
	classesKey   = "largestep.classes" // a JSON list
	normalizeKey = "largestep.normalize"
)

// ReadAbout takes what a file says from its metadata.
func ReadAbout(metadata map[string]string) (About, error) {
	a := About{Dataset: metadata[datasetKey]}
	if text, ok := metadata[classesKey]; ok {
		if err := json.Unmarshal([]byte(text), &a.Classes); err != nil {
			return a, fmt.Errorf("metadata %q: %w", classesKey, err)
		}
	}
	if text, ok := metadata[normalizeKey]; ok {
		n, err := data.ParseNormalization(text)
		if err != nil {
			return a, fmt.Errorf("metadata %q: %w", normalizeKey, err)
		}
		a.Normalize = &n
	} else if run.IsCheckpoint(metadata) { // of a program that normalised nothing
		a.Normalize = &data.Normalization{}
	}
	return a, nil
}

// Metadata are those of a file that says so.
func (a About) Metadata() map[string]string {
	m := map[string]string{}
	if a.Dataset != "" {
		m[datasetKey] = a.Dataset
	}
	if a.Classes != nil {
		names, err := json.Marshal(a.Classes)
		if err != nil {
			panic(err) // a list of strings
		}
		m[classesKey] = string(names)
	}
	if a.Normalize != nil {
		m[normalizeKey] = a.Normalize.String()
	}
	return m
}
