package cuda

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestChooseAlgorithm(t *testing.T) {
	fast := algorithm{id: 0}
	repeatable := algorithm{id: 1, workspace: 100, deterministic: true}
	halved := algorithm{id: 2, deterministic: true, math: mathAllowConversion}
	broken := algorithm{id: 3, status: 9, deterministic: true}
	for _, c := range []struct {
		found []algorithm
		limit int
		want  int
	}{
		{[]algorithm{fast, repeatable}, 100, 1},
		{[]algorithm{fast, repeatable}, 99, 0},
		{[]algorithm{broken, halved, repeatable}, 1000, 1},
	} {
		if a, err := choose(c.found, c.limit); err != nil || a.id != c.want {
			t.Errorf("choose(%+v, %d) = %d, %v; want %d", c.found, c.limit, a.id, err, c.want)
		}
	}
	if _, err := choose([]algorithm{broken, halved}, 1<<20); err == nil || !strings.Contains(err.Error(), "1 MB") {
		t.Errorf("no usable algorithm: %v", err)
	}
}

func TestMath(t *testing.T) {
	if mathOf(FP32) != mathFMA || mathOf(TF32) != mathTensorOp || mathOf(BF16) != mathTensorOp {
		t.Error("fp32 alone keeps away from tensor cores")
	}
}

func TestSearchForCuDNN(t *testing.T) {
	home := t.TempDir()
	folder := filepath.Join(home, ".local/lib/python3.12/site-packages/nvidia/cudnn/lib")
	if err := os.MkdirAll(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	library := filepath.Join(folder, "libcudnn.so.9")
	if err := os.WriteFile(library, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	files, tried := cudnnCandidates("", map[string]string{"home": home})
	if !slices.Equal(files[:2], cudnnNames) || !slices.Contains(files, library) {
		t.Errorf("candidates %v: want the loader's own search first, and %s", files, library)
	}
	if text := cudnnMissing(tried).Error(); !strings.Contains(text, home) || !strings.Contains(text, "pip install") || strings.Contains(text, "{") {
		t.Errorf("the error does not say where, or what to do: %s", text)
	}
	if files, _ := cudnnCandidates("/x/libcudnn.so", nil); !slices.Equal(files, []string{"/x/libcudnn.so"}) {
		t.Errorf("a named file: candidates %v", files)
	}
	if s, ok := expand("{python}/../../lib", map[string]string{"python": "/opt/env/bin/python3"}); !ok || s != "/opt/env/lib" {
		t.Errorf("beside python: %q", s)
	}
}

func TestSpelling(t *testing.T) {
	for v, want := range map[int]string{8907: "8.9.7", 91002: "9.10.2", 90100: "9.1.0"} {
		if got := spellCuDNN(v); got != want {
			t.Errorf("cuDNN %d is %s, want %s", v, got, want)
		}
	}
	if got := cudaVersion(12040); got != "12.4" {
		t.Errorf("CUDA 12040 is %s", got)
	}
}

func TestParsePrecision(t *testing.T) {
	for _, name := range Precisions {
		if p, err := ParsePrecision(name); err != nil || string(p) != name {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
	if _, err := ParsePrecision("fp8"); err == nil || !strings.Contains(err.Error(), "fp32, tf32, bf16") {
		t.Errorf("fp8: %v", err)
	}
}

// Every error is one line that says what to do.
func TestErrorsSayWhatToDo(t *testing.T) {
	for _, c := range []struct {
		err  error
		want []string
	}{
		{explain("run", codeOutOfMemory, "OutOfMemory"), []string{"run", "--batch", "error 2"}},
		{explain("start", codeNoDevice, "NoDevice"), []string{"no NVIDIA GPU", "--engine cpu"}},
		{explain("load the kernels", codeUnsupportedPTX, "X"), []string{"update the NVIDIA driver"}},
		{explain("run", codeIllegalAddress, "IllegalAddress"), []string{"lost", "--resume"}},
		{explain("start", codeMismatch, "X"), []string{"reboot"}},
		{explain("run", 42, "Odd"), []string{"Odd", "error 42"}},
		{outOfMemory(3e9, 1e9, 8e9), []string{"3.00 GB", "1.00 GB of 8.00 GB", "--batch"}},
		{checkDevice("Tesla V100", 7, 0, 12000), []string{"Tesla V100", "7.0", "8.0", "--engine cpu"}},
		{checkDevice("A100", 8, 0, 11040), []string{"11.4", "11.8", "update the driver"}},
	} {
		for _, w := range c.want {
			if !strings.Contains(c.err.Error(), w) || strings.Contains(c.err.Error(), "\n") {
				t.Errorf("%q does not say %q in one line", c.err, w)
			}
		}
	}
	if err := checkDevice("H200", 9, 0, 13000); err != nil {
		t.Error(err)
	}
}
