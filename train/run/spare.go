package run

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"largestep/metrics/record"
)

// ErrOfRun refuses to write over what a run consists of.
var ErrOfRun = errors.New("is a file of a run: name another")

// ownFiles are the names of what a run consists of.
var ownFiles = []string{
	record.ConfigFile, record.TableFile, record.StepsFile, record.HistogramsFile, record.PlateausFile, record.StatusFile, record.LogFile,
	"checkpoint*.safetensors", "phase-*.safetensors", "velocity-*.safetensors", "epoch-*.safetensors", "events.out.tfevents.*",
}

// Spare refuses to write something else to the files of a run.
func Spare(files ...string) error {
	for _, file := range files {
		dir, name := filepath.Split(file)
		if _, err := os.Stat(filepath.Join(dir, record.ConfigFile)); err != nil {
			continue
		}
		own := func(pattern string) bool { ok, _ := filepath.Match(pattern, name); return ok }
		if slices.ContainsFunc(ownFiles, own) {
			return fmt.Errorf("%s: %w", file, ErrOfRun)
		}
	}
	return nil
}
