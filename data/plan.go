package data

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
)

// A plan says which record every image of an import becomes.
type plan struct {
	classes     []string
	records     []plannedRecord // in the source's order
	train, test int
}

type plannedRecord struct {
	imageFile
	label    int32
	position int // within the training or the test set
}

// place returns the file of the record and its offset in it.
func (r *plannedRecord) place(l layout) (name string, offset int64) {
	name, at := l.test, r.position
	if r.split == "train" {
		name, at = l.place(r.position)
	}
	return name, int64(at) * int64(l.recordBytes())
}

// newPlan makes the plan for the images of a source. With keepOrder they stay
// in its order, unless they come class by class.
func newPlan(files []imageFile, keepOrder bool) (*plan, error) {
	p := &plan{records: make([]plannedRecord, len(files))}
	for i, f := range files {
		if err := checkPrintable(f.class); err != nil {
			return nil, fmt.Errorf("%s: class %w", f.path, err)
		}
		p.records[i].imageFile = f
	}
	if err := p.checkPaths(); err != nil {
		return nil, err
	}
	var err error
	if p.train, err = p.arrange("train", keepOrder); err != nil {
		return nil, err
	}
	if p.test, err = p.arrange("test", keepOrder); err != nil {
		return nil, err
	}
	for _, r := range p.records {
		if r.split == "train" {
			p.classes = append(p.classes, r.class)
		}
	}
	slices.Sort(p.classes)
	p.classes = slices.Compact(p.classes)
	if len(p.classes) > maxClasses {
		return nil, fmt.Errorf("%d classes (%s, …), at most %d are possible", len(p.classes), strings.Join(p.classes[:3], ", "), maxClasses)
	}
	for i, r := range p.records {
		label, found := slices.BinarySearch(p.classes, r.class)
		if !found {
			return nil, fmt.Errorf("%s: class %q has no images in train", r.path, r.class)
		}
		p.records[i].label = int32(label)
	}
	return p, nil
}

// checkPaths refuses an image that is there twice, and two data sets in one.
func (p *plan) checkPaths() error {
	seen := make(map[string]bool, len(p.records))
	for _, r := range p.records {
		if seen[r.path] {
			return fmt.Errorf("%s is in it twice", r.path)
		}
		seen[r.path] = true
		if first := p.records[0]; r.prefix != first.prefix {
			return fmt.Errorf("%s and %s are not in the same folder: import one of the two sets", first.path, r.path)
		}
	}
	return nil
}

// arrange gives the images of a split their positions and returns their number.
func (p *plan) arrange(split string, keepOrder bool) (int, error) {
	var records []*plannedRecord
	for i := range p.records {
		if p.records[i].split == split {
			records = append(records, &p.records[i])
		}
	}
	if len(records) < 1 || len(records) > maxRecords {
		return 0, fmt.Errorf("%d images at %s/CLASS/*.jpg or *.png, want 1 to %d", len(records), split, maxRecords)
	}
	if !keepOrder || classByClass(records) {
		sortByHash(records)
	}
	for position, r := range records {
		r.position = position
	}
	return len(records), nil
}

// classByClass reports whether each class's images stand together.
func classByClass(records []*plannedRecord) bool {
	classes, changes := map[string]bool{}, 0
	for i, r := range records {
		classes[r.class] = true
		if i > 0 && r.class != records[i-1].class {
			changes++
		}
	}
	return changes == len(classes)-1
}

// sortByHash puts records into an order that depends on their classes' and
// files' names alone and is as good as random.
func sortByHash(records []*plannedRecord) {
	hashes := make(map[string][sha256.Size]byte, len(records))
	for _, r := range records {
		hashes[r.path] = sha256.Sum256([]byte(strings.TrimPrefix(r.path, r.prefix)))
	}
	slices.SortFunc(records, func(a, b *plannedRecord) int {
		ha, hb := hashes[a.path], hashes[b.path]
		return cmp.Or(bytes.Compare(ha[:], hb[:]), cmp.Compare(a.path, b.path))
	})
}
