package catalog

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"largestep/metrics/record"
)

// OpenAll reads the runs in folders, each one's or one of run folders. Files, which a
// pattern such as figures/main-quick/* names as well, are left out. The runs must be
// of one net: neither the epochs nor the losses of several compare.
func OpenAll(paths []string) ([]*record.Run, error) {
	dirs, err := Folders(paths)
	if err != nil {
		return nil, err
	}
	var runs []*record.Run
	for _, dir := range dirs {
		run, err := Open(dir)
		if err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	return runs, checkOneNet(runs)
}

// Folders are the run folders among folders and in them, each once, as OpenAll reads them.
func Folders(paths []string) (dirs []string, err error) {
	seen := map[string]bool{} // by their paths without links
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			continue
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, err
		}
		var inside []string
		for _, e := range entries {
			if dir := filepath.Join(path, e.Name()); holdsRun(dir) {
				inside = append(inside, dir)
			}
		}
		if holdsRun(path) || len(inside) == 0 { // Open says what it lacks
			inside = []string{path}
		}
		for _, dir := range inside {
			if place := realPath(dir); !seen[place] {
				seen[place] = true
				dirs = append(dirs, dir)
			}
		}
	}
	if len(dirs) == 0 {
		return nil, fmt.Errorf("no run folders, only files: %s", strings.Join(paths, ", "))
	}
	return dirs, nil
}

// realPath is where a folder lies, or what it is called if that cannot be told.
func realPath(dir string) string {
	if place, err := filepath.EvalSymlinks(dir); err == nil {
		dir = place
	}
	if place, err := filepath.Abs(dir); err == nil {
		dir = place
	}
	return dir
}

func holdsRun(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, record.ConfigFile))
	return err == nil
}

func checkOneNet(runs []*record.Run) error {
	var nets []string
	of := map[string][]string{}
	for _, r := range runs {
		net := r.Config.Net
		if !slices.Contains(nets, net) {
			nets = append(nets, net)
		}
		of[net] = append(of[net], r.Dir)
	}
	if len(nets) < 2 {
		return nil
	}
	var which []string
	for _, net := range nets {
		list := of[net]
		if n := len(list); n > 4 {
			list = append(list[:3], fmt.Sprintf("and %d more", n-3))
		}
		which = append(which, fmt.Sprintf("%s (%s)", net, strings.Join(list, ", ")))
	}
	return fmt.Errorf("runs of different nets do not compare: %s: plot those of one net", strings.Join(which, ", "))
}

// FindRuns opens all runs below a folder; of those that cannot be read there are the
// errors.
func FindRuns(dir string) (runs []*record.Run, bad []error, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && path == dir:
			return err
		case err != nil: // gone meanwhile, or not ours
			bad = append(bad, err)
			return nil
		case !d.IsDir() || !holdsRun(path):
			return nil
		}
		run, err := Open(path)
		if err != nil {
			bad = append(bad, err)
		} else {
			runs = append(runs, run)
		}
		return fs.SkipDir
	})
	if err == nil && len(runs) == 0 && len(bad) == 0 {
		err = fmt.Errorf("no runs below %s", dir)
	}
	return runs, bad, err
}
