package data

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode"
)

// Limits on what an archive may hold; the official one has 170 MB, and no
// entry above 31 MB.
const (
	maxArchiveBytes = 4 << 30
	maxBatchBytes   = batchRecords * recordBytes
	maxTestBytes    = maxRecords * recordBytes
)

// unpack writes the files of the binary layout that the tar archive in r,
// compressed with gzip or not, holds. It ignores their folders and all other
// regular files, and refuses an archive with anything suspicious in it.
func unpack(ctx context.Context, r io.Reader, draft *draft) error {
	tr, err := newTarReader(contextReader{ctx, r})
	if err != nil {
		return err
	}
	var seen []string
	for {
		h, err := nextFile(tr)
		if err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		name := path.Base(h.Name)
		if !layoutName.MatchString(name) {
			continue
		}
		if slices.Contains(seen, name) {
			return fmt.Errorf("%s is in it twice", name)
		}
		seen = append(seen, name)
		if limit := sizeLimit(name); h.Size > limit {
			return fmt.Errorf("%s: %d bytes, at most %d make sense", h.Name, h.Size, limit)
		}
		if err := draft.copy(name, tr); err != nil {
			return err
		}
	}
	if len(seen) == 0 {
		return errors.New("no data_batch_1.bin and no other file of the binary layout in it")
	}
	return nil
}

func sizeLimit(name string) int64 {
	switch {
	case name == testFile:
		return maxTestBytes
	case strings.HasSuffix(name, ".bin"):
		return maxBatchBytes
	}
	return maxMetaBytes
}

// newTarReader reads a tar archive, which may be compressed with gzip.
func newTarReader(r io.Reader) (*tar.Reader, error) {
	b := bufio.NewReaderSize(r, 1<<20)
	if magic, _ := b.Peek(2); !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return tar.NewReader(&limitedReader{r: b, left: maxArchiveBytes}), nil
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, err
	}
	return tar.NewReader(&limitedReader{r: z, left: maxArchiveBytes}), nil
}

// nextFile goes on to the next regular file of an archive; at the end it
// returns io.EOF. It refuses links, devices, and names that lead outside.
func nextFile(tr *tar.Reader) (*tar.Header, error) {
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return nil, err
		} else if err != nil {
			return nil, fmt.Errorf("not a sound tar or tar.gz archive: %w", err)
		}
		name := strings.TrimSuffix(strings.TrimPrefix(h.Name, "./"), "/")
		if name != "" && name != "." && (!fs.ValidPath(name) || strings.Contains(name, `\`) || strings.ContainsFunc(name, unicode.IsControl)) {
			return nil, fmt.Errorf("%q in it leads outside or is no proper path: refused", h.Name)
		}
		switch h.Typeflag {
		case tar.TypeReg:
			h.Name = name
			return h, nil
		case tar.TypeDir, tar.TypeXGlobalHeader:
		default:
			return nil, fmt.Errorf("%q in it is a link or a device: refused", h.Name)
		}
	}
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
