package data

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// ImportOptions says where an import goes.
type ImportOptions struct {
	Dir  string // folder to make; "" is DefaultDir
	Name string // what figures call the set; "" is the source's base name

	// Progress, if not nil, is called with the images done and all of them.
	Progress func(done, total int64)

	// Waiting, if not nil, is called when another process is making the set, and
	// Import waits for it.
	Waiting func()
}

// Import turns images into a data set that LoadCIFAR10 reads. The source is a
// folder or a .tar or .tar.gz archive with JPEG or PNG images of 32×32 pixels
// at train/CLASS/ and test/CLASS/, of at most MaxClasses classes, which are
// sorted by name. In an archive these may lie in a common folder. Hidden files,
// and files elsewhere, are ignored; any other one is refused, and so is an image
// with a transparent pixel. Images are turned as their EXIF data say. Dir may be a
// symbolic link; the folder that it leads to is made.
//
// The images of an archive keep its order. Those of a folder, or of an archive
// that lists one class after the other, are ordered by a hash of their paths,
// so that the first n of them are a fair sample of the classes.
func Import(ctx context.Context, from string, o ImportOptions) error {
	var err error
	if o.Dir, err = targetFolder(o.Dir); err != nil {
		return err
	}
	from = filepath.Clean(from)
	base := filepath.Base(from)
	if o.Name == "" {
		o.Name = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(base, ".tgz"), ".gz"), ".tar")
	}
	if err := checkName(o.Name); err != nil {
		return err
	}
	s, err := openImageSource(from)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	defer s.close()
	files, err := s.list(ctx)
	if err != nil {
		return fmt.Errorf("import of %s: %w", from, err)
	}
	p, err := newPlan(files, s.ordered())
	if err != nil {
		return fmt.Errorf("import of %s: %w", from, err)
	}
	unlock, err := lock(ctx, o.Dir, o.Waiting)
	if err != nil {
		return err
	}
	defer unlock()
	draft, err := newDraft(o.Dir)
	if err != nil {
		return err
	}
	defer draft.discard()
	if err := draft.writeImages(ctx, s, p, o.Progress); err != nil {
		return fmt.Errorf("import of %s: %w", from, err)
	}
	if err := draft.copy(metaFile, strings.NewReader(strings.Join(p.classes, "\n")+"\n")); err != nil {
		return err
	}
	if err := draft.writeSource(source{Name: o.Name, From: base, Train: p.train, Test: p.test}); err != nil {
		return err
	}
	return draft.publish()
}

// writeImages decodes every image of s and writes its record to its place.
func (d *draft) writeImages(ctx context.Context, s imageSource, p *plan, progress func(done, total int64)) (err error) {
	files := map[string]*os.File{}
	defer func() {
		for _, f := range files {
			err = cmp.Or(err, f.Sync(), f.Close())
		}
		err = d.named(err)
	}()
	record := make([]byte, recordBytes)
	return s.each(ctx, func(i int, file imageFile, r io.Reader) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if i >= len(p.records) || p.records[i].imageFile != file {
			return fmt.Errorf("%s: the source has changed during the import", file.path)
		}
		if err := decode(r, record[1:]); err != nil {
			return fmt.Errorf("%s: %w", file.path, err)
		}
		record[0] = p.records[i].label
		name, offset := p.records[i].place()
		f := files[name]
		if f == nil {
			var err error
			if f, err = os.Create(filepath.Join(d.dir, name)); err != nil {
				return err
			}
			files[name] = f
		}
		if _, err := f.WriteAt(record, offset); err != nil {
			return err
		}
		if progress != nil {
			progress(int64(i+1), int64(len(p.records)))
		}
		return nil
	})
}
