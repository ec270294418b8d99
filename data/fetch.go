package data

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// The official archive; the checksum is from
// https://www.cs.toronto.edu/~kriz/cifar.html.
const (
	officialURL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
	officialMD5 = "c32a1d4ab5d03f1284b67883e8d87530"
)

// FetchOptions says what to fetch; the zero value means the official CIFAR-10,
// into DefaultDir.
type FetchOptions struct {
	From string // archive: a file or an http(s) URL; "" is the official one
	Dir  string // folder to make; "" is DefaultDir

	// MD5 and SHA256 are the archive's checksums in hexadecimal. Those that are
	// not empty must match; with both empty, the official archive's MD5 must.
	MD5, SHA256 string

	// Progress, if not nil, is called during a download with the bytes that are
	// here and those of the whole archive, or -1 if that is not known.
	Progress func(done, total int64)
}

// Fetch gets an archive of CIFAR-10 in the binary layout, verifies its
// checksum, and unpacks it. A download that was cut short goes on where it
// stopped, in the same call or the next one. If Dir already holds the official
// set Fetch does nothing; it replaces a damaged set but never a sound one.
//
// A set whose archive was checked against another checksum than the official
// one is not called "cifar10": its Name says that the archive was another.
func Fetch(ctx context.Context, o FetchOptions) error {
	return fetch(ctx, o, defaultDownloader)
}

func fetch(ctx context.Context, o FetchOptions, d downloader) error {
	if o.Dir == "" {
		var err error
		if o.Dir, err = DefaultDir(); err != nil {
			return err
		}
	}
	o.Dir = filepath.Clean(o.Dir)
	if o.From == "" {
		o.From = officialURL
	}
	o.MD5, o.SHA256 = strings.ToLower(o.MD5), strings.ToLower(o.SHA256)
	if o.MD5 == "" && o.SHA256 == "" {
		o.MD5 = officialMD5
	}
	if err := o.checkSums(); err != nil {
		return err
	}
	if l, err := inspect(o.Dir); err == nil && l.name == NameCIFAR10 && o.official() {
		return nil
	}
	draft, err := newDraft(o.Dir) // before the download: a target in the way is known at once
	if err != nil {
		return err
	}
	defer draft.discard()

	file, cleanup := o.From, func() {}
	if isURL(o.From) {
		d.progress = o.Progress
		part := newPartial(o.Dir+".part", o.From)
		if err := d.download(ctx, part); err != nil {
			return err
		}
		file, cleanup = part.path, part.remove
	}
	return o.unpackFile(ctx, file, cleanup, draft)
}

// unpackFile verifies the archive in file, unpacks it and publishes the draft.
// It calls cleanup when the file is of no further use.
func (o FetchOptions) unpackFile(ctx context.Context, file string, cleanup func(), draft *draft) error {
	f, err := openRegular(file)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	defer f.Close()
	if err := o.verify(ctx, f); err != nil {
		if errors.Is(err, errChecksum) {
			cleanup()
		}
		return err
	}
	if err := unpack(ctx, f, draft); err != nil {
		return fmt.Errorf("archive %s: %w", o.From, err)
	}
	if !o.official() {
		if err := draft.recordUnofficial(path.Base(filepath.ToSlash(o.From))); err != nil {
			return err
		}
	}
	if err := draft.publish(); err != nil {
		return fmt.Errorf("archive %s: %w", o.From, err)
	}
	cleanup()
	return nil
}

func (o FetchOptions) official() bool { return o.MD5 == officialMD5 }

var httpURL = regexp.MustCompile(`^(?i:https?)://`)

func isURL(s string) bool { return httpURL.MatchString(s) }

func (o FetchOptions) checkSums() error {
	for _, s := range []struct {
		name, sum string
		size      int
	}{{"MD5", o.MD5, md5.Size}, {"SHA-256", o.SHA256, sha256.Size}} {
		if b, err := hex.DecodeString(s.sum); err != nil || len(b) != s.size && len(b) != 0 {
			return fmt.Errorf("%s checksum %q: want %d hexadecimal digits", s.name, s.sum, 2*s.size)
		}
	}
	return nil
}

// errChecksum is wrapped by the error of an archive with another checksum.
var errChecksum = errors.New("not the expected archive")

// verify compares the checksums of f and rewinds it.
func (o FetchOptions) verify(ctx context.Context, f *os.File) error {
	sums := []struct {
		name, want string
		hash       hash.Hash
	}{{"MD5", o.MD5, md5.New()}, {"SHA-256", o.SHA256, sha256.New()}}
	if _, err := io.Copy(io.MultiWriter(sums[0].hash, sums[1].hash), contextReader{ctx, f}); err != nil {
		return fmt.Errorf("archive %s: %w", o.From, err)
	}
	for _, s := range sums {
		if got := hex.EncodeToString(s.hash.Sum(nil)); s.want != "" && got != s.want {
			return fmt.Errorf("%w: %s has %s %s, want %s; if it is the one you want, give its own checksum", errChecksum, o.From, s.name, got, s.want)
		}
	}
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// recordUnofficial writes the draft's source.json if it came without one: a
// set that only looks like CIFAR-10 must not be taken for it.
func (d *draft) recordUnofficial(from string) error {
	if src, err := readSource(d.dir); src != nil || err != nil {
		return err
	}
	records := func(name string) int {
		info, err := os.Stat(filepath.Join(d.dir, name))
		if err != nil {
			return 0
		}
		return int(info.Size() / recordBytes)
	}
	src := source{Name: NameCIFAR10 + " (unofficial archive)", From: from, Test: records(testFile)}
	for i := 0; records(trainFile(i)) > 0; i++ {
		src.Train += records(trainFile(i))
	}
	return d.writeSource(src)
}

// contextReader ends in the context's error once that is done.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// openRegular opens a regular file: opening a pipe would wait for a writer.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return os.Open(path)
}
