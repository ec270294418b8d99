package data

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// rangeStart is where the range that a request wants begins.
func rangeStart(r *http.Request) int {
	text := strings.TrimPrefix(r.Header.Get("Range"), "bytes=")
	n, _ := strconv.Atoi(strings.TrimSuffix(text, "-"))
	return n
}

// sendPart sends a part of so many bytes and breaks the connection.
func sendPart(w http.ResponseWriter, part []byte) {
	w.Write(part)
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// rawAnswer writes text to the connection as it is.
func rawAnswer(w http.ResponseWriter, text string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		fmt.Fprint(conn, text)
		conn.Close()
	}
}

// endless sends begin, and then more for as long as anybody listens.
func endless(w http.ResponseWriter, r *http.Request, begin, more string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	for _, err := fmt.Fprint(conn, begin); err == nil; {
		_, err = fmt.Fprint(conn, more)
	}
}

// hostile servers: what they answer to their n-th request, the first being 1, how
// many requests are fair, and what the error must say.
var hostile = map[string]struct {
	answer   func(n int, w http.ResponseWriter, r *http.Request)
	requests int
	want     string
}{
	"wrong range after each start": {func(n int, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		if rangeStart(r) > 0 {
			w.Header().Set("Content-Range", "bytes 7-999/1000")
			w.WriteHeader(http.StatusPartialContent)
		}
		sendPart(w, make([]byte, 500))
	}, quick.attempts + 1, "failed"},
	"no ranges, breaks here and there": {func(n int, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		sendPart(w, make([]byte, []int{500, 300, 400}[n%3]))
	}, 2 * quick.attempts, "failed"},
	"a byte at a time": {func(n int, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000000")
		if start := rangeStart(r); start > 0 {
			w.Header().Set("Content-Length", strconv.Itoa(1_000_000-start))
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-999999/1000000", start))
			w.WriteHeader(http.StatusPartialContent)
		}
		sendPart(w, []byte{0})
	}, quick.most, fmt.Sprintf("failed %d times", quick.most)},
	"more than the rest": {func(n int, w http.ResponseWriter, r *http.Request) {
		if start := rangeStart(r); start > 0 {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-999/1000", start))
			w.WriteHeader(http.StatusPartialContent)
			w.Write(make([]byte, 5000))
			return
		}
		w.Header().Set("Content-Length", "1000")
		sendPart(w, make([]byte, 10*n))
	}, quick.most, "failed"},
	"nothing to be had": {func(n int, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Range", "bytes */0")
		w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
	}, quick.attempts, "416"},
	"leads to a file": {func(n int, w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
	}, 1, `"file:///etc/passwd" is not the http or https address`},
	"leads in a circle": {func(n int, w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/", http.StatusFound)
	}, 10, "10 redirects"},
	"text for the terminal": {func(n int, w http.ResponseWriter, r *http.Request) {
		rawAnswer(w, "HTTP/1.1 404 \x1b[2J\x1b]0;all is well\x07\r\nContent-Length: 0\r\n\r\n")
	}, 1, `\x1b[2J`},
	"text for the terminal, busy": {func(n int, w http.ResponseWriter, r *http.Request) {
		rawAnswer(w, "HTTP/1.1 503 \x1b[2J\r\nContent-Length: 0\r\n\r\n")
	}, quick.attempts, `\x1b[2J`},
	"no HTTP": {func(n int, w http.ResponseWriter, r *http.Request) {
		rawAnswer(w, "220 \x1b[31mftp.example ready\r\n")
	}, quick.attempts, "failed"},
	"not modified": {func(n int, w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNotModified)
	}, 1, "304"},
	"range of something else": {func(n int, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Range", "lines 1-2/3")
		w.WriteHeader(http.StatusPartialContent)
	}, quick.attempts, "unusable Content-Range"},
	"endless headers": {func(n int, w http.ResponseWriter, r *http.Request) {
		endless(w, r, "HTTP/1.1 200 OK\r\n", "X-More: "+strings.Repeat("x", 1000)+"\r\n")
	}, quick.attempts, "failed"},
	"endless hints": {func(n int, w http.ResponseWriter, r *http.Request) {
		endless(w, r, "", "HTTP/1.1 103 Early Hints\r\nLink: </set>; rel=preload\r\n\r\n")
	}, quick.attempts, "failed"},
	"endless status": {func(n int, w http.ResponseWriter, r *http.Request) {
		endless(w, r, "HTTP/1.1 404 ", strings.Repeat("x", 1000))
	}, quick.attempts, "failed"},
	"closes at once": {func(n int, w http.ResponseWriter, r *http.Request) {
		rawAnswer(w, "")
	}, 2 * quick.attempts, "failed"}, // net/http may ask once more on a kept connection
	"chunks that are none": {func(n int, w http.ResponseWriter, r *http.Request) {
		rawAnswer(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n")
	}, quick.attempts, "failed"},
	"negative length": {func(n int, w http.ResponseWriter, r *http.Request) {
		rawAnswer(w, "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello")
	}, quick.attempts, "failed"},
	"two lengths": {func(n int, w http.ResponseWriter, r *http.Request) {
		rawAnswer(w, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello")
	}, quick.attempts, "failed"},
	"range of nothing": {func(n int, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Range", "bytes 0-999/1000")
		w.WriteHeader(http.StatusPartialContent)
	}, quick.attempts, "connection closed after 0 of 1000 bytes"},
	"range of too much": {func(n int, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Range", "bytes 0-9/99999999999999999999")
		w.WriteHeader(http.StatusPartialContent)
	}, quick.attempts, "unusable Content-Range"},
	"range from below 0": {func(n int, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Range", "bytes -5-9/10")
		w.WriteHeader(http.StatusPartialContent)
	}, quick.attempts, "unusable Content-Range"},
	"of another size each time": {func(n int, w http.ResponseWriter, r *http.Request) {
		start := rangeStart(r)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", start, start+9, start+1000))
		w.WriteHeader(http.StatusPartialContent)
		w.Write(make([]byte, 10))
	}, quick.most, "failed"},
	"moved to nowhere": {func(n int, w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusMovedPermanently)
	}, 1, "301"},
	"no content": {func(n int, w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	}, 1, "204"},
	"leads to no address": {func(n int, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "http://[::1/\x1b[2J")
		w.WriteHeader(http.StatusFound)
	}, quick.attempts, "failed"},
	"too many requests": {func(n int, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "1000000")
		w.WriteHeader(http.StatusTooManyRequests)
	}, quick.attempts, "429"},
	"log in first": {func(n int, w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
	}, 1, "401"},
	"compressed all the same": {func(n int, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write([]byte("\x1f\x8b\x08"))
	}, 1, "MD5"},
	"drips": {func(n int, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000000")
		for r.Context().Err() == nil {
			w.Write([]byte{0})
			w.(http.Flusher).Flush()
			time.Sleep(5 * time.Millisecond)
		}
	}, 1, "which gets nowhere"},
}

