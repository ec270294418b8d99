package cuda

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The PTX holds whatever kernel the engine launches.
func TestPTXHasTheKernels(t *testing.T) {
	ptx, err := os.ReadFile("kernels.ptx")
	if err != nil {
		t.Fatal(err)
	}
	code := ""
	for _, name := range []string{"kernels.go", "norm.go", "tangent.go", "cooperative.go", "conv.go", "sgd.go"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		code += string(b)
	}
	launched := regexp.MustCompile(`launch(?:Together)?\("([a-z_0-9]+)"(\+e\.format\(\))?,`).FindAllStringSubmatch(code, -1)
	for _, name := range []string{"positives", "select_units", "select_plain"} { // chosen by layout
		launched = append(launched, []string{"", name, "+e.format()"})
	}
	if len(launched) < 15 {
		t.Fatalf("only %d launches found", len(launched))
	}
	for _, l := range launched {
		suffixes := []string{""}
		if l[2] != "" {
			suffixes = []string{"_fp32", "_bf16"}
		}
		for _, s := range suffixes {
			if !strings.Contains(string(ptx), ".entry "+l[1]+s+"(") {
				t.Errorf("kernels.ptx has no kernel %s", l[1]+s)
			}
		}
	}
}

// The committed PTX is what nvcc makes of the source, where the same nvcc is at
// hand.
func TestPTXIsCurrent(t *testing.T) {
	if testing.Short() {
		t.Skip("runs nvcc")
	}
	nvcc, err := exec.LookPath("nvcc")
	if err != nil {
		t.Skip("no nvcc")
	}
	want, err := os.ReadFile("kernels.ptx")
	if err != nil {
		t.Fatal(err)
	}
	fresh := filepath.Join(t.TempDir(), "kernels.ptx")
	if out, err := exec.Command(nvcc, "-ptx", "-arch=compute_80", "-O3", "-o", fresh, "kernels.cu").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got, err := os.ReadFile(fresh)
	if err != nil {
		t.Fatal(err)
	}
	compiler := regexp.MustCompile(`Compiler Build ID: .*`)
	if string(compiler.Find(got)) != string(compiler.Find(want)) {
		t.Skipf("another nvcc: %s made the committed PTX", compiler.Find(want))
	}
	if string(got) != string(want) {
		t.Error("kernels.ptx is not what kernels.cu gives: run \"go generate -tags gpu ./train/machine/cuda\"")
	}
}

// The sizes of blocks are written in both languages.
func TestConstantsAgree(t *testing.T) {
	source := ""
	for _, name := range []string{"kernels.cu", "vector.cuh"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source += string(b)
	}
	for _, line := range []string{"LANES = 8;", "DEPTH = 48;", "TILE = 8 * LANES;", "THREADS = 256;", "SIDE = 16,"} {
		if !strings.Contains(source, "constexpr int "+line) {
			t.Errorf("the kernels have no %q", line)
		}
	}
	if lanes != 8 || depth != 48 || tile != 8*lanes || threads != 256 || side != 16 || gram != 64 || vector != 8 {
		t.Error("the constants of launch.go differ from those of kernels.cu")
	}
}
