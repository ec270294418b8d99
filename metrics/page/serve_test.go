package page

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"largestep/metrics/record"
)

func openFolder(t testing.TB, dir string) *Folder {
	t.Helper()
	f, err := OpenFolder(dir, opener)
	check(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

// again is what the folder holds now, without waiting until it would be looked through.
func (f *Folder) again() *Snapshot {
	f.next = time.Time{}
	return f.Snapshot()
}

func ids(s *Snapshot) string {
	var list []string
	for _, e := range s.Entries {
		list = append(list, e.ID)
	}
	return strings.Join(list, " ")
}

func TestFolderFollowsItsRuns(t *testing.T) {
	dir := samples(t)
	sample{stepSize: 2, rows: 3, state: record.Running}.write(t, filepath.Join(dir, "deep/er/run"))
	f := openFolder(t, dir)
	first := f.again()
	if got := ids(first); got != "deep/er/run eta0.5-seed0 eta0.5-seed1 eta1-seed0 eta1-seed1" || len(first.Problems) > 0 {
		t.Fatalf("%s, problems %q", got, first.Problems)
	}
	if f.again() != first {
		t.Error("another snapshot of what did not change")
	}

	// A row that is half written is not there yet; whole, it is.
	table := filepath.Join(dir, "deep/er/run", record.TableFile)
	whole, err := os.ReadFile(table)
	check(t, err)
	appended(t, table, "9,90,large,2,0.1,0.1")
	half := f.again()
	c, _ := half.Column("resnet18", "epoch", first.Revision)
	if len(c.Runs) != 1 || len(c.Runs["deep/er/run"]) != 3 || half.Revision <= first.Revision {
		t.Errorf("after half a row: revision %d, %+v", half.Revision, c)
	}
	appended(t, table, ",0.1,0.1,0.1,0.5,0.2,7,1000,3\n")
	if c, _ := f.again().Column("resnet18", "epoch", half.Revision); len(c.Runs["deep/er/run"]) != 4 {
		t.Errorf("after a row: %+v", c)
	}

	// A run that cannot be read any more stays as it was, and the page says why.
	check(t, os.WriteFile(table, []byte("nonsense\n"), 0o666))
	broken := f.again()
	if c, _ := broken.Column("resnet18", "epoch", 0); len(c.Runs["deep/er/run"]) != 4 || len(broken.Problems) != 1 || !strings.Contains(broken.Problems[0], "metrics.csv:1") {
		t.Errorf("broken: %q", broken.Problems)
	}
	check(t, os.WriteFile(table, whole, 0o666))
	if s := f.again(); len(s.Problems) != 0 {
		t.Errorf("mended: %q", s.Problems)
	}

	check(t, os.RemoveAll(filepath.Join(dir, "deep")))
	check(t, os.RemoveAll(filepath.Join(dir, "eta1-seed1")))
	if s := f.again(); ids(s) != "eta0.5-seed0 eta0.5-seed1 eta1-seed0" {
		t.Errorf("after runs vanished: %s", ids(s))
	}
	check(t, os.RemoveAll(dir))
	if s := f.again(); len(s.Problems) == 0 && len(s.Entries) > 0 {
		t.Errorf("after the folder vanished: %s", ids(s))
	}
}

func appended(t testing.TB, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	check(t, err)
	_, err = f.WriteString(text)
	check(t, errors.Join(err, f.Close()))
}

func TestFolderLeavesOutWhatLiesOutside(t *testing.T) {
	outside, dir := samples(t), t.TempDir()
	sample{stepSize: 3}.write(t, filepath.Join(dir, "own"))
	link := func(target, name string) {
		t.Helper()
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Skip(err)
		}
	}
	link(filepath.Join(outside, "eta1-seed0"), "folder")
	check(t, os.Mkdir(filepath.Join(dir, "table"), 0o777))
	check(t, os.CopyFS(filepath.Join(dir, "table"), os.DirFS(filepath.Join(dir, "own"))))
	check(t, os.Remove(filepath.Join(dir, "table", record.TableFile)))
	link(filepath.Join(outside, "eta1-seed0", record.TableFile), filepath.Join("table", record.TableFile))
	check(t, os.Mkdir(filepath.Join(dir, "config"), 0o777))
	link(filepath.Join(outside, "eta1-seed0", record.ConfigFile), filepath.Join("config", record.ConfigFile))
	s := openFolder(t, dir).again()
	if ids(s) != "own" || len(s.Problems) != 1 || !strings.Contains(s.Problems[0], "escapes") {
		t.Errorf("%s, problems %q", ids(s), s.Problems)
	}
}

// A folder may be a run itself.
func TestFolderOfOneRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "alone")
	sample{stepSize: 3}.write(t, dir)
	if s := openFolder(t, dir).again(); ids(s) != "alone" {
		t.Errorf("%s, problems %q", ids(s), s.Problems)
	}
}

