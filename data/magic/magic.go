// Package magic tells by a file's first bytes what people give by mistake for a
// data set or a checkpoint.
package magic

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Length is enough of a file for Kind.
const Length = 512

// Gzip is how a gzip file begins.
const Gzip = "\x1f\x8b"

// The kinds that need advice of their own.
const (
	Zip     = "a zip archive"
	Pickle  = "a Python pickle"
	WebPage = "a web page"
	LFS     = "a pointer of Git LFS, not the file itself"
	JSON    = "JSON text"
)

var kinds = []struct{ begin, kind string }{
	{"PK\x03\x04", Zip},
	{"PK\x05\x06", Zip}, // an empty one
	{"\x80\x02}", Pickle},
	{"\x80\x02]", Pickle},
	{"\x80\x02c", Pickle},
	{"\x80\x02\x8a", Pickle}, // PyTorch's before 1.6
	{"\x80\x03}", Pickle},
	{"\x80\x03]", Pickle},
	{"\x80\x03c", Pickle},
	{"\x80\x04\x95", Pickle},
	{"\x80\x05\x95", Pickle},
	{"version https://git-lfs.github.com/spec/", LFS},
	{Gzip, "compressed with gzip"},
	{"\xfd7zXZ\x00", "compressed with xz"},
	{"BZh", "compressed with bzip2"},
	{"\x28\xb5\x2f\xfd", "compressed with zstd"},
	{"\x04\x22\x4d\x18", "compressed with lz4"},
	{"7z\xbc\xaf\x27\x1c", "a 7z archive"},
	{"Rar!\x1a\x07", "a rar archive"},
	{"\x89HDF\r\n\x1a\n", "an HDF5 file"},
	{"\x93NUMPY", "a NumPy array"},
	{"GGUF", "a GGUF file"},
	{"%PDF-", "a PDF file"},
}

// Kind says what a file is that begins with these bytes, or "" if they are
// nothing known.
func Kind(begin []byte) string {
	for _, k := range kinds {
		if bytes.HasPrefix(begin, []byte(k.begin)) {
			return k.kind
		}
	}
	text := strings.ToLower(string(bytes.TrimLeft(begin, "\ufeff \t\r\n")))
	for _, tag := range []string{"<!doctype html", "<html", "<head"} {
		if strings.HasPrefix(text, tag) {
			return WebPage
		}
	}
	if text != "" && json.Valid([]byte(text)) || strings.HasPrefix(text, "{\n") || strings.HasPrefix(text, "{\"") {
		return JSON
	}
	return ""
}

// Remedy says what to do about a kind whatever the file was wanted for, or "".
func Remedy(kind string) string {
	switch kind {
	case WebPage:
		return "the address that it came from may ask for a log-in first, or not be the file's own"
	case LFS:
		return `get the file with "git lfs pull"`
	}
	return ""
}