// No server keeps a download busy for ever, has it try in vain what stays as it
// is, or gets to write on the terminal.
func TestHostileServers(t *testing.T) {
	for _, set := range Fetchable() {
		t.Run(set.Name, func(t *testing.T) { testHostileServers(t, set) })
	}
}

func testHostileServers(t *testing.T, set Set) {
	for name, c := range hostile {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c.answer(int(requests.Add(1)), w, r)
			}))
			defer server.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			d := quick
			d.patience = 200 * time.Millisecond
			err := fetch(ctx, set, FetchOptions{From: server.URL, Dir: filepath.Join(t.TempDir(), "set")}, d)
			wantError(t, err, c.want)
			if errors.Is(err, context.DeadlineExceeded) {
				t.Error("it went on until the test ended it")
			}
			if strings.ContainsAny(err.Error(), "\x1b\x07") {
				t.Errorf("the terminal would obey %q", err)
			}
			if n := int(requests.Load()); n > c.requests {
				t.Errorf("%d requests, want at most %d", n, c.requests)
			}
		})
	}
}

// What stays as it is, is not tried again.
func TestPermanentErrors(t *testing.T) {
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for name, c := range map[string]struct {
		from string
		fail error // of the network, instead of a request
	}{
		"no such host":       {"http://example.invalid/set", &net.DNSError{Err: "no such host", Name: "example.invalid", IsNotFound: true}},
		"no host":            {"http:///set", nil},
		"unknown authority":  {secure.URL, nil},
		"no TLS":             {strings.Replace(plain.URL, "http:", "https:", 1), nil},
		"not an address":     {"http://[::1/set", nil},
		"not another scheme": {"http:opaque", nil},
	} {
		t.Run(name, func(t *testing.T) {
			tries := 0
			d := quick
			d.client = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				tries++
				if c.fail != nil {
					return nil, c.fail
				}
				return http.DefaultTransport.RoundTrip(r)
			})}
			p := newPartial(filepath.Join(t.TempDir(), "set.part"), c.from)
			if err := d.download(t.Context(), p); err == nil || tries > 1 {
				t.Errorf("%d tries: %v", tries, err)
			}
		})
	}
}

