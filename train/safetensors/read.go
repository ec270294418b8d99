package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"unicode/utf8"

	"largestep/data/magic"
)

// ReadFile reads a whole file. Its errors name the file and the tensor.
func ReadFile(path string) (tensors []Tensor, metadata map[string]string, err error) {
	err = With(path, func(r io.ReaderAt, size int64) error {
		tensors, metadata, err = Read(r, size)
		return err
	})
	return tensors, metadata, err
}

// With has read read the regular file at path, of size bytes, and names it in the error.
func With(path string, read func(r io.ReaderAt, size int64) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fmt.Errorf("%s: a folder: name a file, such as %s", path, filepath.Join(path, "checkpoint.safetensors"))
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: not a regular file", path)
	}
	if err := read(f, info.Size()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// Read reads a file of the given size in bytes: its tensors in the header's
// order, and its metadata, nil if there is none. Memory for the data is
// allocated only once the header has been found to account for every byte. The
// checksum of a file that has one must be right.
func Read(r io.ReaderAt, size int64) ([]Tensor, map[string]string, error) {
	header, err := readHeader(r, size)
	if err != nil {
		return nil, nil, cmp.Or(otherKind(r, size), err)
	}
	p, err := parseHeader(header)
	if err != nil {
		return nil, nil, cmp.Or(otherKind(r, size), fmt.Errorf("header: %w", err))
	}
	start := 8 + int64(len(header))
	if err := p.account(size - start); err != nil {
		return nil, nil, err
	}
	data := make([]byte, size-start)
	if err := readFull(r, data, start); err != nil {
		return nil, nil, fmt.Errorf("reading the data: %w", err)
	}
	for i := range p.tensors {
		begin, end := p.offsets[i][0], p.offsets[i][1]
		p.tensors[i].Data = data[begin:end:end]
	}
	if err := verify(p.tensors, p.metadata); err != nil {
		return nil, nil, err
	}
	return p.tensors, p.metadata, nil
}

// ReadMetadata reads the metadata of a file alone, without looking at its tensors.
func ReadMetadata(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	header, err := readHeader(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	p, err := parseHeader(header)
	if err != nil {
		return nil, fmt.Errorf("%s: header: %w", path, err)
	}
	return p.metadata, nil
}

// otherKind is the error of a file that begins as another known kind does.
func otherKind(r io.ReaderAt, size int64) error {
	begin := make([]byte, min(size, magic.Length))
	if readFull(r, begin, 0) != nil {
		return nil
	}
	kind := magic.Kind(begin)
	switch kind {
	case "":
		return nil
	case magic.Zip, magic.Pickle:
		return fmt.Errorf(`%s, as torch.save makes (.pt, .pth, .ckpt), and no safetensors file: convert it in Python with safetensors.torch.save_file(torch.load(FILE, map_location="cpu", weights_only=True), NEWFILE), of its state_dict alone if there is more in it`, kind)
	case magic.JSON:
		return errors.New("JSON text, and no safetensors file: the parameters are in another file, such as checkpoint.safetensors")
	}
	return fmt.Errorf("%s, and no safetensors file: %s", kind, cmp.Or(magic.Remedy(kind), "unpack or convert it first"))
}

func readHeader(r io.ReaderAt, size int64) ([]byte, error) {
	if size < 8 {
		return nil, fmt.Errorf("%d bytes, too short for a safetensors file", size)
	}
	var length [8]byte
	if err := readFull(r, length[:], 0); err != nil {
		return nil, fmt.Errorf("reading the header's length: %w", err)
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxHeader {
		return nil, fmt.Errorf("header of %d bytes, at most %d are allowed: not a safetensors file?", n, maxHeader)
	}
	if n > uint64(size-8) {
		return nil, fmt.Errorf("header of %d bytes in a file of %d: truncated?", n, size)
	}
	header := make([]byte, n)
	if err := readFull(r, header, 8); err != nil {
		return nil, fmt.Errorf("reading the header: %w", err)
	}
	return header, nil
}

func readFull(r io.ReaderAt, b []byte, offset int64) error {
	n, err := r.ReadAt(b, offset)
	if n == len(b) { // ReadAt may say io.EOF here
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// parsed is a header's content; tensors[i] has its data at offsets[i].
type parsed struct {
	tensors  []Tensor
	offsets  [][2]int64
	metadata map[string]string
}

// account checks that the tensors cover n bytes of data, without overlaps or
// holes.
func (p *parsed) account(n int64) error {
	order := make([]int, len(p.tensors))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(p.offsets[a][0], p.offsets[b][0]), cmp.Compare(p.offsets[a][1], p.offsets[b][1]))
	})
	var end int64
	for _, i := range order {
		o, name := p.offsets[i], p.tensors[i].Name
		switch {
		case o[1] > n:
			return fmt.Errorf("tensor %q: data_offsets %v beyond the %d bytes of data: truncated file?", name, o, n)
		case o[0] < end:
			return fmt.Errorf("tensor %q: data_offsets %v overlap another tensor", name, o)
		case o[0] > end:
			return fmt.Errorf("tensor %q: data_offsets %v leave a hole of %d bytes before them", name, o, o[0]-end)
		}
		end = o[1]
	}
	if end != n {
		return fmt.Errorf("%d bytes of data, but the tensors take %d", n, end)
	}
	return nil
}

// The header is read token by token, because decoding into maps would drop
// duplicate names and the order.
type headerReader struct{ dec *json.Decoder }

func parseHeader(header []byte) (*parsed, error) {
	if len(header) == 0 || header[0] != '{' {
		return nil, errors.New("does not start with {: not a safetensors file?")
	}
	if !utf8.Valid(header) {
		return nil, errors.New("not valid UTF-8")
	}
	if !json.Valid(header) {
		return nil, errors.New("not valid JSON")
	}
	h := headerReader{json.NewDecoder(bytes.NewReader(header))}
	h.dec.UseNumber()
	p := &parsed{}
	seen := map[string]bool{}
	err := h.object(func(name string) error {
		if seen[name] {
			return fmt.Errorf("%q appears twice", name)
		}
		seen[name] = true
		if name == metadataKey {
			if err := h.metadata(p); err != nil {
				return fmt.Errorf("metadata: %w", err)
			}
			return nil
		}
		if err := h.tensor(p, name); err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// object reads an object, calling field after each key to read the value.
func (h headerReader) object(field func(key string) error) error {
	if err := h.open('{', "want an object"); err != nil {
		return err
	}
	for h.dec.More() {
		key, err := h.dec.Token()
		if err != nil {
			return err
		}
		if err := field(key.(string)); err != nil {
			return err
		}
	}
	_, err := h.dec.Token()
	return err
}

func (h headerReader) open(d json.Delim, want string) error {
	t, err := h.dec.Token()
	if err == nil && t != d {
		err = errors.New(want)
	}
	return err
}

func (h headerReader) metadata(p *parsed) error {
	p.metadata = map[string]string{}
	return h.object(func(key string) error {
		if _, twice := p.metadata[key]; twice {
			return fmt.Errorf("%q appears twice", key)
		}
		v, err := h.string()
		if err != nil {
			return fmt.Errorf("%q: %w", key, err)
		}
		p.metadata[key] = v
		return nil
	})
}

// tensor reads the value of a tensor's key.
func (h headerReader) tensor(p *parsed, name string) error {
	t := Tensor{Name: name}
	var offsets []int64
	seen := map[string]bool{}
	err := h.object(func(key string) error {
		if seen[key] {
			return fmt.Errorf("field %q appears twice", key)
		}
		seen[key] = true
		if err := h.field(&t, &offsets, key); err != nil {
			return fmt.Errorf("field %q: %w", key, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, key := range []string{"dtype", "shape", "data_offsets"} {
		if !seen[key] {
			return fmt.Errorf("no field %q", key)
		}
	}
	if err := checkOffsets(t, offsets); err != nil {
		return err
	}
	p.tensors = append(p.tensors, t)
	p.offsets = append(p.offsets, [2]int64(offsets))
	return nil
}

// field reads the value of one key of a tensor.
func (h headerReader) field(t *Tensor, offsets *[]int64, key string) error {
	switch key {
	case "dtype":
		dtype, err := h.string()
		t.DType = DType(dtype)
		return err
	case "shape":
		return h.integers(func(n int64) error {
			t.Shape = append(t.Shape, int(n))
			if int64(int(n)) != n {
				return fmt.Errorf("dimension %d is too large", n)
			}
			return nil
		})
	case "data_offsets":
		return h.integers(func(n int64) error {
			*offsets = append(*offsets, n)
			return nil
		})
	}
	return errors.New("unknown")
}

func checkOffsets(t Tensor, offsets []int64) error {
	want, err := byteSize(t.DType, t.Shape)
	if err != nil {
		return err
	}
	if len(offsets) != 2 || offsets[0] > offsets[1] {
		return fmt.Errorf("data_offsets %v are not [begin, end]", offsets)
	}
	if offsets[1]-offsets[0] != want {
		return fmt.Errorf("data_offsets %v hold %d bytes, want %d for %s %v", offsets, offsets[1]-offsets[0], want, t.DType, t.Shape)
	}
	return nil
}

func (h headerReader) string() (string, error) {
	t, err := h.dec.Token()
	s, ok := t.(string)
	if err == nil && !ok {
		err = errors.New("want a string")
	}
	return s, err
}

// integers reads an array of integers, none below 0.
func (h headerReader) integers(element func(n int64) error) error {
	if err := h.open('[', "want an array of integers"); err != nil {
		return err
	}
	for h.dec.More() {
		t, err := h.dec.Token()
		if err != nil {
			return err
		}
		number, ok := t.(json.Number)
		if !ok {
			return errors.New("want an array of integers")
		}
		n, err := strconv.ParseInt(number.String(), 10, 64)
		if err != nil || n < 0 {
			return fmt.Errorf("%s is not an integer from 0 to 2^63-1", number)
		}
		if err := element(n); err != nil {
			return err
		}
	}
	_, err := h.dec.Token()
	return err
}
