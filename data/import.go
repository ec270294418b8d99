package data

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ImportOptions says where an import goes.
type ImportOptions struct {
	Dir  string // folder to make; "" is the Home of a set of that name
	Name string // by which the set is asked for; "" is the source's base name

	// Progress, if not nil, is called with the images done and all of them.
	Progress func(done, total int64)

	// Waiting, if not nil, is called when another process is making the set in a
	// folder, and Import waits for it.
	Waiting func(dir string)
}

// Import turns images into a data set that Load reads, and returns its folder.
// The source is a folder or a .tar or .tar.gz archive with JPEG or PNG images, all
// squares of one size up to 64×64 pixels, at train/CLASS/ and test/CLASS/, of at
// most 1,000 classes, which are sorted by name. In an archive these may lie in a common folder. Hidden files,
// and files elsewhere, are ignored; any other one is refused, and so is an image
// with a transparent pixel. Images are turned as their EXIF data say. Dir may be a
// symbolic link; the folder that it leads to is made.
//
// The images of an archive keep its order. Those of a folder, or of an archive
// that lists one class after the other, are ordered by a hash of their paths,
// so that the first n of them are a fair sample of the classes.
func Import(ctx context.Context, from string, o ImportOptions) (dir string, err error) {
	from = filepath.Clean(from)
	if o.Name == "" {
		o.Name = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(filepath.Base(from), ".tgz"), ".gz"), ".tar")
	}
	if err := o.checkName(); err != nil {
		return "", err
	}
	if o.Dir, err = SetNamed(o.Name).target(o.Dir); err != nil {
		return "", err
	}
	return o.Dir, o.run(ctx, from)
}

// checkName refuses a name for which there is no folder, either.
func (o ImportOptions) checkName() error {
	if err := checkName(o.Name); err != nil {
		return err
	}
	for _, s := range Fetchable() {
		if o.Dir == "" && strings.EqualFold(folderOf(o.Name), s.folder) {
			return fmt.Errorf("name %q is that of the folder of %s: choose another", o.Name, s.Title)
		}
	}
	return nil
}

func (o ImportOptions) run(ctx context.Context, from string) error {
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
	unlock, err := lock(ctx, o.Dir, func() {
		if o.Waiting != nil {
			o.Waiting(o.Dir)
		}
	})
	if err != nil {
		return err
	}
	defer unlock()
	draft, err := newDraft(o.Dir)
	if err != nil {
		return err
	}
	defer draft.discard()
	l, err := draft.writeImages(ctx, s, p, o.Progress)
	if err != nil {
		return fmt.Errorf("import of %s: %w", from, err)
	}
	if err := draft.copy(l.classes, strings.NewReader(strings.Join(p.classes, "\n")+"\n")); err != nil {
		return err
	}
	src := source{Name: o.Name, From: filepath.Base(from), Train: p.train, Test: p.test, Side: l.side, Classes: len(p.classes)}
	if err := draft.writeSource(src); err != nil {
		return err
	}
	return draft.publish()
}

// writeImages decodes every image of s and writes its record to its place. The
// first one decides of what size all are.
func (d *draft) writeImages(ctx context.Context, s imageSource, p *plan, progress func(done, total int64)) (l layout, err error) {
	files := map[string]*os.File{}
	defer func() {
		for _, name := range slices.Sorted(maps.Keys(files)) {
			err = cmp.Or(err, files[name].Sync(), files[name].Close())
		}
		err = d.named(err)
	}()
	changed := func(at string) error { return fmt.Errorf("%s: the source has changed during the import", at) }
	done := 0
	err = s.each(ctx, func(i int, file imageFile, r io.Reader) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if i >= len(p.records) || p.records[i].imageFile != file {
			return changed(file.path)
		}
		pixels, err := decode(r, l.side)
		if err != nil {
			return fmt.Errorf("%s: %w", file.path, err)
		}
		if i == 0 {
			l = imported(int(math.Sqrt(float64(len(pixels)/Channels))), len(p.classes))
		}
		record := append(appendLabel(nil, l.label, p.records[i].label), pixels...)
		name, offset := p.records[i].place(l)
		f := files[name]
		if f == nil {
			if f, err = os.Create(filepath.Join(d.dir, name)); err != nil {
				return err
			}
			files[name] = f
		}
		if _, err := f.WriteAt(record, offset); err != nil {
			return err
		}
		done = i + 1
		if progress != nil {
			progress(int64(done), int64(len(p.records)))
		}
		return nil
	})
	if err == nil && done < len(p.records) {
		err = changed(p.records[done].path)
	}
	return l, err
}
