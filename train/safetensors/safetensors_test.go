package safetensors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// file returns a file with this header and n bytes of data.
func file(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	b = append(b, header...)
	for i := range n {
		b = append(b, byte(i))
	}
	return b
}

func read(b []byte) ([]Tensor, map[string]string, error) {
	return Read(bytes.NewReader(b), int64(len(b)))
}

// Equal metadata give equal bytes, whatever the order of Go's maps.
func TestMetadataIsSorted(t *testing.T) {
	metadata := map[string]string{}
	for _, k := range "qwertyuiop" {
		metadata[string(k)] = "x"
	}
	first := encode(t, nil, metadata)
	for range 20 {
		if !bytes.Equal(encode(t, nil, metadata), first) {
			t.Fatal("the same metadata in another order")
		}
	}
}

func sample() ([]Tensor, map[string]string) {
	return []Tensor{
		FromFloat32("conv1.weight", []int{2, 1, 1, 3}, []float32{1, -2, 3.5, 0, float32(math.Inf(1)), 1e-42}),
		{Name: "labels", DType: U8, Shape: []int{3}, Data: []byte{7, 0, 255}},
		FromInt64("bn1.num_batches_tracked", nil, []int64{-5}),
		FromFloat32("empty", []int{3, 0}, nil),
		FromFloat64(`name "with" <odd> ünïcode`, []int{1}, []float64{math.Pi}),
	}, map[string]string{"net": "resnet18", "note": "a\n\"b\""}
}

func encode(t testing.TB, tensors []Tensor, metadata map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, tensors, metadata); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func equal(a, b []Tensor) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Name != b[i].Name || a[i].DType != b[i].DType || !bytes.Equal(a[i].Data, b[i].Data) ||
			fmt.Sprint(a[i].Shape) != fmt.Sprint(b[i].Shape) {
			return false
		}
	}
	return true
}

func TestRoundTrip(t *testing.T) {
	tensors, metadata := sample()
	b := encode(t, tensors, metadata)
	if !bytes.Equal(b, encode(t, tensors, metadata)) {
		t.Error("two writes differ")
	}
	got, gotMetadata, err := read(b)
	if err != nil {
		t.Fatal(err)
	}
	if !equal(got, tensors) {
		t.Errorf("got %v\nwant %v", got, tensors)
	}
	if !reflect.DeepEqual(gotMetadata, metadata) {
		t.Errorf("metadata %v, want %v", gotMetadata, metadata)
	}
	n, err := got[2].Int64s()
	if err != nil || !reflect.DeepEqual(n, []int64{-5}) {
		t.Errorf("int64 %v, %v", n, err)
	}
	if x, err := got[4].Float64s(); err != nil || x[0] != math.Pi {
		t.Errorf("float64 %v, %v", x, err)
	}
}

func TestExactBytes(t *testing.T) {
	tensors := []Tensor{
		{Name: "b", DType: U8, Shape: []int{1}, Data: []byte{9}},
		FromInt64("a", nil, []int64{1}),
	}
	header := `{"__metadata__":{"k":"v"},"b":{"dtype":"U8","shape":[1],"data_offsets":[8,9]},` +
		`"a":{"dtype":"I64","shape":[],"data_offsets":[0,8]}}`
	header += strings.Repeat(" ", (8-len(header)%8)%8)
	want := append(file(header, 0), 1, 0, 0, 0, 0, 0, 0, 0, 9)
	if got := encode(t, tensors, map[string]string{"k": "v"}); !bytes.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestDataIsAligned(t *testing.T) {
	tensors, metadata := sample()
	b := encode(t, tensors, metadata)
	start := 8 + int(binary.LittleEndian.Uint64(b))
	p, err := parseHeader(b[8:start])
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range p.tensors {
		if at := start + int(p.offsets[i][0]); at%x.DType.Size() != 0 {
			t.Errorf("%s: %s at byte %d", x.Name, x.DType, at)
		}
	}
}

func TestNoTensors(t *testing.T) {
	tensors, metadata, err := read(encode(t, nil, nil))
	if err != nil || len(tensors) != 0 || metadata != nil {
		t.Errorf("got %v, %v, %v", tensors, metadata, err)
	}
}

func TestWriteRefuses(t *testing.T) {
	good := FromFloat32("w", []int{2}, []float32{1, 2})
	for _, c := range []struct {
		tensors  []Tensor
		metadata map[string]string
		want     string
	}{
		{[]Tensor{good, good}, nil, "twice"},
		{[]Tensor{FromFloat32("w", []int{3}, []float32{1, 2})}, nil, "8 bytes, want 12"},
		{[]Tensor{{Name: "w", DType: "F99"}}, nil, `unknown dtype "F99"`},
		{[]Tensor{{Name: "w", DType: F32, Shape: []int{-1}}}, nil, "negative"},
		{[]Tensor{{Name: "w", DType: F32, Shape: []int{1 << 40, 1 << 40}}}, nil, "too large"},
		{[]Tensor{FromInt64("__metadata__", nil, []int64{1})}, nil, "reserved"},
		{[]Tensor{FromInt64("\xff", nil, []int64{1})}, nil, "UTF-8"},
		{[]Tensor{good}, map[string]string{"k": "\xff"}, "UTF-8"},
	} {
		var b bytes.Buffer
		err := Write(&b, c.tensors, c.metadata)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want %q", c.tensors, err, c.want)
		}
		if b.Len() != 0 {
			t.Errorf("%v: %d bytes written", c.tensors, b.Len())
		}
	}
}