// Several fetches at once download once, and all end well.
func TestFetchesAtOnce(t *testing.T) {
	content := setArchive(t).tar()
	m := &mirror{content: content, cutAfter: 20_000}
	server := httptest.NewServer(m)
	defer server.Close()
	dir := t.TempDir()
	var waited atomic.Int32
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			o := FetchOptions{From: server.URL, Dir: filepath.Join(dir, "set"), SHA256: sha(content), Waiting: func() { waited.Add(1) }}
			if err := fetch(t.Context(), cifar10, o, quick); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if _, sent := m.seen(); sent > len(content) {
		t.Errorf("%d bytes sent for an archive of %d", sent, len(content))
	}
	if n := waited.Load(); n > 3 {
		t.Errorf("all %d have waited", n)
	}
	wantOnly(t, dir, "set")
	if _, err := Load(filepath.Join(dir, "set")); err != nil {
		t.Error(err)
	}
}

// Who waits for another process can be stopped, and takes its place when it ends.
func TestLock(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "not", "yet", "set")
	unlock, err := lock(t.Context(), target, func() { t.Error("waited for nobody") })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := lock(ctx, target, cancel); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
	second, err := lock(t.Context(), target, unlock)
	if err != nil {
		t.Fatal(err)
	}
	second()
	wantOnly(t, filepath.Dir(target))
}

// A lock file that is removed while somebody waits for it is no lock any more.
func TestLockFileOfThePast(t *testing.T) {
	target := filepath.Join(t.TempDir(), "set")
	var held, most atomic.Int32
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 10 {
				unlock, err := lock(t.Context(), target, nil)
				if err != nil {
					t.Error(err)
					return
				}
				if n := held.Add(1); n > 1 {
					most.Store(n)
				}
				held.Add(-1)
				unlock()
			}
		})
	}
	all.Wait()
	if n := most.Load(); n > 0 {
		t.Errorf("%d had the lock at once", n)
	}
}

// A set of an archive with known sums is not fetched again, whichever is given.
func TestFetchAgain(t *testing.T) {
	for name, a := range map[string]*archive{
		"plain":              setArchive(t),
		"with a source.json": setArchive(t).file("x/source.json", []byte(`{"name": "pets", "from": "pets", "train": 30, "test": 10}`)),
	} {
		dir := t.TempDir()
		content := a.gz()
		o := FetchOptions{From: filepath.Join(dir, "set.tar.gz"), Dir: filepath.Join(dir, "set"), SHA256: sha(content)}
		writeFile(t, o.From, content)
		if err := Fetch(t.Context(), cifar10, o); err != nil {
			t.Fatal(name, err)
		}
		if err := os.Remove(o.From); err != nil { // not asked for it again
			t.Fatal(err)
		}
		if err := Fetch(t.Context(), cifar10, o); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		o.SHA256 = sha(bytes.Repeat(content, 2))
		wantError(t, Fetch(t.Context(), cifar10, o), "already holds a data set", "delete it first")
	}
}
