package pytorch

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"largestep/train/safetensors"
)

// storageNames are the classes of storages in the formats that are written.
var storageNames = map[safetensors.DType]string{
	safetensors.F32: "FloatStorage", safetensors.F64: "DoubleStorage", safetensors.F16: "HalfStorage",
	safetensors.BF16: "BFloat16Storage", safetensors.I64: "LongStorage",
}

// Write writes the tensors, in this order, as torch.save writes a state_dict: an
// OrderedDict of contiguous tensors, each in a storage of its own. Equal tensors
// give equal bytes. Nothing is written if a tensor is not valid.
func Write(w io.Writer, tensors []safetensors.Tensor) error {
	p, err := encodePickle(tensors)
	if err != nil {
		return err
	}
	a := archiveWriter{out: &counter{w: w}}
	a.zip = zip.NewWriter(a.out)
	a.member("data.pkl", p)
	a.member("byteorder", []byte("little"))
	for i, t := range tensors {
		a.member("data/"+strconv.Itoa(i), t.Data)
	}
	a.member("version", []byte("3\n"))
	return errors.Join(a.err, a.zip.Close())
}

// counter counts the bytes written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// archiveWriter writes a zip archive's members. The first error stays.
type archiveWriter struct {
	out *counter
	zip *zip.Writer
	err error
}

// member writes an uncompressed member. As PyTorch does, it makes the data begin
// at a multiple of 64 bytes, so that they can be mapped to memory, by a field of
// the header that other programs skip.
func (a *archiveWriter) member(name string, data []byte) {
	const header, field, alignment = 30, 4, 64
	if a.err != nil {
		return
	}
	if a.err = a.zip.Flush(); a.err != nil {
		return
	}
	name = "archive/" + name
	padding := (alignment - (a.out.n+int64(header+len(name)+field))%alignment) % alignment
	extra := binary.LittleEndian.AppendUint16([]byte("FB"), uint16(padding))
	h := &zip.FileHeader{
		Name: name, Method: zip.Store, Extra: append(extra, bytes.Repeat([]byte("Z"), int(padding))...),
		CRC32: crc32.ChecksumIEEE(data), CompressedSize64: uint64(len(data)), UncompressedSize64: uint64(len(data)),
	}
	var w io.Writer
	if w, a.err = a.zip.CreateRaw(h); a.err == nil {
		_, a.err = w.Write(data)
	}
}

// pickler writes the opcodes of a pickle.
type pickler struct{ bytes.Buffer }

func encodePickle(tensors []safetensors.Tensor) ([]byte, error) {
	p := &pickler{}
	p.Write([]byte{opProto, 2})
	p.emptyDict()
	p.WriteByte(opMark)
	seen := map[string]bool{}
	for i, t := range tensors {
		n, err := elements(t)
		if err == nil && seen[t.Name] {
			err = errors.New("given twice")
		}
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		seen[t.Name] = true
		p.text(t.Name)
		p.tensor(t, i, n)
	}
	p.Write([]byte{opSetItems, opStop})
	return p.Bytes(), nil
}

// elements checks a tensor and counts its elements.
func elements(t safetensors.Tensor) (int64, error) {
	if storageNames[t.DType] == "" {
		return 0, fmt.Errorf("is %s, want F32, F64, F16, BF16 or I64", t.DType)
	}
	if !utf8.ValidString(t.Name) {
		return 0, errors.New("the name is not valid UTF-8")
	}
	n := int64(1) // as if no dimension were 0, since strides count so
	for _, dim := range t.Shape {
		if dim < 0 || n > math.MaxInt/int64(max(dim, 1)) {
			return 0, fmt.Errorf("shape %v is negative or too large", t.Shape)
		}
		n *= int64(max(dim, 1))
	}
	if slices.Contains(t.Shape, 0) {
		n = 0
	}
	size := int64(t.DType.Size())
	if have := int64(len(t.Data)); have%size != 0 || have/size != n {
		return 0, fmt.Errorf("%d bytes, want those of %s %v", have, t.DType, t.Shape)
	}
	return n, nil
}

// tensor writes a call of _rebuild_tensor_v2; see rebuildTensor and newStorage.
func (p *pickler) tensor(t safetensors.Tensor, key int, n int64) {
	p.global("torch._utils", "_rebuild_tensor_v2")
	p.WriteByte(opMark)

	p.WriteByte(opMark)
	p.text("storage")
	p.global("torch", storageNames[t.DType])
	p.text(strconv.Itoa(key))
	p.text("cpu")
	p.integer(n)
	p.Write([]byte{opTuple, opBinPersID})

	p.integer(0)
	strides := make([]int, len(t.Shape))
	for i, stride := len(t.Shape)-1, 1; i >= 0; i-- {
		strides[i] = stride
		stride *= max(t.Shape[i], 1)
	}
	p.integers(t.Shape)
	p.integers(strides)
	p.WriteByte(opNewFalse)
	p.emptyDict()

	p.Write([]byte{opTuple, opReduce})
}

func (p *pickler) emptyDict() {
	p.global("collections", "OrderedDict")
	p.Write([]byte{opEmptyTuple, opReduce})
}

func (p *pickler) global(module, name string) {
	p.WriteByte(opGlobal)
	p.WriteString(module + "\n" + name + "\n")
}

func (p *pickler) text(s string) {
	p.WriteByte(opBinUnicode)
	p.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(s))))
	p.WriteString(s)
}

func (p *pickler) integers(x []int) {
	p.WriteByte(opMark)
	for _, n := range x {
		p.integer(int64(n))
	}
	p.WriteByte(opTuple)
}

func (p *pickler) integer(n int64) {
	if n <= math.MaxInt32 {
		p.WriteByte(opBinInt)
		p.Write(binary.LittleEndian.AppendUint32(nil, uint32(n)))
		return
	}
	p.Write([]byte{opLong1, 8})
	p.Write(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}
