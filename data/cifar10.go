package data

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The binary layout; see the package comment.
const (
	recordBytes     = 1 + PixelBytes
	batchRecords    = 10_000 // records of a training file, but for the last
	officialBatches = 5
	testFile        = "test_batch.bin"
	metaFile        = "batches.meta.txt"
	sourceFile      = "source.json"
	layoutFolder    = "cifar-10-batches-bin" // the folder in the official archive
	maxMetaBytes    = 64 << 10
)

// maxRecords bounds the images of one part, and so the memory that a folder
// can ask for (3 GB).
const maxRecords = 1_000_000

func trainFile(i int) string { return fmt.Sprintf("data_batch_%d.bin", i+1) }

// A source tells where the images of a folder came from, if they are not the
// official ones.
type source struct {
	Name  string `json:"name"`  // what figures call the set
	From  string `json:"from"`  // base name of the folder or archive
	Train int    `json:"train"` // number of training records
	Test  int    `json:"test"`  // number of test records
	archiveSums
}

// archiveSums are the checksums of the archive that was fetched, in hexadecimal;
// an import has none.
type archiveSums struct {
	MD5    string `json:"archive_md5,omitempty"`
	SHA256 string `json:"archive_sha256,omitempty"`
}

// DefaultDir returns the folder in the user's cache where CIFAR-10 is kept.
func DefaultDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder for the data set: %w: %w", err, fs.ErrNotExist)
	}
	return filepath.Join(cache, "largestep", layoutFolder), nil
}

// FindCIFAR10 returns the folder to give to LoadCIFAR10: dir itself, or
// cifar-10-batches-bin in it; DefaultDir if dir is empty. Only names and sizes
// are looked at. The error wraps fs.ErrNotExist if there is no such folder, and
// does not if there is one that is incomplete or damaged.
func FindCIFAR10(dir string) (string, error) {
	if dir == "" {
		var err error
		if dir, err = DefaultDir(); err != nil {
			return "", err
		}
	}
	if inner := filepath.Join(dir, layoutFolder); isFolder(inner) {
		dir = inner
	}
	_, err := inspect(dir)
	return dir, err
}

// A Summary is what a data set's folder holds, by names and sizes alone.
type Summary struct {
	Name        string
	Train, Test int // images
}

// Summarize looks at the folder of a data set.
func Summarize(dir string) (Summary, error) {
	l, err := inspect(dir)
	if err != nil {
		return Summary{}, err
	}
	return Summary{l.name, records(l.train), l.test.records}, nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// LoadCIFAR10 reads the data set in folder dir, which must be complete: the
// official set exactly, an imported one as its source.json says. Its Name is
// "cifar10" or what the import recorded.
func LoadCIFAR10(dir string) (*Dataset, error) {
	l, err := inspect(dir)
	if err != nil {
		return nil, err
	}
	train, err := l.load(l.train)
	if err != nil {
		return nil, err
	}
	test, err := l.load([]batchFile{l.test})
	if err != nil {
		return nil, err
	}
	return &Dataset{Name: l.name, Train: train, Test: test}, nil
}

// layout is what a data set's folder consists of.
type layout struct {
	dir     string
	name    string
	hint    string // what to do if a file is missing or damaged
	classes []string
	train   []batchFile
	test    batchFile
}

type batchFile struct {
	name    string
	records int
}

// inspect finds out what dir must hold, and checks that its files are there
// and have the right sizes.
func inspect(dir string) (*layout, error) {
	info, err := os.Stat(dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf(`no data set in %s (%w): run "largestep fetch cifar10", or name another folder`, dir, fs.ErrNotExist)
		}
		return nil, fmt.Errorf("data set: %w", err)
	}
	if !info.IsDir() {
		return nil, notFolder(dir)
	}
	if err := mistaken(dir); err != nil {
		return nil, err
	}
	l := &layout{dir: dir, name: NameCIFAR10, hint: `truncated download? run "largestep fetch cifar10"`}
	trainRecords, testRecords := officialBatches*batchRecords, batchRecords
	src, err := readSource(dir)
	if err != nil {
		return nil, err
	}
	if src != nil {
		l.name, l.hint = src.Name, "damaged? fetch or import it again"
		trainRecords, testRecords = src.Train, src.Test
	}
	l.train, l.test = batchFiles(trainRecords), batchFile{testFile, testRecords}
	for _, f := range append(l.train[:len(l.train):len(l.train)], l.test) {
		if err := l.checkSize(f); err != nil {
			return nil, err
		}
	}
	if l.classes, err = readClasses(dir); err != nil {
		return nil, err
	}
	if src == nil && len(l.classes) != MaxClasses {
		return nil, fmt.Errorf("%s: %d class names, want %d: %s", filepath.Join(dir, metaFile), len(l.classes), MaxClasses, l.hint)
	}
	return l, nil
}

