package main

import (
	"bytes"
	"strings"
	"testing"

	"largestep/train/pytorch"
	"largestep/train/safetensors"
	"largestep/train/weights"
)

// wrapped is a checkpoint as DataParallel and torchvision would have named it, in
// torch.save's format.
func wrapped(t *testing.T, checkpoint string) string {
	t.Helper()
	list, _, err := safetensors.ReadFile(checkpoint)
	check(t, err)
	names := strings.NewReplacer("linear", "fc", "shortcut", "downsample")
	for i := range list {
		list[i].Name = "module." + names.Replace(list[i].Name)
	}
	var b bytes.Buffer
	check(t, pytorch.Write(&b, list))
	return b.String()
}

const wrappedChanges = `"module." taken off all names; "fc" read as "linear"; "downsample" read as "shortcut"`

func TestExport(t *testing.T) {
	enterFixture(t)
	const checkpoint = "done/checkpoint.safetensors"
	writeFile(t, "wrapped.ckpt", wrapped(t, checkpoint))
	want := tensors(t, checkpoint)
	for _, c := range []struct{ from, to, says string }{
		{checkpoint, "a.pth", ""},
		{"a.pth", "b.safetensors", ""},
		{"b.safetensors", "c.pt", ""},
		{"c.pt", "c.pt", ""},
		{"wrapped.ckpt", "d.safetensors", "wrapped.ckpt: " + wrappedChanges + "\n"},
	} {
		o := try("export", c.from, "-o", c.to)
		if o.code != 0 || o.stdout != c.to+": 122 tensors\n" || o.stderr != c.says {
			t.Errorf("%s to %s: %v", c.from, c.to, o)
		}
		f, err := weights.ReadFile(c.to)
		check(t, err)
		var b bytes.Buffer
		check(t, safetensors.Write(&b, f.Tensors, nil))
		if b.String() != want {
			t.Errorf("%s to %s: other tensors", c.from, c.to)
		}
	}
	if !strings.HasPrefix(readFile(t, "c.pt"), "PK") || strings.HasPrefix(readFile(t, "d.safetensors"), "PK") {
		t.Error("the extension does not tell the format")
	}
}

func TestExportRefuses(t *testing.T) {
	testBad(t, []bad{
		{"export", 2, "CHECKPOINT"},
		{"export done/checkpoint.safetensors", 2, "-o weights.pth"},
		{"export done/checkpoint.safetensors -o new.bin", 1, "new.bin: want a name that ends in .safetensors"},
		{"export done/checkpoint.safetensors -o nowhere/new.pth", 1, "nowhere"},
		{"export done -o new.pth", 1, "done: a folder: name a file"},
		{"export nowhere.pth -o new.pth", 1, "nowhere.pth"},
		{"export done/config.json -o new.pth", 1, "done/config.json: "},
	})
}

// A file of PyTorch's evaluates, and starts a training, as the same parameters do
// in ours.
func TestCheckpointOfPyTorch(t *testing.T) {
	enterFixture(t)
	const checkpoint = "done/checkpoint.safetensors"
	writeFile(t, "wrapped.ckpt", wrapped(t, checkpoint))
	eval := func(path string) outcome { return try("eval", path, "--dataset", "made-up", "--test-size", "32") }
	want, got := eval(checkpoint), eval("wrapped.ckpt")
	if got.code != 0 || got.stdout != want.stdout || !strings.Contains(got.stderr, "wrapped.ckpt: "+wrappedChanges+"\n") {
		t.Errorf("eval: %v, want %v", got, want)
	}
	succeed(t, tiny("a", "--init", checkpoint)...)
	succeed(t, tiny("b", "--init", "wrapped.ckpt")...)
	if tensors(t, "a/checkpoint.safetensors") != tensors(t, "b/checkpoint.safetensors") {
		t.Error("--init: the trainings differ")
	}
	if !strings.Contains(readFile(t, "b/log.txt"), wrappedChanges) {
		t.Error("the log does not say how names were read")
	}
}

func TestFilesOfPyTorchRefused(t *testing.T) {
	malicious := readFile(t, "../../train/pytorch/testdata/malicious.pth")
	legacy := readFile(t, "../../train/pytorch/testdata/legacy.pth")
	enterFixture(t)
	writeFile(t, "malicious.pth", malicious)
	writeFile(t, "legacy.pth", legacy)
	for _, command := range []string{"eval ", "FRESH --init ", "export -o new.pth "} {
		bad{command + "malicious.pth", 1, "malicious.pth: data.pkl: byte"}.test(t)
		bad{command + "malicious.pth", 1, "needs posix.system: not read"}.test(t)
		bad{command + "legacy.pth", 1, "legacy.pth: written in PyTorch's format before version 1.6"}.test(t)
	}
}
