package weights

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"largestep/train/pytorch"
	"largestep/train/safetensors"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func names(tensors []safetensors.Tensor) string {
	var all []string
	for _, t := range tensors {
		all = append(all, t.Name)
	}
	return strings.Join(all, " ")
}

func named(names string) []safetensors.Tensor {
	var all []safetensors.Tensor
	for _, name := range strings.Fields(names) {
		all = append(all, safetensors.FromFloat32(name, nil, []float32{1}))
	}
	return all
}

func TestNames(t *testing.T) {
	for given, want := range map[string]struct{ names, changes string }{
		"":                                    {"", ""},
		"conv1.weight linear.bias":            {"conv1.weight linear.bias", ""},
		"module.conv1.weight module.bn1.bias": {"conv1.weight bn1.bias", `"module." taken off all names`},
		"_orig_mod.w _orig_mod.b":             {"w b", `"_orig_mod." taken off all names`},
		"model._orig_mod.module.w":            {"w", `"model." taken off all names; "_orig_mod." taken off all names; "module." taken off all names`},
		"net.0.weight net.0.bias":             {"0.weight 0.bias", `"net." taken off all names`},
		"model.w criterion.w":                 {"model.w criterion.w", ""},
		"module.":                             {"module.", ""},
		"models.w":                            {"models.w", ""},
		"n_averaged module.w":                 {"w", `n_averaged left out; "module." taken off all names`},
		"n_averaged":                          {"n_averaged", ""},
		"layer2.0.downsample.0.weight layer2.0.downsample.1.running_var fc.weight fc.bias": {
			"layer2.0.shortcut.0.weight layer2.0.shortcut.1.running_var linear.weight linear.bias",
			`"fc" read as "linear"; "downsample" read as "shortcut"`,
		},
		"fc.weight linear.weight":                 {"fc.weight linear.weight", ""},
		"a.downsample.0.weight a.shortcut.weight": {"a.downsample.0.weight a.shortcut.weight", ""},
		"fc1.weight xfc.weight":                   {"fc1.weight xfc.weight", ""},
		"layers.1.weight layer1.bias":             {"layers.1.weight layer1.bias", ""},
	} {
		in := named(given)
		out, changes := translate(in)
		if got := names(out); got != want.names || strings.Join(changes, "; ") != want.changes {
			t.Errorf("%s: %s, changes %q\nwant %s, %q", given, got, changes, want.names, want.changes)
		}
		if names(in) != given {
			t.Errorf("%s became %s", given, names(in))
		}
	}
}

// The content tells the format, whatever the file is called.
func TestFormatIsFoundByContent(t *testing.T) {
	want := named("module.a module.b")
	var zip, flat bytes.Buffer
	check(t, pytorch.Write(&zip, want))
	check(t, safetensors.Write(&flat, want, map[string]string{"k": "v"}))
	for _, c := range []struct {
		content []byte
		value   string // of the metadata
	}{{zip.Bytes(), ""}, {flat.Bytes(), "v"}} {
		path := filepath.Join(t.TempDir(), "file.bin")
		check(t, os.WriteFile(path, c.content, 0o666))
		f, err := ReadFile(path)
		check(t, err)
		if names(f.Tensors) != "a b" || f.Metadata["k"] != c.value || len(f.Changes) != 1 {
			t.Errorf("%v", f)
		}
	}
}

// The length of a safetensors header can look like the beginning of a pickle.
func TestHeaderLikeAPickle(t *testing.T) {
	for n := range 2000 {
		var b bytes.Buffer
		check(t, safetensors.Write(&b, named("a"), map[string]string{"k": strings.Repeat("x", n)}))
		if binary.LittleEndian.Uint64(b.Bytes()) != 0x280 {
			continue
		}
		if _, err := read(bytes.NewReader(b.Bytes()), int64(b.Len())); err != nil {
			t.Error(err)
		}
		return
	}
	t.Error("no header of 640 bytes")
}

