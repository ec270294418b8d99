package page

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Handler answers requests for a page and its documents. It reads nothing by a name that
// a request gives: runs are looked up among those of a snapshot.
type Handler struct {
	snapshot func() *Snapshot
	allowed  func(host string) bool
	session  string // of entity tags: revisions count anew in each
}

// NewHandler serves what snapshot returns. It answers requests for the hosts allowed
// alone: a page of another site whose name leads here, by DNS rebinding, would else read
// the runs.
func NewHandler(snapshot func() *Snapshot, allowed func(host string) bool) *Handler {
	return &Handler{snapshot, allowed, rand.Text()[:8]}
}

// LoopbackHosts are the names by which a program on the same machine calls it.
func LoopbackHosts(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// Hosts are the names that requests may be for at an address that is listened to: on loopback
// those of this machine to itself; else its own name and addresses, which no name
// server can point elsewhere. The names are allowed, too.
func Hosts(listen net.IP, names []string) func(host string) bool {
	if own, err := os.Hostname(); err == nil && !listen.IsLoopback() {
		names = append(slices.Clone(names), own)
	}
	return func(host string) bool {
		named := slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, host) })
		return named || LoopbackHosts(host) || !listen.IsLoopback() && net.ParseIP(host) != nil
	}
}

// policy lets a page load what it is made of, from here, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range map[string]string{
		"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": "no-cache",
	} {
		w.Header().Set(name, value)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "this page can be looked at, not changed", http.StatusMethodNotAllowed)
		return
	}
	if !h.allowed(hostOf(r.Host)) {
		http.Error(w, "this server is not known by that name", http.StatusMisdirectedRequest)
		return
	}
	switch r.URL.Path {
	case "/":
		var b bytes.Buffer
		if err := document.Execute(&b, contents{Title: h.snapshot().Title}); err != nil {
			http.Error(w, "no page", http.StatusInternalServerError)
			return
		}
		h.send(w, r, "text/html; charset=utf-8", "", b.Bytes())
	case "/page.js":
		h.send(w, r, "text/javascript; charset=utf-8", "", []byte(script))
	case "/page.css":
		h.send(w, r, "text/css; charset=utf-8", "", []byte(style))
	case "/report.html":
		h.report(w, r)
	default:
		h.document(w, r)
	}
}

// hostOf is a Host header without the port.
func hostOf(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}

func (h *Handler) document(w http.ResponseWriter, r *http.Request) {
	s := h.snapshot()
	query := r.URL.Query()
	tag := fmt.Sprintf(`"%s-%d"`, h.session, s.Revision)
	w.Header().Set("ETag", tag)
	var content any
	ok := true
	switch r.URL.Path {
	case "/index":
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		content = s.Index()
	case "/column":
		since, _ := strconv.Atoi(query.Get("since")) // all, if it is none
		content, ok = s.Column(query.Get("net"), query.Get("name"), since)
	case "/table":
		content, ok = s.Table(query.Get("net"), query.Get("by"))
	case "/detail":
		content, ok = s.Detail(query.Get("id"))
	default:
		ok = false
	}
	if !ok {
		w.Header().Del("ETag")
		http.Error(w, "there is no such document", http.StatusNotFound)
		return
	}
	b, err := json.Marshal(content)
	if err != nil {
		http.Error(w, "the document cannot be written", http.StatusInternalServerError)
		return
	}
	h.send(w, r, "application/json", tag, b)
}

// report sends the page of the moment as a file that needs no server.
func (h *Handler) report(w http.ResponseWriter, r *http.Request) {
	var b bytes.Buffer
	if err := h.snapshot().WriteReport(&b); err != nil {
		http.Error(w, "the report cannot be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Disposition", `attachment; filename="report.html"`)
	h.send(w, r, "text/html; charset=utf-8", "", b.Bytes())
}

// worthCompressing is from how many bytes on contents are compressed: who looks through a
// tunnel waits for them.
const worthCompressing = 4096

func (h *Handler) send(w http.ResponseWriter, r *http.Request, kind, tag string, b []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Vary", "Accept-Encoding")
	if len(b) >= worthCompressing && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		var packed bytes.Buffer
		z, _ := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
		z.Write(b)
		z.Close()
		b = packed.Bytes()
		w.Header().Set("Content-Encoding", "gzip")
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	if r.Method != http.MethodHead {
		w.Write(b)
	}
}
