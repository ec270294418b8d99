package data

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// An imageFile is an image of a source, at PREFIX/SPLIT/CLASS/NAME.
type imageFile struct {
	path   string // with slashes
	prefix string // "" or a folder and a slash
	split  string // "train" or "test"
	class  string
}

// An imageSource is a folder or an archive of images. It can be gone through
// several times, each time in the same order.
type imageSource interface {
	// list returns the images.
	list(ctx context.Context) ([]imageFile, error)
	// each calls visit with the index, name and content of every image.
	each(ctx context.Context, visit func(i int, file imageFile, r io.Reader) error) error
	// ordered reports whether the order of the images means something.
	ordered() bool
	close() error
}

func openImageSource(from string) (imageSource, error) {
	if isFolder(from) {
		return imageFolder{from}, nil
	}
	f, err := openRegular(from)
	if err != nil {
		return nil, err
	}
	return imageArchive{f}, nil
}

// parseImagePath takes the path of a file apart. It returns false if the file
// does not count: hidden, or not at train/CLASS/ or test/CLASS/. One that
// counts but has no image's extension is an error, and so is one below that.
func parseImagePath(p string) (imageFile, bool, error) {
	parts := strings.Split(p, "/")
	n := len(parts) - 3
	if n < 0 || !isSplit(parts[n]) {
		return imageFile{}, false, checkDepth(parts)
	}
	if hidden(parts[n+1]) || hidden(parts[n+2]) {
		return imageFile{}, false, nil
	}
	if strings.ContainsFunc(p, unicode.IsControl) {
		return imageFile{}, false, fmt.Errorf("%q has control characters in its name: rename it", p)
	}
	f := imageFile{path: p, prefix: p[:len(p)-len(strings.Join(parts[n:], "/"))], split: parts[n], class: parts[n+1]}
	switch strings.ToLower(path.Ext(p)) {
	case ".jpg", ".jpeg", ".png":
		return f, true, nil
	}
	return f, false, fmt.Errorf("%s is neither .jpg, .jpeg nor .png: convert it or take it out", p)
}

// checkDepth refuses what lies in a folder of its own within a class.
func checkDepth(parts []string) error {
	i := slices.IndexFunc(parts, isSplit)
	if i < 0 || i+3 >= len(parts) || slices.ContainsFunc(parts[i:], hidden) {
		return nil
	}
	return fmt.Errorf("%q is a folder within a class: move its images up, or take it out", strings.Join(parts[:i+3], "/"))
}

func isSplit(name string) bool { return name == "train" || name == "test" }

func hidden(name string) bool { return strings.HasPrefix(name, ".") }

// imageFolder is a folder with train/CLASS/ and test/CLASS/ in it. Symbolic
// links are followed: data sets are often put together with them.
type imageFolder struct{ root string }

func (s imageFolder) ordered() bool { return false }
func (s imageFolder) close() error  { return nil }

func (s imageFolder) list(ctx context.Context) ([]imageFile, error) {
	var files []imageFile
	for _, split := range []string{"train", "test"} {
		classes, err := os.ReadDir(filepath.Join(s.root, split))
		if err != nil {
			return nil, fmt.Errorf("%w: want images at train/CLASS/ and test/CLASS/", err)
		}
		for _, class := range classes {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			list, err := s.listClass(split, class.Name())
			if err != nil {
				return nil, err
			}
			files = append(files, list...)
		}
	}
	return files, nil
}

// listClass lists the images of a class; what is hidden or no folder is none.
func (s imageFolder) listClass(split, class string) (files []imageFile, err error) {
	dir := filepath.Join(s.root, split, class)
	if hidden(class) || !isFolder(dir) {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		p := path.Join(split, class, e.Name())
		if e.IsDir() {
			p += "/"
		}
		f, ok, err := parseImagePath(p)
		if err != nil {
			return nil, err
		}
		if ok {
			files = append(files, f)
		}
	}
	return files, nil
}

func (s imageFolder) each(ctx context.Context, visit func(i int, file imageFile, r io.Reader) error) error {
	files, err := s.list(ctx)
	if err != nil {
		return err
	}
	for i, file := range files {
		f, err := openRegular(filepath.Join(s.root, filepath.FromSlash(file.path)))
		if err != nil {
			return err
		}
		err = visit(i, file, f)
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// imageArchive is a tar archive, which may be compressed with gzip.
type imageArchive struct{ f *os.File }

func (s imageArchive) ordered() bool { return true }
func (s imageArchive) close() error  { return s.f.Close() }

func (s imageArchive) list(ctx context.Context) ([]imageFile, error) {
	var files []imageFile
	err := s.each(ctx, func(i int, file imageFile, _ io.Reader) error {
		files = append(files, file)
		if i >= 2*maxRecords {
			return fmt.Errorf("more than %d images", 2*maxRecords)
		}
		return nil
	})
	return files, err
}

func (s imageArchive) each(ctx context.Context, visit func(i int, file imageFile, r io.Reader) error) error {
	if _, err := s.f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	a, err := openArchive(contextReader{ctx, s.f})
	if err != nil {
		return err
	}
	return eachImage(a, visit)
}

// eachImage calls visit with the images of an archive.
func eachImage(a *archiveReader, visit func(i int, file imageFile, r io.Reader) error) error {
	for i := 0; ; {
		h, err := a.next()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		file, ok, err := parseImagePath(h.Name)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if err := visit(i, file, a); err != nil {
			return err
		}
		i++
	}
}
