package data

import (
	"fmt"
	"strings"
)

// A layout is how images lie in the files of a folder; see the package comment.
type layout struct {
	train   string   // a training file, with %d for its number, from 1, where there are several
	perFile int      // records of each training file but the last; 0 for all in one
	test    string   // the test file
	classes string   // the file of the class names, one per line
	also    []string // what the official archive has beside these, and nobody needs
	skip    int      // bytes of a record before its label
	label   int      // bytes of a label, the low one first
	side    int      // of the images
}

// imported is the layout of imported sets. That of labels of one byte and 32×32
// pixels is CIFAR-10's.
func imported(side, classes int) layout {
	return layout{
		train: "data_batch_%d.bin", perFile: 10_000, test: "test_batch.bin", classes: "batches.meta.txt", also: []string{"readme.html"},
		label: labelBytes(classes), side: side,
	}
}

func (l layout) recordBytes() int { return l.skip + l.label + imageBytes(l.side) }

// trainFile is the name of training file i, counted from 0.
func (l layout) trainFile(i int) string {
	if l.perFile == 0 {
		return l.train
	}
	return fmt.Sprintf(l.train, i+1)
}

// place is the file of a training record, and the record's number in it.
func (l layout) place(record int) (file string, at int) {
	if l.perFile == 0 {
		return l.train, record
	}
	return l.trainFile(record / l.perFile), record % l.perFile
}

// A recordFile is a file of records.
type recordFile struct {
	name    string
	records int
}

// trainFiles are those that n records are spread over.
func (l layout) trainFiles(n int) (files []recordFile) {
	perFile := l.perFile
	if perFile == 0 {
		perFile = n
	}
	for i := 0; i*perFile < n; i++ {
		files = append(files, recordFile{l.trainFile(i), min(perFile, n-i*perFile)})
	}
	return files
}

func records(files []recordFile) (n int) {
	for _, f := range files {
		n += f.records
	}
	return n
}

// has tells whether a file of this name belongs to the layout.
func (l layout) has(name string) bool {
	for _, own := range append([]string{l.test, l.classes, sourceFile}, l.also...) {
		if name == own {
			return true
		}
	}
	return l.isTrain(name)
}

func (l layout) isTrain(name string) bool {
	before, after, numbered := strings.Cut(l.train, "%d")
	if !numbered {
		return name == l.train
	}
	number, ok := strings.CutPrefix(name, before)
	number, ok2 := strings.CutSuffix(number, after)
	return ok && ok2 && number != "" && strings.Trim(number, "0123456789") == ""
}

// most is how many bytes a file of the layout can have that makes sense: one of
// an archive, which need not be the official one.
func (l layout) most(name string) int64 {
	record := int64(l.recordBytes())
	switch {
	case l.isTrain(name) && l.perFile > 0:
		return int64(l.perFile) * record
	case l.isTrain(name), name == l.test:
		return maxRecords * record
	}
	return maxTextBytes
}
