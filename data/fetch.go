package data

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"largestep/data/magic"
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

	// Waiting, if not nil, is called when another process is making the set, and
	// Fetch waits for it.
	Waiting func()
}

// Fetch gets an archive of CIFAR-10 in the binary layout, verifies its
// checksum, and unpacks it. A download that was cut short goes on where it
// stopped, in the same call or the next one. If Dir already holds the set of
// that archive Fetch does nothing; it replaces a damaged set but never a sound
// one. Dir may be a symbolic link; the folder that it leads to is made.
//
// A set whose archive was checked against another checksum than the official
// one is not called "cifar10": its Name says that the archive was another.
func Fetch(ctx context.Context, o FetchOptions) error {
	return fetch(ctx, o, defaultDownloader)
}

func fetch(ctx context.Context, o FetchOptions, d downloader) error {
	if err := o.complete(); err != nil {
		return err
	}
	if o.done() {
		return nil
	}
	unlock, err := lock(ctx, o.Dir, o.Waiting)
	if err != nil {
		return err
	}
	defer unlock()
	if o.done() { // by the process that had the lock
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

// complete fills in the defaults, and checks the rest.
func (o *FetchOptions) complete() (err error) {
	if o.Dir, err = targetFolder(o.Dir); err != nil {
		return err
	}
	if o.From == "" {
		o.From = officialURL
	}
	o.MD5, o.SHA256 = strings.ToLower(o.MD5), strings.ToLower(o.SHA256)
	if o.MD5 == "" && o.SHA256 == "" {
		o.MD5 = officialMD5
	}
	return o.checkSums()
}

// unpackFile verifies the archive in file, unpacks it and publishes the draft.
// It calls cleanup when the file is of no further use.
func (o FetchOptions) unpackFile(ctx context.Context, file string, cleanup func(), draft *draft) error {
	f, err := openRegular(file)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	defer f.Close()
	sums, err := o.verify(ctx, f)
	if err != nil {
		if errors.Is(err, errChecksum) {
			cleanup()
		}
		return err
	}
	if err := unpack(ctx, f, draft); err != nil {
		return fmt.Errorf("archive %s: %w", o.From, err)
	}
	if !o.official() {
		if err := draft.recordUnofficial(path.Base(filepath.ToSlash(o.From)), sums); err != nil {
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

// done reports whether Dir holds the set of the archive that is wanted.
func (o FetchOptions) done() bool {
	l, err := inspect(o.Dir)
	if err != nil {
		return false
	}
	if l.name == NameCIFAR10 {
		return o.official()
	}
	src, err := readSource(o.Dir)
	return err == nil && src != nil && o.match(src.archiveSums)
}

// match reports whether an archive's sums are those that are wanted.
func (o FetchOptions) match(sums archiveSums) bool {
	return (o.MD5 == "" || o.MD5 == sums.MD5) && (o.SHA256 == "" || o.SHA256 == sums.SHA256)
}

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

// verify compares the checksums of f, returns them, and rewinds it.
func (o FetchOptions) verify(ctx context.Context, f *os.File) (archiveSums, error) {
	m, s := md5.New(), sha256.New()
	if _, err := io.Copy(io.MultiWriter(m, s), contextReader{ctx, f}); err != nil {
		return archiveSums{}, fmt.Errorf("archive %s: %w", o.From, err)
	}
	sums := archiveSums{hex.EncodeToString(m.Sum(nil)), hex.EncodeToString(s.Sum(nil))}
	for _, s := range []struct{ name, got, want string }{{"MD5", sums.MD5, o.MD5}, {"SHA-256", sums.SHA256, o.SHA256}} {
		if s.want != "" && s.got != s.want {
			return sums, fmt.Errorf("%w: %s has %s %s, want %s%s", errChecksum, o.From, s.name, s.got, s.want, adviceOn(f))
		}
	}
	_, err := f.Seek(0, io.SeekStart)
	return sums, err
}

// adviceOn says what to do about a file with another checksum.
func adviceOn(f *os.File) string {
	begin := make([]byte, magic.Length)
	n, _ := f.ReadAt(begin, 0)
	if kind := magic.Kind(begin[:n]); magic.Remedy(kind) != "" {
		return fmt.Sprintf("; it is %s: %s", kind, magic.Remedy(kind))
	}
	return "; if it is the one you want, give its own checksum"
}

// recordUnofficial notes in the draft's source.json which archive the set came
// from, and makes one if it came without: a set that only looks like CIFAR-10
// must not be taken for it.
func (d *draft) recordUnofficial(from string, sums archiveSums) error {
	src, err := readSource(d.dir)
	if err != nil {
		return err
	}
	if src == nil {
		src = d.describe(from)
	}
	src.archiveSums = sums
	return d.writeSource(*src)
}

// describe is the source.json of a draft that has none.
func (d *draft) describe(from string) *source {
	records := func(name string) int {
		info, err := os.Stat(filepath.Join(d.dir, name))
		if err != nil {
			return 0
		}
		return int(info.Size() / recordBytes)
	}
	src := &source{Name: NameCIFAR10 + " (unofficial archive)", From: from, Test: records(testFile)}
	for i := 0; records(trainFile(i)) > 0; i++ {
		src.Train += records(trainFile(i))
	}
	return src
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
