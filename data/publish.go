package data

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"largestep/metrics/atomicfile"
)

// target is the folder to make of the one that an option names, which may be a
// symbolic link, or "" for the set's Home.
func (s Set) target(dir string) (string, error) {
	if dir == "" {
		var err error
		if dir, err = s.Home(); err != nil {
			return "", err
		}
	}
	target, err := atomicfile.Resolve(dir)
	if err != nil {
		return "", fmt.Errorf("data set's folder: %w", err)
	}
	return target, nil
}

// A draft is a data set in the making: a temporary folder beside its target.
type draft struct {
	dir    string // the temporary folder
	target string
}

// staleAfter is the age at which the draft of a killed process is cleared away.
const staleAfter = 24 * time.Hour

// newDraft makes a draft of the data set at target. It refuses a target that
// holds a sound data set or anything that is not part of one.
func newDraft(target string) (*draft, error) {
	if err := checkReplaceable(target); err != nil {
		return nil, err
	}
	parent, prefix := filepath.Dir(target), "."+filepath.Base(target)+".draft-"
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, fmt.Errorf("data set's folder: %w", err)
	}
	removeStale(parent, prefix)
	dir, err := os.MkdirTemp(parent, prefix+"*") // the last star is replaced
	if err != nil {
		return nil, fmt.Errorf("data set's folder: %w", err)
	}
	return &draft{dir, target}, nil
}

// removeStale clears away the drafts that processes killed long ago have left.
func removeStale(parent, prefix string) {
	entries, _ := os.ReadDir(parent)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), prefix) || !e.IsDir() {
			continue
		}
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > staleAfter {
			os.RemoveAll(filepath.Join(parent, e.Name()))
		}
	}
}

// belongs tells whether a file of this name belongs to a set in some layout.
func belongs(name string) bool {
	return slices.ContainsFunc(Fetchable(), func(s Set) bool { return s.layout.has(name) })
}

// checkReplaceable returns an error unless target is absent, an empty folder,
// or a folder with the files of a damaged data set and nothing else.
func checkReplaceable(target string) error {
	entries, err := os.ReadDir(target)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("data set's folder: %w", err)
	}
	if f, err := inspect(target, fallback()); err == nil {
		return fmt.Errorf("%s already holds a data set, %q: delete it first, or choose another folder", target, f.name)
	}
	for _, e := range entries {
		if !belongs(e.Name()) || !e.Type().IsRegular() {
			return fmt.Errorf("%s holds other things, such as %s: choose another folder", target, e.Name())
		}
	}
	return nil
}

// publish checks the draft as a data set and renames it to its target.
func (d *draft) publish() error {
	if _, err := Load(d.dir); err != nil {
		return fmt.Errorf("not a data set in the binary layout: %s", strings.ReplaceAll(err.Error(), d.dir+string(filepath.Separator), ""))
	}
	if err := os.Chmod(d.dir, 0o755); err != nil {
		return err
	}
	if err := checkReplaceable(d.target); err != nil { // it may have come meanwhile
		return err
	}
	if err := os.RemoveAll(d.target); err != nil { // at most a damaged set
		return err
	}
	if err := os.Rename(d.dir, d.target); err != nil {
		return err
	}
	return atomicfile.SyncDir(filepath.Dir(d.target))
}

// discard removes the draft; after publish it does nothing.
func (d *draft) discard() { os.RemoveAll(d.dir) }

// copy writes one file of the draft and syncs it to disk.
func (d *draft) copy(name string, content io.Reader) error {
	f, err := os.Create(filepath.Join(d.dir, name))
	if err != nil {
		return d.named(err)
	}
	_, err = io.Copy(f, content)
	return d.named(cmp.Or(err, f.Sync(), f.Close()))
}

// named puts the target's name into an error of one of the draft's files, which
// will be gone.
func (d *draft) named(err error) error {
	var failed *fs.PathError
	if !errors.As(err, &failed) {
		return err
	}
	name, inside := strings.CutPrefix(failed.Path, d.dir+string(filepath.Separator))
	if !inside {
		return err
	}
	return atomicfile.Named(filepath.Join(d.target, name), failed)
}

func (d *draft) writeSource(src source) error {
	text, err := json.MarshalIndent(src, "", "  ")
	if err != nil {
		return err
	}
	return d.copy(sourceFile, bytes.NewReader(append(text, '\n')))
}

// checkName returns an error unless name can stand for a data set other than
// those that largestep itself fetches or draws.
func checkName(name string) error {
	if _, taken := known(name); taken {
		return fmt.Errorf("name %q belongs to the set that largestep itself fetches or draws: choose another", name)
	}
	return checkPrintable(name)
}

// checkPrintable returns an error unless a legend and a line of
// batches.meta.txt can carry the name.
func checkPrintable(name string) error {
	const maxLength = 80
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }
	if name == "" || len(name) > maxLength || strings.TrimSpace(name) != name || strings.ContainsFunc(name, unprintable) {
		return fmt.Errorf("name %q: want 1 to %d bytes of printable text", name, maxLength)
	}
	return nil
}
