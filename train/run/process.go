package run

import (
	"os"
	"runtime/debug"

	"largestep/train/shell"
)

// Process is what this process knows of itself: what it was built from, the command
// that began it, and where it runs.
func Process() Environment {
	host, _ := os.Hostname() // "" where nobody knows
	return Environment{Commit: commit(), Command: shell.Line(os.Args...), Host: host}
}

// commit is that of the sources, as far as the program knows.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	revision, changed := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "-changed"
		}
	}
	return revision + changed
}
