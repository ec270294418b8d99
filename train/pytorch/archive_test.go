package pytorch

import (
	"archive/zip"
	"bytes"
	"hash/crc32"
	"math"
	"slices"
	"strings"
	"testing"
)

// member is one of an archive that a test makes.
type member struct {
	name string
	data []byte
	edit func(h *zip.FileHeader)
}

func zipped(t testing.TB, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range members {
		n := uint64(len(m.data))
		h := &zip.FileHeader{Name: m.name, CRC32: crc32.ChecksumIEEE(m.data), CompressedSize64: n, UncompressedSize64: n}
		if m.edit != nil {
			m.edit(h)
		}
		f, err := w.CreateRaw(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(m.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// of is an archive of a pickle and of a storage of the bytes 0 to 23.
func of(t testing.TB, pickle []byte, more ...member) []byte {
	data := make([]byte, 24)
	for i := range data {
		data[i] = byte(i)
	}
	return zipped(t, append([]member{{name: "a/data.pkl", data: pickle}, {name: "a/data/0", data: data}}, more...)...)
}

// Views of a storage of six elements, whose first bytes are 0, 4, 8, ….
func TestViews(t *testing.T) {
	for _, c := range []struct {
		offset         int64
		shape, strides []int
		want           []byte // element numbers
	}{
		{0, []int{2, 3}, []int{3, 1}, []byte{0, 1, 2, 3, 4, 5}},
		{0, []int{3, 2}, []int{1, 3}, []byte{0, 3, 1, 4, 2, 5}},
		{2, []int{2}, []int{3}, []byte{2, 5}},
		{4, []int{1, 2, 1}, []int{100, 1, 7}, []byte{4, 5}},
		{5, nil, nil, []byte{5}},
		{0, []int{2, 2}, []int{0, 1}, []byte{0, 1, 0, 1}},
		{99, []int{0, 7}, []int{7, 1}, nil},
	} {
		got, _, err := read(of(t, pickled(6, c.offset, c.shape, c.strides)))
		if err != nil {
			t.Errorf("%v: %v", c, err)
			continue
		}
		var elements []byte
		for i := 0; i < len(got[0].Data); i += 4 {
			elements = append(elements, got[0].Data[i]/4)
		}
		if !slices.Equal(elements, c.want) || !slices.Equal(got[0].Shape, c.shape) {
			t.Errorf("%v: elements %v, shape %v", c, elements, got[0].Shape)
		}
	}
}

func TestViewsBeyondTheStorage(t *testing.T) {
	for _, c := range []struct {
		elements, offset int64
		shape, strides   []int
		says             string
	}{
		{6, 1, []int{2, 3}, []int{3, 1}, "reach beyond the storage's 6"},
		{6, 0, []int{2, 2}, []int{5, 1}, "reach beyond"},
		{6, 6, nil, nil, "reach beyond"},
		{6, 0, []int{7}, []int{0}, "more elements than the storage's 6"},
		{6, 0, []int{math.MaxInt32, math.MaxInt32, math.MaxInt32}, []int{0, 0, 0}, "more elements"},
		{6, math.MaxInt64, []int{1}, []int{1}, "reach beyond"},
		{6, math.MaxInt64, []int{2}, []int{1}, "too large"},
		{6, 0, []int{2, 2}, []int{math.MaxInt, math.MaxInt}, "too large"},
		{6, 0, []int{2}, []int{1, 1}, "offset, shape or strides"},
		{6, 0, []int{-1}, []int{1}, "offset, shape or strides"},
		{6, 0, []int{1}, []int{-1}, "offset, shape or strides"},
		{6, -1, []int{1}, []int{1}, "offset, shape or strides"},
		{6, 0, make([]int, 65), make([]int, 65), "offset, shape or strides"},
		{5, 0, []int{1}, []int{1}, "storage 0 has 24 bytes, want 5 elements of float32"},
		{math.MaxInt64, 0, []int{1}, []int{1}, "storage 0 has 24 bytes"},
		{-1, 0, []int{1}, []int{1}, "a storage without class, key or length"},
	} {
		_, _, err := read(of(t, pickled(c.elements, c.offset, c.shape, c.strides)))
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: error %v", c, err)
		}
	}
}

func TestArchivesRefused(t *testing.T) {
	good := pickled(6, 0, []int{6}, []int{1})
	if _, _, err := read(of(t, good)); err != nil {
		t.Fatal(err)
	}
	claim := func(n uint64) func(h *zip.FileHeader) {
		return func(h *zip.FileHeader) { h.CompressedSize64, h.UncompressedSize64 = n, n }
	}
	pickle := member{name: "a/data.pkl", data: good}
	for says, b := range map[string][]byte{
		`member "a/data/0" is there twice`: of(t, good, member{name: "a/data/0", data: []byte("x")}),
		"2 members data.pkl":               of(t, good, member{name: "b/data.pkl"}),
		"0 members data.pkl":               zipped(t, member{name: "word/document.xml"}),
		"TorchScript":                      of(t, good, member{name: "a/constants.pkl"}),
		`no member "a/data/0"`:             zipped(t, pickle),
		`byte order "big"`:                 of(t, good, member{name: "a/byteorder", data: []byte("big")}),
		"at most 16":                       of(t, good, member{name: "a/byteorder", data: make([]byte, 17)}),
		"is compressed":                    of(t, good, member{name: "a/x", edit: func(h *zip.FileHeader) { h.Method = zip.Deflate }}),
		"more bytes than the file's":       of(t, good, member{name: "a/x", edit: claim(1 << 40)}),
		"the members claim":                of(t, good, member{name: "a/x", edit: claim(uint64(len(of(t, good))))}),
		"checksum is wrong": zipped(t, pickle, member{
			name: "a/data/0", data: make([]byte, 24), edit: func(h *zip.FileHeader) { h.CRC32 = 1 },
		}),
		"data.pkl: byte 0": of(t, []byte("?")),
		"truncated?":       []byte("PK\x03\x04"),
	} {
		if _, _, err := read(b); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %v", says, err)
		}
	}
}

// Many tensors can share one storage, but not unfold to any size.
func TestSharedStorageIsBounded(t *testing.T) {
	for n, works := range map[int]bool{4: true, 5: false} {
		p := pickledTimes(n, 1<<18, 0, []int{1 << 9, 1 << 9}, []int{1, 1 << 9})
		_, _, err := read(zipped(t, member{name: "a/data.pkl", data: p}, member{name: "a/data/0", data: make([]byte, 1<<20)}))
		if works != (err == nil) || err != nil && !strings.Contains(err.Error(), "share a storage") {
			t.Errorf("%d tensors: error %v", n, err)
		}
	}
}