// batchFiles returns the training files that n records are spread over.
func batchFiles(n int) []batchFile {
	var files []batchFile
	for i := 0; i*batchRecords < n; i++ {
		files = append(files, batchFile{trainFile(i), min(batchRecords, n-i*batchRecords)})
	}
	return files
}

func records(files []batchFile) (n int) {
	for _, f := range files {
		n += f.records
	}
	return n
}

func (l *layout) checkSize(f batchFile) error {
	path := filepath.Join(l.dir, f.name)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is missing: %s", path, l.hint)
	} else if err != nil {
		return fmt.Errorf("data set: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file: %s", path, l.hint)
	}
	if want := int64(f.records) * recordBytes; info.Size() != want {
		return fmt.Errorf("%s: %d bytes, want %d: %s", path, info.Size(), want, l.hint)
	}
	return nil
}

// load reads files one after the other into one set.
func (l *layout) load(files []batchFile) (*Images, error) {
	n := records(files)
	im := &Images{Pixels: make([]uint8, 0, n*PixelBytes), Labels: make([]int32, 0, n), Classes: l.classes}
	for _, f := range files {
		if err := l.appendFile(im, f); err != nil {
			return nil, err
		}
	}
	return im, nil
}

func (l *layout) appendFile(im *Images, f batchFile) error {
	path := filepath.Join(l.dir, f.name)
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("data set: %w", err)
	}
	defer file.Close()
	r := bufio.NewReaderSize(file, 1<<20)
	record := make([]byte, recordBytes)
	for i := range f.records {
		if _, err := io.ReadFull(r, record); err != nil {
			return fmt.Errorf("%s: record %d: %w: %s", path, i, err, l.hint)
		}
		if int(record[0]) >= len(l.classes) {
			return fmt.Errorf("%s: label %d in record %d, want 0 to %d: %s", path, record[0], i, len(l.classes)-1, l.hint)
		}
		im.Labels = append(im.Labels, int32(record[0]))
		im.Pixels = append(im.Pixels, record[1:]...)
	}
	return nil
}

// readClasses reads the class names of batches.meta.txt, one per line; the
// official file ends in an empty line.
func readClasses(dir string) ([]string, error) {
	path := filepath.Join(dir, metaFile)
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
	if len(classes) < 1 || len(classes) > MaxClasses {
		return nil, fmt.Errorf("%s: %d class names, want 1 to %d", path, len(classes), MaxClasses)
	}
	return classes, nil
}

// readSource reads source.json; it returns nil where there is none.
func readSource(dir string) (*source, error) {
	path := filepath.Join(dir, sourceFile)
	text, err := readSmall(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var src source
	if err := json.Unmarshal(text, &src); err != nil {
		return nil, fmt.Errorf("%s: %w: fetch or import it again", path, err)
	}
	if err := src.check(); err != nil {
		return nil, fmt.Errorf("%s: %w: fetch or import it again", path, err)
	}
	return &src, nil
}

func (s *source) check() error {
	if err := checkName(s.Name); err != nil {
		return err
	}
	for _, n := range []int{s.Train, s.Test} {
		if n < 1 || n > maxRecords {
			return fmt.Errorf("%d training and %d test images, want 1 to %d of each", s.Train, s.Test, maxRecords)
		}
	}
	return nil
}

// readSmall reads a file that has no business being larger than maxMetaBytes.
func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxMetaBytes {
		return nil, fmt.Errorf("%s: not a regular file of at most %d bytes", path, maxMetaBytes)
	}
	return os.ReadFile(path)
}