// A pipe in the place of a file would keep who opens it waiting.
func TestFolderDoesNotWaitForPipes(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("makes a pipe as on Linux")
	}
	dir := t.TempDir()
	sample{stepSize: 3}.write(t, filepath.Join(dir, "run"))
	table := filepath.Join(dir, "run", record.TableFile)
	check(t, os.Remove(table))
	check(t, mkfifo(table))
	done := make(chan *Snapshot, 1)
	go func() { done <- openFolder(t, dir).again() }()
	select {
	case s := <-done:
		if len(s.Problems) != 1 || !strings.Contains(s.Problems[0], "not a regular file") {
			t.Errorf("problems %q", s.Problems)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it waits")
	}
}

func request(h http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://localhost:6016/", nil)
	r.URL.Path, r.URL.RawQuery, _ = strings.Cut(target, "?")
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		} else {
			r.Header.Set(header[i], header[i+1])
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func handler(t testing.TB) *Handler {
	return NewHandler(openFolder(t, samples(t)).Snapshot, LoopbackHosts)
}

func TestHandlerAnswers(t *testing.T) {
	h := handler(t)
	for target, want := range map[string]string{
		"/": "<!doctype html>", "/page.js": "uPlot", "/page.css": "--ground", "/index": `"live":true`, "/report.html": `id="data"`,
		"/column?net=resnet18&name=train_loss": `"eta1-seed1":[`, "/table?net=resnet18&by=setting": "test error (%)", "/detail?id=eta1-seed0": `"seed":0`,
	} {
		w := request(h, "GET", target)
		if w.Code != 200 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d, without %s", target, w.Code, want)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'", "Access-Control-Allow-Origin": "", "X-Frame-Options": "DENY"} {
			if got := w.Header().Get(name); got != want && !(want != "" && strings.HasPrefix(got, want)) {
				t.Errorf("%s: %s: %q", target, name, got)
			}
		}
		if head := request(h, "HEAD", target); head.Code != 200 || head.Body.Len() != 0 || head.Header().Get("Content-Length") != fmt.Sprint(w.Body.Len()) {
			t.Errorf("HEAD %s: %d, %d bytes", target, head.Code, head.Body.Len())
		}
	}
	w := request(h, "GET", "/index")
	if again := request(h, "GET", "/index", "If-None-Match", w.Header().Get("ETag")); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
		t.Errorf("an index that did not change: %d", again.Code)
	}
	packed := request(h, "GET", "/page.js", "Accept-Encoding", "gzip")
	z, err := gzip.NewReader(packed.Body)
	check(t, err)
	b, err := io.ReadAll(z)
	check(t, err)
	if string(b) != script || packed.Header().Get("Content-Encoding") != "gzip" {
		t.Error("compressed, the script is another")
	}
}

func TestHandlerRefuses(t *testing.T) {
	h := handler(t)
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH"} {
		if w := request(h, method, "/index"); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" || strings.Contains(w.Body.String(), "eta") {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
	for _, host := range []string{"evil.example", "evil.example:6016", "localhost.evil.example", "127.0.0.1.evil.example", "", "0x7f.1", "10.0.0.1", "[::2]:6016"} {
		if w := request(h, "GET", "/index", "Host", host); w.Code != http.StatusMisdirectedRequest || strings.Contains(w.Body.String(), "eta") {
			t.Errorf("host %q: %d", host, w.Code)
		}
	}
	for _, host := range []string{"localhost", "LOCALHOST:1", "127.0.0.1:6016", "127.9.9.9", "[::1]:6016", "[::1]"} {
		if w := request(h, "GET", "/index", "Host", host); w.Code != 200 {
			t.Errorf("host %q: %d", host, w.Code)
		}
	}
	for _, target := range []string{
		"/eta1-seed0/config.json", "/../config.json", "//index", "/index/", "/column", "/column?net=resnet18x&name=epoch", "/table?net=resnet18", "/detail?id=../eta1-seed0",
		"/detail?id=/etc/passwd", "/detail?id=eta1-seed0%2fconfig.json", "/assets/page.js", "/page.html", "/.", "/index\x00",
	} {
		if w := request(h, "GET", target); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d %.80s", target, w.Code, w.Body.String())
		}
	}
}

