package data

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// archive builds a tar, compressed if gz, of headers whose content follows.
type archive struct {
	t   testing.TB
	buf bytes.Buffer
	tw  *tar.Writer
}

func newArchive(t testing.TB) *archive {
	a := &archive{t: t}
	a.tw = tar.NewWriter(&a.buf)
	return a
}

func (a *archive) add(h tar.Header, content []byte) *archive {
	a.t.Helper()
	h.Size, h.Mode = int64(len(content)), 0o644
	if err := a.tw.WriteHeader(&h); err != nil {
		a.t.Fatal(err)
	}
	if _, err := a.tw.Write(content); err != nil {
		a.t.Fatal(err)
	}
	return a
}

func (a *archive) file(name string, content []byte) *archive {
	a.t.Helper()
	return a.add(tar.Header{Name: name, Typeflag: tar.TypeReg}, content)
}

// sparse adds a file of one hole of so many bytes, as GNU tar --sparse does.
func (a *archive) sparse(name string, size int) *archive {
	a.t.Helper()
	records := ""
	for _, r := range []string{"GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=" + name, fmt.Sprintf("GNU.sparse.realsize=%d", size)} {
		records += fmt.Sprintf("%d %s\n", len(r)+4, r) // the length has two digits
	}
	a.file("GNUSparseFile.0/pax", []byte(records)).retype(len(records), tar.TypeXHeader)
	blocks := make([]byte, 512)
	copy(blocks, "0\n") // no blocks that are not holes
	return a.file("GNUSparseFile.0/file", blocks)
}

// oldSparse adds a file of no blocks in GNU tar's older form.
func (a *archive) oldSparse(name string) *archive {
	a.t.Helper()
	return a.file(name, nil).retype(0, tar.TypeGNUSparse)
}

// retype changes the type of the last file, of so many bytes.
func (a *archive) retype(size int, flag byte) *archive {
	a.tw.Flush()
	header := a.buf.Bytes()[a.buf.Len()-512-(size+511)/512*512:][:512]
	header[156] = flag
	if flag == tar.TypeGNUSparse {
		copy(header[257:], "ustar  \x00") // GNU's own magic
		clear(header[265:])
		copy(header[386:], "00000000000\x0000000000000\x00") // one block, of nothing
		copy(header[483:], "00007777777\x00")                // the size with the hole
	}
	copy(header[148:156], "        ")
	sum := 0
	for _, b := range header {
		sum += int(b)
	}
	copy(header[148:], fmt.Sprintf("%06o\x00 ", sum))
	return a
}

// flipped is b with a bit of one byte changed.
func flipped(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 1
	return b
}

func (a *archive) tar() []byte {
	a.tw.Close()
	return a.buf.Bytes()
}

func (a *archive) gz() []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Write(a.tar())
	z.Close()
	return out.Bytes()
}

// setArchive is a data set of 30 + 10 images as the official archive has it.
func setArchive(t testing.TB) *archive {
	a := newArchive(t)
	a.add(tar.Header{Name: "cifar-10-batches-bin/", Typeflag: tar.TypeDir}, nil)
	a.file("cifar-10-batches-bin/data_batch_1.bin", batch(30, 3))
	a.file("cifar-10-batches-bin/readme.html", []byte("<html>"))
	a.file("cifar-10-batches-bin/batches.meta.txt", []byte("cat\ndog\nowl\n\n"))
	return a.file("cifar-10-batches-bin/test_batch.bin", batch(10, 3))
}