func TestReadRefuses(t *testing.T) {
	long := file("{}", 0)
	binary.LittleEndian.PutUint64(long, math.MaxUint64)
	entry := func(fields string) []byte { return file(`{"w":{`+fields+`}}`, 4) }
	for _, c := range []struct {
		file []byte
		want string
	}{
		{nil, "0 bytes, too short"},
		{make([]byte, 7), "7 bytes, too short"},
		{make([]byte, 8), "does not start with {"},
		{long, "at most"},
		{file("{}", 0)[:9], "truncated"},
		{file(`{"a":}`, 0), "not valid JSON"},
		{file(`[]`, 0), "does not start with {"},
		{file(` {}`, 0), "does not start with {"},
		{file("{\"\xff\":1}", 0), "UTF-8"},
		{file("{}", 1), "1 bytes of data, but the tensors take 0"},
		{file(`{"w":3}`, 0), `tensor "w": want an object`},
		{file(`{"__metadata__":{"a":1}}`, 0), `metadata: "a": want a string`},
		{file(`{"__metadata__":{"a":"1","a":"2"}}`, 0), `metadata: "a" appears twice`},
		{file(`{"__metadata__":[]}`, 0), "metadata: want an object"},
		{entry(`"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1`), `field "x": unknown`},
		{entry(`"dtype":"F32","shape":[1]`), `no field "data_offsets"`},
		{entry(`"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]`), `"dtype" appears twice`},
		{entry(`"dtype":"Q7","shape":[1],"data_offsets":[0,4]`), `unknown dtype "Q7"`},
		{entry(`"dtype":7,"shape":[1],"data_offsets":[0,4]`), `"dtype": want a string`},
		{entry(`"dtype":"F32","shape":4,"data_offsets":[0,4]`), `"shape": want an array`},
		{entry(`"dtype":"F32","shape":[[1]],"data_offsets":[0,4]`), `"shape": want an array`},
		{entry(`"dtype":"F32","shape":[-1],"data_offsets":[0,4]`), `"shape": -1 is not an integer`},
		{entry(`"dtype":"F32","shape":[1.0],"data_offsets":[0,4]`), `"shape": 1.0 is not an integer`},
		{entry(`"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]`), "is not an integer"},
		{entry(`"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]`), "too large"},
		{entry(`"dtype":"F32","shape":[2],"data_offsets":[0,4]`), "hold 4 bytes, want 8"},
		{entry(`"dtype":"F32","shape":[1],"data_offsets":[4,0]`), "not [begin, end]"},
		{entry(`"dtype":"F32","shape":[1],"data_offsets":[0,4,8]`), "not [begin, end]"},
		{entry(`"dtype":"F32","shape":[1],"data_offsets":[4,8]`), "truncated"},
		{file(`{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"w":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2), `"w" appears twice`},
		{file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, 3), `tensor "b": data_offsets [1 3] overlap`},
		{file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[1],"data_offsets":[3,4]}}`, 4), `tensor "b": data_offsets [3 4] leave a hole`},
		{file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, 5), "5 bytes of data, but the tensors take 2"},
	} {
		_, _, err := read(c.file)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %q", c.file, err, c.want)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: error of several lines: %q", c.file, err)
		}
	}
}

// Files of other kinds are called by their names.
func TestOtherKinds(t *testing.T) {
	for _, c := range []struct{ begin, kind, remedy string }{
		{"PK\x03\x04\x00\x00\x08\x08", "a zip archive, as torch.save makes", "save_file(torch.load"},
		{"\x80\x02\x8a\nl\xfc\x9cF", "a Python pickle, as torch.save makes", "save_file(torch.load"},
		{"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a", "a pointer of Git LFS", "git lfs pull"},
		{"<!DOCTYPE html>\n<html>", "a web page", "log-in"},
		{"{\n  \"net\": \"resnet18\"", "JSON text", "checkpoint.safetensors"},
		{"\x1f\x8b\x08\x00\x00\x00\x00\x00", "compressed with gzip", "unpack"},
		{"\x89HDF\r\n\x1a\n", "an HDF5 file", "convert"},
	} {
		for _, size := range []int{len(c.begin), 10_000} {
			b := append([]byte(c.begin), make([]byte, size-len(c.begin))...)
			_, _, err := read(b)
			if err == nil || !strings.Contains(err.Error(), c.kind) || !strings.Contains(err.Error(), c.remedy) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q…: error %v, want %q and %q", c.begin, err, c.kind, c.remedy)
			}
		}
	}
	dir := t.TempDir()
	if _, _, err := ReadFile(dir); err == nil || !strings.Contains(err.Error(), "name a file, such as "+filepath.Join(dir, "checkpoint.safetensors")) {
		t.Errorf("folder: %v", err)
	}
}

