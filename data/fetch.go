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

// FetchOptions says what to fetch; the zero value means the official archive,
// into the set's Home.
type FetchOptions struct {
	From string // archive: a file or an http(s) URL; "" is the official one
	Dir  string // folder to make; "" is the set's Home

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

// Fetch gets an archive of a set that has one, verifies its checksum, and
// unpacks it. A download that was cut short goes on where it
// stopped, in the same call or the next one. If Dir already holds the set of
// that archive Fetch does nothing; it replaces a damaged set but never a sound
// one. Dir may be a symbolic link; the folder that it leads to is made.
//
// A set whose archive was checked against another checksum than the official
// one has not the official name: its Name says that the archive was another.
func Fetch(ctx context.Context, set Set, o FetchOptions) error {
	return fetch(ctx, set, o, defaultDownloader)
}

// fetching is the fetch of a set.
type fetching struct {
	set Set
	FetchOptions
}

func fetch(ctx context.Context, set Set, options FetchOptions, d downloader) error {
	o := fetching{set, options}
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
func (o *fetching) complete() (err error) {
	if o.set.Archive == (Archive{}) {
		return fmt.Errorf("%s cannot be fetched: choose one of %s", o.set.Name, names(Fetchable()))
	}
	if o.Dir, err = o.set.target(o.Dir); err != nil {
		return err
	}
	if o.From == "" {
		o.From = o.set.Archive.URL
	}
	o.MD5, o.SHA256 = strings.ToLower(o.MD5), strings.ToLower(o.SHA256)
	if o.MD5 == "" && o.SHA256 == "" {
		o.MD5 = o.set.Archive.MD5
	}
	return o.checkSums()
}

// unpackFile verifies the archive in file, unpacks it and publishes the draft.
// It calls cleanup when the file is of no further use.
func (o fetching) unpackFile(ctx context.Context, file string, cleanup func(), draft *draft) error {
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
	if err := unpack(ctx, f, o.set.layout, draft); err != nil {
		return fmt.Errorf("archive %s: %w", o.From, err)
	}
	if !o.official() {
		if err := draft.recordUnofficial(o.set, path.Base(filepath.ToSlash(o.From)), sums); err != nil {
			return err
		}
	}
	if err := draft.publish(); err != nil {
		return fmt.Errorf("archive %s: %w", o.From, err)
	}
	cleanup()
	return nil
}

func (o fetching) official() bool { return o.MD5 == o.set.Archive.MD5 }

// done reports whether Dir holds the set of the archive that is wanted.
func (o fetching) done() bool {
	f, err := inspect(o.Dir, o.set)
	if err != nil {
		return false
	}
	if f.source == nil {
		return o.official() && f.name == o.set.Name
	}
	return o.match(f.source.archiveSums)
}

// match reports whether an archive's sums are those that are wanted.
func (o fetching) match(sums archiveSums) bool {
	return (o.MD5 == "" || o.MD5 == sums.MD5) && (o.SHA256 == "" || o.SHA256 == sums.SHA256)
}

var httpURL = regexp.MustCompile(`^(?i:https?)://`)

func isURL(s string) bool { return httpURL.MatchString(s) }

func (o fetching) checkSums() error {
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
func (o fetching) verify(ctx context.Context, f *os.File) (archiveSums, error) {
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
// from, and makes one if it came without: a set that only looks like the official
// one must not be taken for it.
func (d *draft) recordUnofficial(set Set, from string, sums archiveSums) error {
	src, err := readSource(d.dir)
	if err != nil {
		return err
	}
	if src == nil {
		src = d.describe(set, from)
	}
	src.archiveSums = sums
	return d.writeSource(*src)
}

// describe is the source.json of a draft that has none.
func (d *draft) describe(set Set, from string) *source {
	l := set.layout
	records := func(name string) int {
		info, err := os.Stat(filepath.Join(d.dir, name))
		if err != nil {
			return 0
		}
		return int(info.Size()) / l.recordBytes()
	}
	src := &source{Name: set.Name + " (unofficial archive)", From: from, Layout: set.Name, Test: records(l.test)}
	for i := 0; l.perFile > 0 || i == 0; i++ {
		n := records(l.trainFile(i))
		if n == 0 {
			break
		}
		src.Train += n
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