func sha(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// wantOnly checks that dir holds the named entries and nothing else.
func wantOnly(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if fmt.Sprint(got) != fmt.Sprint(names) {
		t.Errorf("%s holds %q, want %q", dir, got, names)
	}
}

func TestFetchFile(t *testing.T) {
	for name, content := range map[string][]byte{"set.tar.gz": setArchive(t).gz(), "set.tar": setArchive(t).tar()} {
		dir := t.TempDir()
		from, target := filepath.Join(dir, name), filepath.Join(dir, "cache", "set")
		writeFile(t, from, content)
		if err := Fetch(t.Context(), cifar10, FetchOptions{From: from, Dir: target, SHA256: sha(content)}); err != nil {
			t.Fatal(err)
		}
		wantOnly(t, filepath.Join(dir, "cache"), "set")
		d, err := Load(target)
		if err != nil {
			t.Fatal(err)
		}
		if d.Name != "cifar10 (unofficial archive)" || d.Train.Len() != 30 || d.Test.Len() != 10 {
			t.Errorf("%q, %d, %d images", d.Name, d.Train.Len(), d.Test.Len())
		}
		// A sound set is never replaced.
		err = Fetch(t.Context(), cifar10, FetchOptions{From: from, Dir: target})
		wantError(t, err, "already holds a data set", "delete it first")
		// A damaged one is.
		os.Truncate(filepath.Join(target, cifar10.layout.test), 5)
		sum := md5.Sum(content)
		if err := Fetch(t.Context(), cifar10, FetchOptions{From: from, Dir: target, MD5: hex.EncodeToString(sum[:])}); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(target); err != nil {
			t.Error(err)
		}
	}
}

func TestFetchIsDone(t *testing.T) {
	dir := t.TempDir()
	writeOfficial(t, dir)
	no := defaultDownloader
	no.client = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		t.Error("the network was used")
		return nil, errors.New("no network")
	})}
	if err := fetch(t.Context(), cifar10, FetchOptions{Dir: dir}, no); err != nil {
		t.Error(err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestFetchRefuses(t *testing.T) {
	good := setArchive(t).gz()
	traversal := func(name string) []byte { return setArchive(t).file(name, []byte("x")).gz() }
	link := func(flag byte) []byte {
		return setArchive(t).add(tar.Header{Name: "cifar-10-batches-bin/data_batch_2.bin", Linkname: "/etc/passwd", Typeflag: flag}, nil).gz()
	}
	huge := newArchive(t)
	huge.tw.WriteHeader(&tar.Header{Name: "x/data_batch_1.bin", Typeflag: tar.TypeReg, Size: 1 << 40})
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"parent":        {traversal("../data_batch_2.bin"), "leads outside"},
		"inner parent":  {traversal("a/../../data_batch_2.bin"), "leads outside"},
		"absolute":      {traversal("/etc/data_batch_2.bin"), "leads outside"},
		"backslash":     {traversal(`..\data_batch_2.bin`), "leads outside"},
		"symbolic link": {link(tar.TypeSymlink), "link or a device"},
		"hard link":     {link(tar.TypeLink), "link or a device"},
		"device":        {link(tar.TypeBlock), "link or a device"},
		"pipe":          {link(tar.TypeFifo), "link or a device"},
		"absurd size":   {huge.buf.Bytes(), "1099511627776 bytes, at most 30730000"},
		"long readme":   {setArchive(t).file("x/source.json", make([]byte, 1<<20)).gz(), "source.json: 1048576 bytes"},
		"twice":         {traversal("y/test_batch.bin"), "test_batch.bin is in it twice"},
		"cut":           {good[:len(good)/2], "unexpected EOF"},
		"web page":      {[]byte("<html>not found</html>"), "a web page, want .tar or .tar.gz: the address that it came from may"},
		"no archive":    {[]byte("no archive"), "not a sound tar"},
		"gzip's sum":    {flipped(good, len(good)-8), "not a sound tar or tar.gz archive: gzip: invalid checksum"},
		"gzip's length": {flipped(good, len(good)-1), "gzip: invalid checksum"},
		"no gzip's sum": {good[:len(good)-8], "unexpected EOF"},
		"holes":         {setArchive(t).sparse("x/data_batch_2.bin", 30_730_000).gz(), `"x/data_batch_2.bin" in it is a file with holes`},
		"old holes":     {setArchive(t).oldSparse("x/data_batch_2.bin").gz(), `"x/data_batch_2.bin" in it is a file with holes`},
		"empty":         {nil, "no data_batch_1.bin"},
		"other things":  {newArchive(t).file("a.txt", []byte("a")).gz(), "no data_batch_1.bin"},
		"incomplete":    {newArchive(t).file("x/test_batch.bin", batch(1, 1)).gz(), "not a data set"},
		"bad label": {newArchive(t).file("data_batch_1.bin", batch(5, 5)).file("test_batch.bin", batch(5, 5)).
			file("batches.meta.txt", []byte("a\nb\nc\nd\n")).gz(), "label 4 in record 4"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			from := filepath.Join(dir, "set.tar.gz")
			writeFile(t, from, c.content)
			err := Fetch(t.Context(), cifar10, FetchOptions{From: from, Dir: filepath.Join(dir, "set"), SHA256: sha(c.content)})
			wantError(t, err, "set.tar.gz", c.want)
			if strings.Contains(err.Error(), "draft") {
				t.Errorf("error names a temporary folder: %v", err)
			}
			wantOnly(t, dir, "set.tar.gz")
		})
	}
}