// By which names a server that listens to others may be called.
func TestHosts(t *testing.T) {
	own, err := os.Hostname()
	check(t, err)
	for _, c := range []struct {
		listen, host string
		names        []string
		want         bool
	}{
		{"127.0.0.1", "localhost", nil, true}, {"127.0.0.1", own, nil, false}, {"127.0.0.1", "10.0.0.1", nil, false}, {"127.0.0.1", "gpu1.example.org", []string{"gpu1.example.org"}, true},
		{"0.0.0.0", own, nil, true}, {"0.0.0.0", "10.0.0.1", nil, true}, {"0.0.0.0", "evil.example", nil, false}, {"::", "GPU1.example.org", []string{"gpu1.example.org"}, true},
	} {
		if got := Hosts(net.ParseIP(c.listen), c.names)(c.host); got != c.want {
			t.Errorf("at %s, named %s, for %s: %v", c.listen, c.names, c.host, got)
		}
	}
}

// A client that asks slowly, or reads nothing, keeps nobody else from an answer.
func TestServe(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, listener, handler(t)) }()
	for range 20 {
		slow, err := net.Dial("tcp", listener.Addr().String())
		check(t, err)
		defer slow.Close()
		fmt.Fprint(slow, "GET /page.js HTTP/1.1\r\nHost: localh")
	}
	answer, err := http.Get("http://" + listener.Addr().String() + "/index")
	check(t, err)
	var x Index
	check(t, json.NewDecoder(answer.Body).Decode(&x))
	answer.Body.Close()
	if len(x.Nets[0].Runs) != 4 {
		t.Errorf("%+v", x)
	}
	stop()
	select {
	case err := <-ended:
		check(t, err)
	case <-time.After(10 * time.Second):
		t.Error("it goes on")
	}
}

// Whatever is asked for, the handler neither panics nor tells of what lies outside, nor
// answers other methods and names.
func FuzzHandler(f *testing.F) {
	outside := f.TempDir()
	const secret = "a-secret-that-no-answer-holds"
	check(f, os.WriteFile(filepath.Join(outside, "secret.txt"), []byte(secret), 0o666))
	dir := filepath.Join(outside, "runs")
	sample{stepSize: 1, plateau: true}.write(f, filepath.Join(dir, "run"))
	os.Symlink(filepath.Join(outside, "secret.txt"), filepath.Join(dir, "run", record.PlateausFile+".old"))
	os.Symlink(outside, filepath.Join(dir, "up"))
	h := NewHandler(openFolder(f, dir).Snapshot, LoopbackHosts)
	for _, target := range []string{"/", "/index", "/column?net=resnet18&name=epoch&since=-1", "/table?net=resnet18&by=run", "/detail?id=run", "/../secret.txt", "/up/secret.txt", "/report.html", "/detail?id=..%2fsecret.txt", "/column?%zz"} {
		f.Add("GET", target, "localhost:1", "gzip", `"x"`)
	}
	f.Add("POST", "/index", "evil.example", "", "")
	f.Fuzz(func(t *testing.T, method, target, host, encoding, tag string) {
		r := httptest.NewRequest("GET", "http://localhost/", nil)
		r.Method, r.Host = method, host
		r.URL.Path, r.URL.RawQuery, _ = strings.Cut(target, "?")
		r.Header["Accept-Encoding"], r.Header["If-None-Match"] = []string{encoding}, []string{tag}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		body := w.Body.String()
		if strings.Contains(body, secret) {
			t.Fatalf("%s tells the secret", target)
		}
		if w.Code == 200 && (method != "GET" && method != "HEAD" || !LoopbackHosts(hostOf(host))) {
			t.Fatalf("%s %s for %s is answered", method, target, host)
		}
		if w.Code >= 500 {
			t.Fatalf("%s: %d", target, w.Code)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Content-Security-Policy") == "" {
			t.Fatalf("%s: headers %v", target, w.Header())
		}
	})
}
