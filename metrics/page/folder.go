package page

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"largestep/metrics/figure"
	"largestep/metrics/record"
)

// Opener reads what pages show of runs.
type Opener struct {
	// Open reads the records of a run folder.
	Open func(read record.ReadFile, dir string) (*record.Run, error)
	// Published are references of one group to set beside a run; nil for none.
	Published func(r *record.Run) []record.Reference
}

func (o Opener) entry(read record.ReadFile, dir, id string) (Entry, error) {
	r, err := o.Open(read, dir)
	if err != nil {
		return Entry{}, err
	}
	e := Entry{ID: id, Run: r}
	if o.Published != nil {
		e.Published = o.Published(r)
	}
	return e, nil
}

// Read makes a snapshot of run folders, for a report. It fails where one cannot be read.
func (o Opener) Read(dirs []string) (*Snapshot, error) {
	s := &Snapshot{Revision: 1}
	for _, id := range shortest(dirs) {
		dir := dirs[len(s.Entries)]
		e, err := o.entry(os.ReadFile, dir, id)
		if err != nil {
			return nil, err
		}
		e.Revision = 1
		s.Entries = append(s.Entries, e)
	}
	var runs []*record.Run
	for _, e := range s.Entries {
		runs = append(runs, e.Run)
	}
	s.Title = cmp.Or(figure.Title(runs), "Runs")
	return s, nil
}

// shortest are the folders' paths without what all have in common before their names.
func shortest(dirs []string) []string {
	list := make([]string, len(dirs))
	for i, dir := range dirs {
		list[i] = filepath.ToSlash(filepath.Clean(dir))
	}
	for {
		head, _, ok := strings.Cut(list[0], "/")
		if !ok || slices.ContainsFunc(list, func(s string) bool { return !strings.HasPrefix(s, head+"/") }) {
			return list
		}
		for i := range list {
			list[i] = list[i][len(head)+1:]
		}
	}
}

// A Folder is the runs below one, as they are from time to time. Nothing outside of it is
// read: symbolic links out of it are not followed.
type Folder struct {
	Title   string
	Program string

	root   *os.Root
	opener Opener

	mu       sync.Mutex
	known    map[string]*known
	problems []string
	snapshot *Snapshot
	revision int
	next     time.Time // not before this is the folder looked through again
}

// known is a run as it was last read.
type known struct {
	dir       string
	signature string // of its files
	entry     Entry
	err       error // of the last try; entry is of an earlier one, if it has a run
}

// The limits of what is read of a folder.
const (
	mostRuns  = 10_000
	mostBytes = 256 << 20 // of a file
	pause     = time.Second
)

// OpenFolder opens a folder of run folders, which need not hold any yet.
func OpenFolder(dir string, opener Opener) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	if whole, err := filepath.Abs(dir); err == nil { // the name of what "." is, too
		dir = whole
	}
	return &Folder{Title: filepath.Base(dir), root: root, opener: opener, known: map[string]*known{}}, nil
}

// Close closes the folder.
func (f *Folder) Close() error { return f.root.Close() }

// Snapshot is what the folder holds, or held a moment ago.
func (f *Folder) Snapshot() *Snapshot {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.snapshot != nil && time.Now().Before(f.next) {
		return f.snapshot
	}
	begin := time.Now()
	if changed := f.look(); changed || f.snapshot == nil {
		f.snapshot = f.assemble()
	}
	f.next = time.Now().Add(max(pause, 10*time.Since(begin))) // a tenth of the time, at most
	return f.snapshot
}

func (f *Folder) assemble() *Snapshot {
	s := &Snapshot{Title: f.Title, Program: f.Program, Live: true, Revision: f.revision, Problems: slices.Clone(f.problems)}
	for _, k := range f.known {
		if k.entry.Run != nil {
			s.Entries = append(s.Entries, k.entry)
		}
		if k.err != nil {
			s.Problems = append(s.Problems, k.err.Error())
		}
	}
	slices.SortFunc(s.Entries, func(a, b Entry) int { return strings.Compare(a.ID, b.ID) })
	slices.Sort(s.Problems)
	return s
}

// look goes through the folder, reads runs whose files changed, and forgets those that
// are gone.
func (f *Folder) look() (changed bool) {
	var problems, dirs []string
	seen := map[string]bool{}
	err := fs.WalkDir(f.root.FS(), ".", func(dir string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && dir == ".":
			return err
		case err != nil: // gone meanwhile, or not ours
			return nil
		case !d.IsDir():
			return nil
		}
		if _, err := f.root.Stat(path.Join(dir, record.ConfigFile)); err != nil {
			return nil
		}
		if len(seen) == mostRuns {
			problems = append(problems, fmt.Sprintf("more than %d runs: the others are not shown", mostRuns))
			return fs.SkipAll
		}
		seen[dir] = true
		dirs = append(dirs, dir)
		return fs.SkipDir
	})
	changed = f.update(dirs)
	if err != nil {
		problems = append(problems, err.Error())
	}
	for dir := range f.known {
		if !seen[dir] && err == nil {
			delete(f.known, dir)
			changed = true
		}
	}
	if !slices.Equal(problems, f.problems) {
		f.problems, changed = problems, true
	}
	if changed {
		f.revision++
	}
	return changed
}

// update reads those runs whose files changed, several at once.
func (f *Folder) update(dirs []string) (changed bool) {
	work := make(chan *known)
	var readers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(dirs)) {
		readers.Go(func() {
			for k := range work {
				e, err := f.opener.entry(f.read, k.dir, f.id(k.dir))
				if k.err = err; err == nil {
					k.entry = e
					k.entry.Revision = f.revision + 1
				}
			}
		})
	}
	for _, dir := range dirs {
		k := f.known[dir]
		if k == nil {
			k = &known{dir: dir}
			f.known[dir] = k
		}
		if signature := f.signature(dir); signature != k.signature {
			k.signature, changed = signature, true
			work <- k
		}
	}
	close(work)
	readers.Wait()
	return changed
}

// id is what a reader calls a run: its path within the folder, which may be one itself.
func (f *Folder) id(dir string) string {
	if dir == "." {
		return f.Title
	}
	return dir
}

// signature differs as soon as one of a run's files does.
func (f *Folder) signature(dir string) string {
	var b strings.Builder
	for _, name := range []string{record.ConfigFile, record.TableFile, record.StatusFile, record.PlateausFile} {
		if info, err := f.root.Stat(path.Join(dir, name)); err == nil {
			fmt.Fprint(&b, info.Size(), info.ModTime().UnixNano(), ";")
		} else {
			b.WriteString("–;")
		}
	}
	return b.String()
}

// read reads a regular file within the folder.
func (f *Folder) read(name string) ([]byte, error) {
	// Without O_NONBLOCK, opening a named pipe would wait for somebody to write.
	file, err := f.root.OpenFile(filepath.ToSlash(name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	b, err := io.ReadAll(io.LimitReader(file, mostBytes+1))
	if err == nil && len(b) > mostBytes {
		err = errors.New("too large to show")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}