func TestFetchOptions(t *testing.T) {
	dir := t.TempDir()
	from := filepath.Join(dir, "set.tar.gz")
	writeFile(t, from, setArchive(t).gz())
	t.Run("official checksum by default", func(t *testing.T) {
		err := Fetch(t.Context(), cifar10, FetchOptions{From: from, Dir: filepath.Join(dir, "set")})
		wantError(t, err, "MD5", "want c32a1d4ab5d03f1284b67883e8d87530", "checksum")
	})
	t.Run("both checksums count", func(t *testing.T) {
		err := Fetch(t.Context(), cifar10, FetchOptions{From: from, Dir: filepath.Join(dir, "set"), MD5: cifar10.Archive.MD5, SHA256: sha(setArchive(t).gz())})
		wantError(t, err, "MD5")
	})
	t.Run("bad checksum", func(t *testing.T) {
		err := Fetch(t.Context(), cifar10, FetchOptions{From: from, Dir: filepath.Join(dir, "set"), SHA256: "abc"})
		wantError(t, err, `SHA-256 checksum "abc": want 64 hexadecimal digits`)
	})
	t.Run("no such file", func(t *testing.T) {
		err := Fetch(t.Context(), cifar10, FetchOptions{From: filepath.Join(dir, "none"), Dir: filepath.Join(dir, "set")})
		wantError(t, err, "none")
	})
	t.Run("a folder", func(t *testing.T) {
		err := Fetch(t.Context(), cifar10, FetchOptions{From: dir, Dir: filepath.Join(dir, "set")})
		wantError(t, err, "not a regular file")
	})
	wantOnly(t, dir, "set.tar.gz")
	t.Run("target in use", func(t *testing.T) {
		target := filepath.Join(dir, "mine")
		writeFile(t, filepath.Join(target, "thesis.tex"), []byte("x"))
		writeFile(t, filepath.Join(target, cifar10.layout.test), []byte("x"))
		err := Fetch(t.Context(), cifar10, FetchOptions{From: from, Dir: target, SHA256: sha(setArchive(t).gz())})
		wantError(t, err, "holds other things, such as thesis.tex")
		wantOnly(t, target, cifar10.layout.test, "thesis.tex")
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := Fetch(ctx, cifar10, FetchOptions{From: from, Dir: filepath.Join(dir, "set"), SHA256: sha(setArchive(t).gz())})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want context.Canceled", err)
		}
	})
}

// A mirror serves an archive in the ways that the field knows.
type mirror struct {
	mu        sync.Mutex
	content   []byte
	etag      string
	cutAfter  int  // bytes sent before the connection breaks; 0: never
	stall     bool // at the cut, fall silent instead of closing
	noRanges  bool
	failures  int // requests to answer with 503 first
	requests  []string
	sentBytes int
}

func (m *mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests = append(m.requests, r.Header.Get("Range"))
	if m.failures > 0 {
		m.failures--
		http.Error(w, "busy", http.StatusServiceUnavailable)
		return
	}
	if m.noRanges {
		r.Header.Del("Range")
	}
	if m.etag != "" {
		w.Header().Set("ETag", m.etag)
	}
	out := &cuttingWriter{ResponseWriter: w, left: len(m.content) + 1, sent: &m.sentBytes}
	if m.cutAfter > 0 {
		out.left = m.cutAfter
	}
	http.ServeContent(out, r, "", time.Time{}, bytes.NewReader(m.content))
	if out.left == 0 {
		w.(http.Flusher).Flush()
		if m.stall {
			<-r.Context().Done()
		}
		panic(http.ErrAbortHandler)
	}
}

