package data

import (
	"archive/tar"
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode"

	"largestep/data/magic"
)

// Limits on what an archive may hold; the official ones have 170 MB.
const (
	maxArchiveBytes = 4 << 30        // packed, and unpacked
	maxMembers      = 3 * maxRecords // images, and what is passed over
)

// unpack writes the files of the layout that the tar archive in r,
// compressed with gzip or not, holds. It ignores their folders and all other
// regular files, and refuses an archive with anything suspicious in it.
func unpack(ctx context.Context, r io.Reader, l layout, draft *draft) error {
	a, err := openArchive(contextReader{ctx, r})
	if err != nil {
		return err
	}
	var seen []string
	for {
		h, err := a.next()
		if err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		name := path.Base(h.Name)
		if !l.has(name) {
			continue
		}
		if slices.Contains(seen, name) {
			return fmt.Errorf("%s is in it twice", name)
		}
		seen = append(seen, name)
		if limit := l.most(name); h.Size > limit {
			return fmt.Errorf("%s: %d bytes, at most %d make sense", h.Name, h.Size, limit)
		}
		if err := draft.copy(name, a); err != nil {
			return err
		}
	}
	if len(seen) == 0 {
		return fmt.Errorf("no %s and no other file of the binary layout in it", l.trainFile(0))
	}
	return nil
}

// An archiveReader goes through the regular files of a tar archive, which may be
// compressed with gzip. Read reads from the present one.
type archiveReader struct {
	tar     *tar.Reader
	all     io.Reader // the tar's bytes
	members int
}

func openArchive(r io.Reader) (*archiveReader, error) {
	b := bufio.NewReaderSize(r, 1<<20)
	begin, _ := b.Peek(magic.Length)
	all := io.Reader(b)
	if !bytes.HasPrefix(begin, []byte(magic.Gzip)) {
		if kind := magic.Kind(begin); kind != "" {
			return nil, fmt.Errorf("%s, want .tar or .tar.gz: %s", kind, cmp.Or(magic.Remedy(kind), `unpack it, and pack it again with "tar -czf"`))
		}
	} else {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, unsound(err)
		}
		all = z
	}
	all = &limitedReader{r: all, left: maxArchiveBytes}
	return &archiveReader{tar: tar.NewReader(all), all: all}, nil
}

func (a *archiveReader) Read(p []byte) (int, error) {
	n, err := a.tar.Read(p)
	if err != nil && err != io.EOF {
		err = unsound(err)
	}
	return n, err
}

func unsound(err error) error { return fmt.Errorf("not a sound tar or tar.gz archive: %w", err) }

// next goes on to the next regular file; after the last, and when all that
// follows has passed gzip's check, it returns io.EOF. It refuses links, devices,
// files with holes, of which a few bytes can become any number, and names that
// lead outside.
func (a *archiveReader) next() (*tar.Header, error) {
	for {
		h, err := a.tar.Next()
		if err == io.EOF {
			return nil, a.drain()
		} else if err != nil {
			return nil, unsound(err)
		}
		if a.members++; a.members > maxMembers {
			return nil, fmt.Errorf("more than %d files and folders in it: refused", maxMembers)
		}
		name := strings.TrimSuffix(strings.TrimPrefix(h.Name, "./"), "/")
		if name != "" && name != "." && (!fs.ValidPath(name) || strings.Contains(name, `\`) || strings.ContainsFunc(name, unicode.IsControl)) {
			return nil, fmt.Errorf("%q in it leads outside or is no proper path: refused", h.Name)
		}
		switch {
		case sparse(h):
			return nil, fmt.Errorf("%q in it is a file with holes: refused; pack it without --sparse", h.Name)
		case h.Typeflag == tar.TypeReg:
			h.Name = name
			return h, nil
		case h.Typeflag == tar.TypeDir, h.Typeflag == tar.TypeXGlobalHeader:
		default:
			return nil, fmt.Errorf("%q in it is a link or a device: refused", h.Name)
		}
	}
}

// sparse reports whether a file has holes, in one of GNU tar's formats.
func sparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// drain reads what follows the tar's end mark: gzip's checksum comes last. It
// returns io.EOF if all is sound.
func (a *archiveReader) drain() error {
	if _, err := io.Copy(io.Discard, a.all); err != nil {
		return unsound(err)
	}
	return io.EOF
}

// limitedReader fails, unlike io.LimitedReader, when there is more to read.
type limitedReader struct {
	r    io.Reader
	left int64
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("more than %d bytes when unpacked", int64(maxArchiveBytes))
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}
