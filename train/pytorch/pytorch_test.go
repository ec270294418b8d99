package pytorch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"largestep/train/safetensors"
)

func read(b []byte) ([]safetensors.Tensor, string, error) {
	return Read(bytes.NewReader(b), int64(len(b)))
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// expectation is what testdata/fixtures.py had PyTorch say of a file.
type expectation struct {
	Under   string
	Tensors []struct {
		Name   string
		DType  string
		Shape  []int
		Values []float64
	}
}

func expectations(t testing.TB) map[string]expectation {
	t.Helper()
	var all map[string]expectation
	if err := json.Unmarshal(fixture(t, "expected.json"), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func values(x safetensors.Tensor) ([]float64, error) {
	if x.DType != safetensors.I64 {
		return x.Float64s()
	}
	n, err := x.Int64s()
	out := make([]float64, len(n))
	for i, v := range n {
		out[i] = float64(v)
	}
	return out, err
}

// What PyTorch, torchvision and Lightning wrote reads as PyTorch reads it.
func TestFilesOfPyTorch(t *testing.T) {
	all := expectations(t)
	if len(all) < 15 {
		t.Fatalf("%d files", len(all))
	}
	for name, want := range all {
		t.Run(name, func(t *testing.T) {
			b := fixture(t, name)
			if !Recognize(b) {
				t.Error("not recognised")
			}
			got, under, err := read(b)
			if err != nil {
				t.Fatal(err)
			}
			if under != want.Under {
				t.Errorf("under %q, want %q", under, want.Under)
			}
			if len(got) != len(want.Tensors) {
				t.Fatalf("%d tensors, want %d", len(got), len(want.Tensors))
			}
			for i, w := range want.Tensors {
				g := got[i]
				x, err := values(g)
				if err != nil {
					t.Error(err)
				}
				if g.Name != w.Name || g.DType != formats[w.DType] || !slices.Equal(g.Shape, w.Shape) || !slices.Equal(x, w.Values) {
					t.Errorf("%s %s %v %v\nwant %s %s %v %v", g.Name, g.DType, g.Shape, x, w.Name, w.DType, w.Shape, w.Values)
				}
			}
		})
	}
}

// Each refusal names what it is for.
func TestRefused(t *testing.T) {
	for name, says := range map[string]string{
		"malicious.pth": "needs posix.system: not read",
		"module.pth":    "needs torch.nn.modules.container.Sequential: not read",
		"legacy.pth":    "before version 1.6",
		"two.pth":       "under model and net",
		"optimizer.pth": `it has "epoch", "optimizer": save model.state_dict()`,
		"tensor.pth":    "holds a tensor, want a state_dict",
		"int32.pth":     `tensor "x": is torch.int32, want float32`,
		"uint16.pth":    `tensor "x": is torch.uint16, want float32`,
		"expanded.pth":  `tensor "x": shape [9] has more elements than the storage's 1`,
		"negated.pth":   "negated or conjugated",
		"sparse.pth":    "needs torch._utils._rebuild_sparse_tensor: not read",
		"meta.pth":      "needs torch._utils._rebuild_meta_tensor_no_storage: not read",
		"script.pt":     "a TorchScript archive: save model.state_dict()",
	} {
		t.Run(name, func(t *testing.T) {
			b := fixture(t, name)
			if !Recognize(b) {
				t.Error("not recognised")
			}
			_, _, err := read(b)
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("error %v, want %q in it", err, says)
			}
		})
	}
}

// A cut file is an error, and so is one with a flipped byte in what it holds.
func TestDamagedFiles(t *testing.T) {
	b := fixture(t, "plain.pth")
	for n := range len(b) {
		if _, _, err := read(b[:n]); err == nil {
			t.Errorf("the first %d bytes of %d: no error", n, len(b))
		}
	}
	want, _, err := read(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range want {
		if len(x.Data) == 0 {
			continue
		}
		at := bytes.Index(b, x.Data)
		if at < 0 {
			t.Fatalf("%s is not in the file", x.Name)
		}
		b[at] ^= 1
		if _, _, err := read(b); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s damaged: error %v", x.Name, err)
		}
		b[at] ^= 1
	}
}

func TestRecognize(t *testing.T) {
	tar := make([]byte, 512)
	copy(tar[257:], "ustar")
	header := "\x80\x02\x00\x00\x00\x00\x00\x00{" // a safetensors file with a header of 640 bytes
	for start, want := range map[string]bool{
		"": false, "P": false, "\x80": false, "\x80\x02": true, "PK\x03\x04": true, string(tar): true, header: false,
	} {
		if got := Recognize([]byte(start)); got != want {
			t.Errorf("%q: %t", start, got)
		}
	}
	if _, _, err := read(tar); err != errLegacy {
		t.Errorf("tar: error %v", err)
	}
	if _, _, err := read([]byte("\x80\x02}.")); err != errPickle {
		t.Errorf("pickle: error %v", err)
	}
}

func sample() []safetensors.Tensor {
	return []safetensors.Tensor{
		safetensors.FromFloat32("conv1.weight", []int{2, 1, 3}, []float32{1, -2, 3, 4, 5, 1e-42}),
		safetensors.FromInt64("bn1.num_batches_tracked", nil, []int64{-5}),
		safetensors.FromFloat64("été", []int{2, 2}, []float64{1, 2, 3, 4}),
		{Name: "half", DType: safetensors.F16, Shape: []int{1}, Data: []byte{1, 2}},
		{Name: "brain", DType: safetensors.BF16, Shape: []int{3}, Data: []byte{1, 2, 3, 4, 5, 6}},
		safetensors.FromFloat32("empty", []int{3, 0, 2}, nil),
	}
}

func write(t testing.TB, tensors []safetensors.Tensor) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, tensors); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func same(a, b []safetensors.Tensor) bool {
	return slices.EqualFunc(a, b, func(a, b safetensors.Tensor) bool {
		return a.Name == b.Name && a.DType == b.DType && slices.Equal(a.Shape, b.Shape) && bytes.Equal(a.Data, b.Data)
	})
}

func TestRoundTrip(t *testing.T) {
	for _, want := range [][]safetensors.Tensor{sample(), sample()[:1]} {
		b := write(t, want)
		if !bytes.Equal(b, write(t, want)) {
			t.Error("two writes differ")
		}
		got, under, err := read(b)
		if err != nil || under != "" {
			t.Fatalf("under %q, error %v", under, err)
		}
		if !same(got, want) {
			t.Errorf("got %v\nwant %v", got, want)
		}
	}
}

// PyTorch maps a file's tensors to memory only where they are aligned.
func TestDataIsAligned(t *testing.T) {
	b := write(t, sample())
	a, err := openArchive(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range a.members {
		if at, err := f.DataOffset(); err != nil || at%64 != 0 {
			t.Errorf("%s at byte %d, error %v", name, at, err)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	good := safetensors.FromFloat32("w", []int{2}, []float32{1, 2})
	for _, bad := range []safetensors.Tensor{
		{Name: "w", DType: safetensors.U8, Shape: []int{1}, Data: []byte{1}},
		{Name: "w", DType: safetensors.F32, Shape: []int{2}, Data: []byte{1}},
		{Name: "w", DType: safetensors.F32, Shape: []int{-1}, Data: nil},
		{Name: "w", DType: safetensors.F32, Shape: []int{0, math.MaxInt, 2}, Data: nil},
		{Name: "\xff", DType: safetensors.F32, Shape: []int{0}, Data: nil},
		good,
	} {
		var b bytes.Buffer
		if err := Write(&b, []safetensors.Tensor{good, bad}); err == nil || b.Len() > 0 {
			t.Errorf("%v: error %v, %d bytes", bad, err, b.Len())
		}
	}
}

func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		f.Add(fixture(f, filepath.Base(path)))
	}
	f.Add(write(f, sample()))
	f.Fuzz(testRead)
}

// testRead reads any bytes: what they hold, if anything, can be written and read
// again.
func testRead(t *testing.T, b []byte) {
	tensors, _, err := read(b)
	if err != nil || len(tensors) == 0 {
		return
	}
	total := 0
	for _, x := range tensors {
		total += len(x.Data)
	}
	if total > maxShared*len(b) {
		t.Errorf("%d bytes of tensors in a file of %d", total, len(b))
	}
	var file bytes.Buffer
	if err := Write(&file, tensors); err != nil {
		if slices.ContainsFunc(tensors, func(x safetensors.Tensor) bool { return slices.Contains(x.Shape, 0) }) {
			return // whose other dimensions may be anything
		}
		t.Fatal(err)
	}
	again, _, err := read(file.Bytes())
	if err != nil || !same(tensors, again) {
		t.Errorf("written and read again: %v, %v, want %v", again, err, tensors)
	}
}

func ExampleWrite() {
	var file bytes.Buffer
	if err := Write(&file, []safetensors.Tensor{safetensors.FromFloat32("bias", []int{2}, []float32{1, 2})}); err != nil {
		fmt.Println(err)
	}
	tensors, _, err := Read(bytes.NewReader(file.Bytes()), int64(file.Len()))
	fmt.Println(tensors[0].Name, tensors[0].Shape, err)
	// Output: bias [2] <nil>
}