// seen returns the Range headers of the requests and the number of bytes sent.
func (m *mirror) seen() (requests []string, sentBytes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.requests, m.sentBytes
}

type cuttingWriter struct {
	http.ResponseWriter
	left int
	sent *int
}

func (w *cuttingWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p[:min(len(p), w.left)])
	w.left -= n
	*w.sent += n
	if err == nil && n < len(p) {
		err = errors.New("cut")
	}
	return n, err
}

// quick is a downloader without patience.
var quick = downloader{
	client:   defaultDownloader.client,
	attempts: 3,
	most:     30,
	wait:     func(int) time.Duration { return time.Millisecond },
	stall:    10 * time.Second,
	patience: time.Minute,
}

func TestDownload(t *testing.T) {
	content := setArchive(t).tar()
	for name, c := range map[string]struct {
		mirror   *mirror
		requests int // 0: any number
		maxSent  int
	}{
		"plain":           {&mirror{}, 1, len(content)},
		"busy at first":   {&mirror{failures: 2}, 3, len(content)},
		"breaks":          {&mirror{cutAfter: 20_000}, 0, len(content)},
		"breaks, tagged":  {&mirror{cutAfter: 20_000, etag: `"v1"`}, 0, len(content)},
		"without a range": {&mirror{noRanges: true}, 1, len(content)},
	} {
		t.Run(name, func(t *testing.T) {
			c.mirror.content = content
			server := httptest.NewServer(c.mirror)
			defer server.Close()
			target := filepath.Join(t.TempDir(), "cache", "set")
			var last, total int64
			o := FetchOptions{From: server.URL + "/set.tar", Dir: target, SHA256: sha(content), Progress: func(d, n int64) { last, total = d, n }}
			if err := fetch(t.Context(), cifar10, o, quick); err != nil {
				t.Fatal(err)
			}
			if d, err := Load(target); err != nil || d.Train.Len() != 30 {
				t.Error(d, err)
			}
			wantOnly(t, filepath.Dir(target), "set")
			if n := int64(len(content)); last != n || total != n {
				t.Errorf("progress ended at %d of %d, want %d", last, total, n)
			}
			requests, sent := c.mirror.seen()
			if c.requests > 0 && len(requests) != c.requests {
				t.Errorf("%d requests, want %d", len(requests), c.requests)
			}
			if sent > c.maxSent {
				t.Errorf("%d bytes sent for an archive of %d", sent, c.maxSent)
			}
		})
	}
}

// interrupted leaves a download in dir that was cancelled after some bytes.
func interrupted(t *testing.T, m *mirror, o FetchOptions) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o.Progress = func(done, _ int64) {
		if done >= 30_000 {
			cancel()
		}
	}
	err := fetch(ctx, cifar10, o, quick)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("%v, want context.Canceled", err)
	}
	wantError(t, err, "the next fetch goes on from there")
	wantOnly(t, filepath.Dir(o.Dir), "set.part", "set.part.json")
	m.mu.Lock()
	m.requests, m.sentBytes = nil, 0
	m.mu.Unlock()
}