func TestReadFileOfPyTorch(t *testing.T) {
	const net = "conv1.weight bn1.weight bn1.bias bn1.running_mean bn1.running_var bn1.num_batches_tracked linear.weight linear.bias"
	for name, want := range map[string]struct{ names, changes string }{
		"plain.pth":        {net, ""},
		"dataparallel.pth": {net, `"module." taken off all names`},
		"compiled.pth":     {net, `"_orig_mod." taken off all names`},
		"averaged.pth":     {net, `n_averaged left out; "module." taken off all names`},
		"net.pth":          {net, `found under "net"; "module." taken off all names`},
		"training.pt":      {net, `found under "model_state_dict"`},
		"nested.pth":       {net, `found under "model.state_dict"`},
		"lightning.ckpt":   {"0.weight 0.bias", `found under "state_dict"; "model." taken off all names`},
		"torchvision.pth": {"conv1.weight bn1.weight bn1.bias bn1.running_mean bn1.running_var bn1.num_batches_tracked layer2.0.conv1.weight " +
			"layer2.0.bn1.weight layer2.0.bn1.bias layer2.0.bn1.running_mean layer2.0.bn1.running_var layer2.0.bn1.num_batches_tracked " +
			"layer2.0.conv2.weight layer2.0.bn2.weight layer2.0.bn2.bias layer2.0.bn2.running_mean layer2.0.bn2.running_var " +
			"layer2.0.bn2.num_batches_tracked layer2.0.shortcut.0.weight layer2.0.shortcut.1.weight layer2.0.shortcut.1.bias " +
			"layer2.0.shortcut.1.running_mean layer2.0.shortcut.1.running_var layer2.0.shortcut.1.num_batches_tracked linear.weight linear.bias",
			`"fc" read as "linear"; "downsample" read as "shortcut"`},
	} {
		f, err := ReadFile(filepath.Join("../pytorch/testdata", name))
		check(t, err)
		if names(f.Tensors) != want.names || strings.Join(f.Changes, "; ") != want.changes {
			t.Errorf("%s: %s, changes %q", name, names(f.Tensors), f.Changes)
		}
	}
}

func TestReadFileRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"empty": "", "text": "hello, world", "pickle": "\x80\x02}."} {
		check(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666))
	}
	for path, says := range map[string]string{
		filepath.Join(dir, "none"):          "no such file",
		dir:                                 "a folder: name a file",
		filepath.Join(dir, "empty"):         "0 bytes",
		filepath.Join(dir, "text"):          "not a safetensors file",
		filepath.Join(dir, "pickle"):        "a bare pickle",
		"../pytorch/testdata/legacy.pth":    "before version 1.6",
		"../pytorch/testdata/malicious.pth": "needs posix.system: not read",
		"../pytorch/testdata/fixtures.py":   "not a safetensors file",
	} {
		_, err := ReadFile(path)
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want %q in it", path, err, says)
		}
	}
}

func TestWriteFile(t *testing.T) {
	want := []safetensors.Tensor{
		safetensors.FromFloat32("conv1.weight", []int{2, 3}, []float32{1, 2, 3, 4, 5, 6}),
		safetensors.FromInt64("bn1.num_batches_tracked", nil, []int64{9}),
	}
	dir := t.TempDir()
	for name, pickled := range map[string]bool{"x.pth": true, "x.pt": true, "x.safetensors": false} {
		path := filepath.Join(dir, name)
		check(t, WriteFile(path, want, nil))
		b, err := os.ReadFile(path)
		check(t, err)
		if pytorch.Recognize(b) != pickled {
			t.Errorf("%s: of the other format", name)
		}
		f, err := ReadFile(path)
		check(t, err)
		same := slices.EqualFunc(f.Tensors, want, func(a, b safetensors.Tensor) bool {
			return a.Name == b.Name && a.DType == b.DType && slices.Equal(a.Shape, b.Shape) && bytes.Equal(a.Data, b.Data)
		})
		if !same || len(f.Changes) > 0 {
			t.Errorf("%s: %v", name, f)
		}
	}
	path := filepath.Join(dir, "x.bin")
	if err := WriteFile(path, want, nil); err == nil || !strings.Contains(err.Error(), ".pth") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("x.bin is there")
	}
}

func FuzzRead(f *testing.F) {
	for _, pattern := range []string{"../pytorch/testdata/*.p*t*", "../instances/paper/*.safetensors"} {
		files, err := filepath.Glob(pattern)
		check(f, err)
		if len(files) == 0 {
			f.Fatalf("no %s", pattern)
		}
		for _, path := range files {
			b, err := os.ReadFile(path)
			check(f, err)
			if len(b) < 1<<16 {
				f.Add(b)
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, x := range file.Tensors {
			if seen[x.Name] {
				t.Errorf("%q is there twice", x.Name)
			}
			seen[x.Name] = true
		}
	})
}