func TestEveryCutIsAnError(t *testing.T) {
	b := encode(t, []Tensor{FromFloat32("w", []int{2}, []float32{1, 2}), FromInt64("n", nil, []int64{3})}, nil)
	for n := range b {
		if _, _, err := read(b[:n]); err == nil {
			t.Errorf("cut at byte %d of %d: no error", n, len(b))
		}
	}
	// A file that shrank after its size was taken.
	if _, _, err := Read(bytes.NewReader(b[:len(b)-1]), int64(len(b))); err == nil {
		t.Error("short reader: no error")
	}
}

func TestReadFileNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.safetensors")
	if err := os.WriteFile(path, file("{}", 1), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, path + "x", t.TempDir()} {
		if _, _, err := ReadFile(p); err == nil || !strings.Contains(err.Error(), p) {
			t.Errorf("error %v does not name %s", err, p)
		}
	}
	tensors, metadata := sample()
	if err := os.WriteFile(path, encode(t, tensors, metadata), 0o666); err != nil {
		t.Fatal(err)
	}
	if got, _, err := ReadFile(path); err != nil || !equal(got, tensors) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestHalfPrecision(t *testing.T) {
	// Values from IEEE 754-2019, table 3.5's format binary16.
	half := map[uint16]float32{
		0x0000: 0, 0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x0400: 1.0 / (1 << 14),
		0x0001: 1.0 / (1 << 24), 0x83ff: -1023.0 / (1 << 24), 0x3555: 1365.0 / 4096,
		0x7c00: float32(math.Inf(1)), 0xfc00: float32(math.Inf(-1)),
	}
	for h, want := range half {
		x := Tensor{Name: "x", DType: F16, Shape: []int{1}, Data: binary.LittleEndian.AppendUint16(nil, h)}
		if got, err := x.Float32s(); err != nil || got[0] != want {
			t.Errorf("F16 %#04x: got %v, %v, want %v", h, got, err, want)
		}
	}
	if nan := float16(0x7e01); nan == nan {
		t.Errorf("0x7e01 is %v, want NaN", nan)
	}
	if zero := float16(0x8000); !math.Signbit(float64(zero)) {
		t.Error("0x8000 lost its sign")
	}
	bf := Tensor{Name: "x", DType: BF16, Shape: []int{2}, Data: []byte{0x80, 0x3f, 0x49, 0xc0}}
	got, err := bf.Float64s()
	if err != nil || !reflect.DeepEqual(got, []float64{1, -3.140625}) {
		t.Errorf("BF16: got %v, %v", got, err)
	}
}

func TestIntegersAndWrongConversions(t *testing.T) {
	i32 := Tensor{Name: "i", DType: I32, Shape: []int{1}, Data: []byte{0xfe, 0xff, 0xff, 0xff}}
	if got, err := i32.Int64s(); err != nil || got[0] != -2 {
		t.Errorf("I32: %v, %v", got, err)
	}
	u8 := Tensor{Name: "u", DType: U8, Shape: []int{1}, Data: []byte{0xfe}}
	if got, err := u8.Int64s(); err != nil || got[0] != 254 {
		t.Errorf("U8: %v, %v", got, err)
	}
	if _, err := u8.Float32s(); err == nil || !strings.Contains(err.Error(), `tensor "u": is U8, want F32`) {
		t.Errorf("U8 as float32: %v", err)
	}
	if _, err := FromFloat64("d", nil, []float64{1}).Float32s(); err == nil {
		t.Error("F64 as float32: no error")
	}
	if _, err := i32.Float64s(); err == nil {
		t.Error("I32 as float64: no error")
	}
	if _, err := FromFloat32("f", nil, []float32{1}).Int64s(); err == nil {
		t.Error("F32 as int64: no error")
	}
}

// A file that is read comes back the same when it is written and read again,
// and its tensors are as large as they say.
func FuzzRead(f *testing.F) {
	tensors, metadata := sample()
	f.Add(encode(f, tensors, metadata))
	f.Add(file("{}", 0))
	f.Add(file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}}  `, 2))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, gotMetadata, err := read(b)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error of several lines: %q", err)
			}
			return
		}
		again, againMetadata, err := read(encode(t, got, gotMetadata))
		if err != nil || !equal(got, again) {
			t.Fatalf("read %v, wrote it and read %v, %v", got, again, err)
		}
		if len(gotMetadata) > 0 && !reflect.DeepEqual(gotMetadata, againMetadata) {
			t.Errorf("metadata %v became %v", gotMetadata, againMetadata)
		}
		for _, x := range got {
			x.Float64s()
			x.Int64s()
		}
	})
}