func TestDownloadResumes(t *testing.T) {
	content := setArchive(t).tar()
	other := bytes.Clone(content)
	other[5000] ^= 1 // a pixel
	for name, c := range map[string]struct {
		change  func(m *mirror)
		resumes bool
	}{
		"same":           {func(m *mirror) {}, true},
		"changed":        {func(m *mirror) { m.content, m.etag = other, `"v2"` }, false},
		"ranges ignored": {func(m *mirror) { m.noRanges = true }, false},
		"shorter now":    {func(m *mirror) { m.content, m.etag = setArchive(t).gz(), `"v3"` }, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := &mirror{content: content, etag: `"v1"`}
			server := httptest.NewServer(m)
			defer server.Close()
			o := FetchOptions{From: server.URL, Dir: filepath.Join(t.TempDir(), "set"), SHA256: sha(content)}
			interrupted(t, m, o)
			m.mu.Lock()
			c.change(m)
			o.SHA256 = sha(m.content)
			m.mu.Unlock()
			if err := fetch(t.Context(), cifar10, o, quick); err != nil {
				t.Fatal(err)
			}
			requests, sent := m.seen()
			if resumed := sent < len(m.content); resumed != c.resumes {
				t.Errorf("%d of %d bytes sent, requests %q", sent, len(m.content), requests)
			}
			if !strings.HasPrefix(requests[0], "bytes=") {
				t.Errorf("request without a range: %q", requests)
			}
			wantOnly(t, filepath.Dir(o.Dir), "set")
		})
	}
}

func TestCompleteDownloadIsUnpacked(t *testing.T) {
	content := setArchive(t).tar()
	m := &mirror{content: content, etag: `"v1"`}
	server := httptest.NewServer(m)
	defer server.Close()
	o := FetchOptions{From: server.URL, Dir: filepath.Join(t.TempDir(), "set"), SHA256: sha(content)}
	p := newPartial(o.Dir+".part", o.From)
	if err := p.restart(m.etag); err != nil {
		t.Fatal(err)
	}
	writeFile(t, p.path, content)
	err := fetch(t.Context(), cifar10, o, quick)
	if _, sent := m.seen(); err != nil || sent >= 1000 { // an error page at most
		t.Errorf("%v, %d bytes sent", err, sent)
	}
}

func TestDownloadOfAnotherAddress(t *testing.T) {
	content := setArchive(t).tar()
	m := &mirror{content: content}
	server := httptest.NewServer(m)
	defer server.Close()
	o := FetchOptions{From: server.URL, Dir: filepath.Join(t.TempDir(), "set"), SHA256: sha(content)}
	interrupted(t, m, o)
	o.From += "/other"
	err := fetch(t.Context(), cifar10, o, quick)
	if requests, _ := m.seen(); err != nil || requests[0] != "" {
		t.Errorf("%v, requests %q", err, requests)
	}
}

func TestDownloadFails(t *testing.T) {
	content := setArchive(t).tar()
	try := func(t *testing.T, d downloader, h http.Handler, left []string, want ...string) {
		t.Helper()
		server := httptest.NewServer(h)
		defer server.Close()
		dir := t.TempDir()
		err := fetch(t.Context(), cifar10, FetchOptions{From: server.URL, Dir: filepath.Join(dir, "set"), SHA256: sha(content)}, d)
		wantError(t, err, want...)
		wantOnly(t, dir, left...)
	}
	t.Run("always busy", func(t *testing.T) {
		try(t, quick, &mirror{failures: 100}, nil, "failed 3 times", "503", "check the network", ErrByOtherMeans.Error())
	})
	t.Run("not found", func(t *testing.T) {
		var requests atomic.Int32
		try(t, quick, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			http.NotFound(w, r)
		}), nil, "404", ErrNoArchive.Error())
		if n := requests.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
	t.Run("log-in page", func(t *testing.T) {
		try(t, quick, &mirror{content: []byte("\n<!DOCTYPE html><html>log in</html>")}, nil, "it is a web page", "log-in")
	})
	t.Run("wrong content", func(t *testing.T) {
		try(t, quick, &mirror{content: []byte("another archive")}, nil, "SHA-256", "want "+sha(content))
	})
	t.Run("no content", func(t *testing.T) {
		try(t, quick, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}), nil, "SHA-256", "want "+sha(content))
	})
	t.Run("silent", func(t *testing.T) {
		d := quick
		d.stall = 20 * time.Millisecond
		try(t, d, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), nil, "no data for 20ms")
	})
	t.Run("absurd length", func(t *testing.T) {
		try(t, quick, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "99999999999")
		}), []string{"set.part.json"}, "99999999999 bytes, more than any archive")
	})
	t.Run("lying ranges", func(t *testing.T) {
		var asked atomic.Bool
		try(t, quick, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !asked.Swap(true) {
				w.Header().Set("Content-Length", "100")
				w.Write(content[:50])
				return
			}
			w.Header().Set("Content-Range", "bytes 10-99/100")
			w.WriteHeader(http.StatusPartialContent)
		}), nil, "unusable Content-Range")
	})
}

