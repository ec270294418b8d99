package data

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxRecords bounds the images of one part, and so the memory that a folder
// can ask for: 3 GB of images of 32×32, 12 GB of 64×64.
const maxRecords = 1_000_000

const (
	maxClasses   = 1000
	maxTextBytes = 128 << 10 // of a file of names, and of other texts
)

// folder is what a data set's folder consists of.
type folder struct {
	dir     string
	name    string
	hint    error // why a file may be missing or damaged
	layout  layout
	source  *source // nil of an official set
	classes []string
	train   []recordFile
	test    recordFile
}

// Load reads the data set in folder dir, which must be complete: an official set
// exactly, another one as its source.json says. Its Name is the official one or
// what the import recorded.
func Load(dir string) (*Dataset, error) {
	f, err := inspect(dir, fallback())
	if err != nil {
		return nil, err
	}
	train, err := f.load(f.train...)
	if err != nil {
		return nil, err
	}
	test, err := f.load(f.test)
	if err != nil {
		return nil, err
	}
	return &Dataset{Name: f.name, Train: train, Test: test}, nil
}

// inspect finds out what dir must hold, and checks that its files are there
// and have the right sizes. Where nothing tells which set it is, it is the wanted
// one.
func inspect(dir string, wanted Set) (*folder, error) {
	info, err := os.Stat(dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &Unusable{fmt.Errorf("no data set in %s (%w)", dir, fs.ErrNotExist), Absent, dir, wanted.Name}
		}
		return nil, fmt.Errorf("data set: %w", err)
	}
	if !info.IsDir() {
		return nil, notFolder(dir)
	}
	if err := mistaken(dir, wanted); err != nil {
		return nil, err
	}
	f := &folder{dir: dir}
	if f.source, err = readSource(dir); err != nil {
		return nil, err
	}
	classes := f.describe(wanted)
	for _, file := range append(f.train[:len(f.train):len(f.train)], f.test) {
		if err := f.checkSize(file); err != nil {
			return nil, err
		}
	}
	if f.classes, err = readClasses(filepath.Join(dir, f.layout.classes), f.layout.label); err != nil {
		return nil, err
	}
	if classes != 0 && len(f.classes) != classes {
		return nil, fmt.Errorf("%s: %d class names, want %d: %w", filepath.Join(dir, f.layout.classes), len(f.classes), classes, f.hint)
	}
	return f, nil
}

// describe notes what the folder must hold, and returns the number of classes, 0
// if that is not known.
func (f *folder) describe(wanted Set) (classes int) {
	if s := f.source; s != nil {
		f.name, f.hint, f.layout = s.Name, errors.New("damaged? fetch or import it again"), s.layout()
		f.train, f.test = f.layout.trainFiles(s.Train), recordFile{f.layout.test, s.Test}
		return s.Classes
	}
	set := recognize(f.dir, wanted)
	f.name, f.hint, f.layout = set.Name, &Unusable{errors.New("truncated download?"), Truncated, f.dir, set.Name}, set.layout
	f.train, f.test = f.layout.trainFiles(set.train), recordFile{f.layout.test, set.test}
	return set.classes
}

// recognize finds the official set that most files of a folder belong to, the
// wanted one if there are none.
func recognize(dir string, wanted Set) Set {
	entries, _ := os.ReadDir(dir)
	files := func(s Set) (n int) {
		for _, e := range entries {
			if s.layout.has(e.Name()) {
				n++
			}
		}
		return n
	}
	for _, s := range Fetchable() {
		if files(s) > files(wanted) {
			wanted = s
		}
	}
	return wanted
}

func (f *folder) checkSize(file recordFile) error {
	path := filepath.Join(f.dir, file.name)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is missing: %w", path, f.hint)
	} else if err != nil {
		return fmt.Errorf("data set: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file: %w", path, f.hint)
	}
	if want := int64(file.records) * int64(f.layout.recordBytes()); info.Size() != want {
		return fmt.Errorf("%s: %d bytes, want %d: %w", path, info.Size(), want, f.hint)
	}
	return nil
}

// load reads files one after the other into one set.
func (f *folder) load(files ...recordFile) (*Images, error) {
	n := records(files)
	im := &Images{Side: f.layout.side, Classes: f.classes, Labels: make([]int32, 0, n)}
	im.Pixels = make([]uint8, 0, n*im.ImageBytes())
	for _, file := range files {
		if err := f.appendFile(im, file); err != nil {
			return nil, err
		}
	}
	return im, nil
}

func (f *folder) appendFile(im *Images, from recordFile) error {
	path := filepath.Join(f.dir, from.name)
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("data set: %w", err)
	}
	defer file.Close()
	r := bufio.NewReaderSize(file, 1<<20)
	record := make([]byte, f.layout.recordBytes())
	for i := range from.records {
		if _, err := io.ReadFull(r, record); err != nil {
			return fmt.Errorf("%s: record %d: %w: %w", path, i, err, f.hint)
		}
		bytes := record[f.layout.skip:]
		label := int32(0)
		for k := range f.layout.label {
			label |= int32(bytes[k]) << (8 * k)
		}
		if int(label) >= len(f.classes) {
			return fmt.Errorf("%s: label %d in record %d, want 0 to %d: %w", path, label, i, len(f.classes)-1, f.hint)
		}
		im.Labels = append(im.Labels, label)
		im.Pixels = append(im.Pixels, bytes[f.layout.label:]...)
	}
	return nil
}

// readClasses reads the class names of a file, one per line, at most as many as
// labels of so many bytes can tell apart. The file of CIFAR-10 ends in an empty
// line.
func readClasses(path string, labelBytes int) ([]string, error) {
	text, err := readSmall(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is missing: it lists the class names, one per line", path)
	} else if err != nil {
		return nil, err
	}
	var classes []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" {
			classes = append(classes, line)
		}
	}
	if most := min(maxClasses, 1<<(8*labelBytes)); len(classes) < 1 || len(classes) > most {
		return nil, fmt.Errorf("%s: %d class names, want 1 to %d", path, len(classes), most)
	}
	return classes, nil
}

// readSmall reads a file that has no business being larger than maxTextBytes.
func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxTextBytes {
		return nil, fmt.Errorf("%s: not a regular file of at most %d bytes", path, maxTextBytes)
	}
	return os.ReadFile(path)
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
