package data

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// A partial is a download that may be unfinished: a file with what is there so
// far, and one beside it that says of what.
type partial struct {
	path  string
	state partialState
}

type partialState struct {
	URL       string `json:"url"`
	Validator string `json:"validator"` // strong ETag or Last-Modified, for If-Range
}

// newPartial returns the download of url to path: the one found there, if it
// was of the same URL, else a new one.
func newPartial(path, url string) *partial {
	p := &partial{path: path}
	text, err := readSmall(p.statePath())
	if err != nil || json.Unmarshal(text, &p.state) != nil || p.state.URL != url {
		p.remove()
		p.state = partialState{URL: url}
	}
	return p
}

func (p *partial) statePath() string { return p.path + ".json" }

func (p *partial) remove() {
	os.Remove(p.path)
	os.Remove(p.statePath())
}

// size returns the number of bytes that are there.
func (p *partial) size() int64 {
	info, err := os.Stat(p.path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// restart empties the file and notes which version of the resource follows.
func (p *partial) restart(validator string) error {
	p.remove()
	p.state.Validator = validator
	text, err := json.Marshal(p.state)
	if err != nil {
		return err
	}
	return os.WriteFile(p.statePath(), text, 0o644)
}

// A downloader gets files over HTTP.
type downloader struct {
	client   *http.Client
	attempts int                              // in a row that get no farther than one before
	most     int                              // attempts in all
	wait     func(failures int) time.Duration // before the next attempt
	stall    time.Duration                    // silence after which a connection counts as lost
	patience time.Duration                    // with a server below minRate
	progress func(done, total int64)
}

// minRate is the speed, in bytes a second, below which a transfer is hopeless:
// CIFAR-10 would take two days.
const minRate = 1000

var defaultDownloader = downloader{
	client:   &http.Client{CheckRedirect: checkRedirect},
	attempts: 6,
	most:     200,
	wait:     func(failures int) time.Duration { return time.Second << (failures - 1) },
	stall:    30 * time.Second,
	patience: time.Minute,
}

// checkRedirect follows a few redirects, to http and https alone.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return permanentError{errors.New("10 redirects")}
	}
	return checkURL(req.URL)
}

func checkURL(u *url.URL) error {
	if !isURL(u.String()) || u.Host == "" {
		return permanentError{fmt.Errorf("%q is not the http or https address of a file", u)}
	}
	return nil
}

// permanentError is one that another attempt would meet again.
type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

// permanent tells whether a request failed for a reason that stays: there is no
// such host, or it is not the one that its certificate is for.
func permanent(err error) bool {
	var dns *net.DNSError
	return errors.As(err, new(permanentError)) ||
		errors.As(err, &dns) && dns.IsNotFound ||
		errors.As(err, new(*tls.CertificateVerificationError)) ||
		errors.As(err, new(tls.RecordHeaderError)) || errors.Is(err, http.ErrSchemeMismatch)
}

// printable is an error whose text may come from a server. What a terminal would
// not print but obey is escaped.
type printable struct{ error }

func (e printable) Unwrap() error { return e.error }

func (e printable) Error() string {
	var b strings.Builder
	for _, r := range e.error.Error() {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

// download completes p, over as many connections as it takes.
func (d downloader) download(ctx context.Context, p *partial) error {
	farthest, failures := p.size(), 0
	for tries := 1; ; tries++ {
		err := d.attempt(ctx, p)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("download stopped after %d bytes, the next fetch goes on from there: %w", p.size(), ctx.Err())
		}
		if permanent(err) {
			return printable{err}
		}
		if size := p.size(); size > farthest {
			farthest, failures = size, 0
		}
		if failures++; failures >= d.attempts || tries >= d.most {
			return printable{fmt.Errorf("download of %s failed %d times: %w: check the network and run the same command again (it goes on after %d bytes), or %w", p.state.URL, tries, err, p.size(), ErrByOtherMeans)}
		}
		select {
		case <-time.After(d.wait(failures)):
		case <-ctx.Done():
		}
	}
}

// attempt goes on with p over one connection.
func (d downloader) attempt(ctx context.Context, p *partial) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(d.stall, func() { cancel(fmt.Errorf("no data for %v", d.stall)) })
	defer watchdog.Stop()

	resp, err := d.request(ctx, p)
	if err != nil {
		return stalledOr(ctx, err)
	}
	defer resp.Body.Close()
	have, total, err := p.accept(resp)
	if err != nil || resp.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return err
	}
	slow := d.newSpeedLimit(have)
	body := &progressReader{contextReader{ctx, resp.Body}, have, total, func(done, total int64) {
		watchdog.Reset(d.stall)
		if err := slow.check(done); err != nil {
			cancel(permanentError{fmt.Errorf("%s: %w: run the same command again later (it goes on after %d bytes), or %w", p.state.URL, err, done, ErrByOtherMeans)})
		}
		if d.progress != nil {
			d.progress(done, total)
		}
	}}
	if err := p.append(body); err != nil {
		return stalledOr(ctx, err)
	}
	switch size := p.size(); {
	case total >= 0 && size > total:
		p.remove()
		return fmt.Errorf("%d bytes sent for the last of %d", size-have, total)
	case total >= 0 && size < total:
		return fmt.Errorf("connection closed after %d of %d bytes", size, total)
	}
	return nil
}