func TestDownloadCannotWrite(t *testing.T) {
	server := httptest.NewServer(&mirror{content: setArchive(t).tar()})
	defer server.Close()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "set.part", "x"), nil) // a folder where the file should be
	err := fetch(t.Context(), cifar10, FetchOptions{From: server.URL, Dir: filepath.Join(dir, "set")}, quick)
	wantError(t, err, "set.part", "choose another folder")
}

func TestDownloadWithoutServer(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	err := fetch(t.Context(), cifar10, FetchOptions{From: server.URL, Dir: filepath.Join(t.TempDir(), "set")}, quick)
	wantError(t, err, "failed 3 times", "check the network")
}

// A connection that falls silent counts as lost, and the next one goes on.
func TestDownloadStalls(t *testing.T) {
	content := setArchive(t).tar()
	m := &mirror{content: content, cutAfter: 40_000, stall: true}
	server := httptest.NewServer(m)
	defer server.Close()
	d := quick
	d.stall = 100 * time.Millisecond
	o := FetchOptions{From: server.URL, Dir: filepath.Join(t.TempDir(), "set"), SHA256: sha(content)}
	if err := fetch(t.Context(), cifar10, o, d); err != nil {
		t.Fatal(err)
	}
	if requests, _ := m.seen(); len(requests) < 3 {
		t.Errorf("%d requests, want several", len(requests))
	}
}

func TestParseContentRange(t *testing.T) {
	for s, want := range map[string][2]int64{"bytes 100-199/200": {100, 200}, "bytes 5-9/*": {5, -1}, "bytes */200": {0, 200}} {
		if start, size, err := parseContentRange(s); err != nil || start != want[0] || size != want[1] {
			t.Errorf("%q: %d, %d, %v", s, start, size, err)
		}
	}
	for _, s := range []string{"", "bytes", "bytes 1-2", "items 1-2/3", "bytes x-2/3", "bytes 1-2/x"} {
		if _, _, err := parseContentRange(s); err == nil {
			t.Errorf("%q: no error", s)
		}
	}
}

// FuzzUnpack unpacks arbitrary archives; nothing may appear outside the draft,
// and nothing in it but files of the layout.
func FuzzUnpack(f *testing.F) {
	small := func() *archive { return newArchive(f).file("x/test_batch.bin", batch(1, 1)) }
	f.Add(small().tar())
	f.Add(small().gz())
	f.Add(small().file("../../data_batch_1.bin", []byte("x")).tar())
	f.Add(small().add(tar.Header{Name: "source.json", Linkname: "../x", Typeflag: tar.TypeSymlink}, nil).tar())
	f.Add(small().add(tar.Header{Name: "d/", Typeflag: tar.TypeDir}, nil).file("d/source.json", []byte("{}")).tar())
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) {
		d, err := newDraft(filepath.Join(dir, "set"))
		if err != nil {
			t.Fatal(err)
		}
		defer d.discard()
		err = unpack(t.Context(), bytes.NewReader(content), cifar10.layout, d)
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("error has several lines: %q", err)
		}
		wantOnly(t, dir, filepath.Base(d.dir))
		entries, _ := os.ReadDir(d.dir)
		for _, e := range entries {
			if !belongs(e.Name()) || !e.Type().IsRegular() {
				t.Errorf("unpacked %s", e.Name())
			}
		}
	})
}

// The number of files is bounded, whatever they are.
func TestMembersAreCounted(t *testing.T) {
	a, err := openArchive(bytes.NewReader(newArchive(t).file("a", nil).file("b", nil).gz()))
	if err != nil {
		t.Fatal(err)
	}
	a.members = maxMembers - 1 // as after so many
	if _, err := a.next(); err != nil {
		t.Fatal(err)
	}
	_, err = a.next()
	wantError(t, err, "more than 3000000 files and folders")
}