// A speedLimit notices when a transfer is slower than minRate for a while.
type speedLimit struct {
	patience time.Duration
	since    time.Time
	from     int64
}

func (d downloader) newSpeedLimit(have int64) *speedLimit {
	return &speedLimit{d.patience, time.Now(), have}
}

// check is called with the bytes that are here, whenever some came.
func (l *speedLimit) check(done int64) error {
	took := time.Since(l.since)
	if took < l.patience {
		return nil
	}
	if rate := float64(done-l.from) / took.Seconds(); rate < minRate {
		return fmt.Errorf("%.0f bytes a second for %v, which gets nowhere", rate, took.Round(time.Second))
	}
	l.since, l.from = time.Now(), done
	return nil
}

// accept prepares p for the body of a response. It returns how many of how
// many bytes are there; a total of -1 is unknown.
func (p *partial) accept(resp *http.Response) (have, total int64, err error) {
	have = p.size()
	contentRange := resp.Header.Get("Content-Range")
	switch resp.StatusCode {
	case http.StatusPartialContent:
		var start int64
		start, total, err = parseContentRange(contentRange)
		if err != nil || start != have {
			p.remove()
			return 0, 0, fmt.Errorf("%s: unusable Content-Range %q", p.state.URL, contentRange)
		}
	case http.StatusOK: // no ranges here, or the resource has changed
		if err := p.restart(validator(resp.Header)); err != nil {
			return 0, 0, permanentError{err}
		}
		have, total = 0, resp.ContentLength
	case http.StatusRequestedRangeNotSatisfiable: // nothing is left, or the resource has changed
		if _, total, err = parseContentRange(contentRange); err != nil || total != have || have == 0 {
			p.remove()
			return 0, 0, fmt.Errorf("%s: the server says %q", p.state.URL, resp.Status)
		}
	default:
		err := fmt.Errorf("%s: the server says %q", p.state.URL, resp.Status)
		if retryable(resp.StatusCode) {
			return 0, 0, err
		}
		return 0, 0, permanentError{fmt.Errorf("%w: %w", err, ErrNoArchive)}
	}
	if total > maxArchiveBytes {
		return 0, 0, permanentError{fmt.Errorf("%s: %d bytes, more than any archive of a data set here", p.state.URL, total)}
	}
	return have, total, nil
}

// stalledOr returns why the connection's context was cancelled, if it was, for
// then err says no more than that it was.
func stalledOr(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

func (d downloader) request(ctx context.Context, p *partial) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.state.URL, nil)
	if err != nil {
		return nil, permanentError{err}
	}
	if err := checkURL(req.URL); err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "largestep")
	req.Header.Set("Accept-Encoding", "identity") // lengths and ranges count the archive's own bytes
	if have := p.size(); have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
		if p.state.Validator != "" {
			req.Header.Set("If-Range", p.state.Validator)
		}
	}
	return d.client.Do(req)
}

// append copies r to the end of the file. An error of the file system is
// permanent, one of r is not.
func (p *partial) append(r *progressReader) error {
	f, err := os.OpenFile(p.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return permanentError{fmt.Errorf("%w: choose another folder", err)}
	}
	_, err = io.Copy(f, io.LimitReader(r, maxArchiveBytes-r.done+1))
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if errors.As(err, new(*fs.PathError)) {
		return permanentError{fmt.Errorf("%w: make room, or choose another folder", err)}
	}
	if err == nil && r.done > maxArchiveBytes {
		p.remove()
		return permanentError{fmt.Errorf("%s: more bytes than any archive of a data set here", p.state.URL)}
	}
	return err
}

// progressReader reports what has been read of total bytes.
type progressReader struct {
	r           io.Reader
	done, total int64
	report      func(done, total int64)
}

func (r *progressReader) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	r.done += int64(n)
	r.report(r.done, r.total)
	return n, err
}

func retryable(status int) bool {
	return status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout
}

// validator returns what identifies a version of the resource in If-Range,
// where only strong ETags may stand (RFC 9110, section 13.1.5).
func validator(h http.Header) string {
	if tag := h.Get("ETag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		return tag
	}
	return h.Get("Last-Modified")
}

// parseContentRange reads "bytes 100-199/200" or, as in a 416, "bytes */200";
// the size is -1 where it is given as "*".
func parseContentRange(s string) (start, size int64, err error) {
	rest, ok := strings.CutPrefix(s, "bytes ")
	span, sizeText, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 {
		return 0, 0, fmt.Errorf("Content-Range %q", s)
	}
	size = -1
	if sizeText != "*" {
		if size, err = strconv.ParseInt(sizeText, 10, 64); err != nil {
			return 0, 0, err
		}
	}
	if span == "*" {
		return 0, size, nil
	}
	first, _, _ := strings.Cut(span, "-")
	start, err = strconv.ParseInt(first, 10, 64)
	return start, size, err
}
