package cuda

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"largestep/nets/op"
)

// proposed is a proposal without parameters.
func proposed(id int, notes uint32, engine int64) proposal {
	return proposal{id: id, notes: notes, config: config{engine: engine}}
}

func TestRoundsOfProposals(t *testing.T) {
	const tf32, shaky = noteTensorCore, noteNondeterministic
	slow := proposed(12, tf32, 12)
	slow.behaviors = behaviorCompiled
	a := []proposal{
		slow, proposed(0, 0, 0), proposed(1, tf32, 1), proposed(2, shaky, 2), proposed(3, tf32|noteReducedSums, 3), proposed(4, tf32, 4),
	}
	b := []proposal{proposed(5, tf32, 5), proposed(6, noteFFT, 6), proposed(7, tf32|shaky, 7), proposed(8, noteWinograd6x6, 8)}
	fallback := []proposal{proposed(9, 0, 9), proposed(10, tf32|noteDownConvert, 10), proposed(11, noteWinograd13x13, 11)}
	for p, want := range map[Precision][8][]int{
		FP32: {{0}, {9}, nil, nil, {2}},
		TF32: {{0, 5, 1, 4}, {9}, {12}, nil, {2, 7}},
		BF16: {{0, 5, 1, 4}, {9}, {12}, nil, {2, 7}},
	} {
		for i, round := range rounds(a, b, fallback, p) {
			var got []int
			for _, c := range round {
				got = append(got, c.id)
			}
			if !slices.Equal(got, want[i]) {
				t.Errorf("%s, round %d: proposals %v, want %v", p, i, got, want[i])
			}
		}
	}
}

// What is proposed twice is tried once, and every engine before any a second time.
func TestEveryEngineIsTried(t *testing.T) {
	with := func(id int, engine int64, knobs string) proposal {
		return proposal{id: id, config: config{engine, knobs}}
	}
	a := []proposal{with(0, 62, "1=1"), with(1, 62, "1=2"), with(2, 62, "1=3"), with(3, 40, "1=1")}
	b := []proposal{with(4, 62, "1=2"), with(5, 9, "1=1"), with(6, 40, "1=1")}
	var got []int
	for _, c := range rounds(a, b, nil, FP32)[0] {
		got = append(got, c.id)
	}
	// Mixed, they are 0, 1, 4, 2, 3, 5, 6.
	if want := []int{0, 3, 5, 1, 2}; !slices.Equal(got, want) {
		t.Errorf("proposals %v, want %v", got, want)
	}
}

func TestFastest(t *testing.T) {
	never := math.Inf(1)
	for _, c := range []struct {
		times []float64
		want  int
	}{
		{[]float64{2, 1, 3}, 1},
		{[]float64{1.009, 1.5, 1}, 0}, // as good as the fastest, and before it
		{[]float64{never, 5, 4}, 2},
		{[]float64{never, never}, 0},
	} {
		if got := fastest(c.times); got != c.want {
			t.Errorf("fastest of %v is %d, want %d", c.times, got, c.want)
		}
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
	if files[0] != cudnnNames[0] || files[len(files)-1] != cudnnNames[1] || !slices.Contains(files, library) {
		t.Errorf("candidates %v: want the loader's own search for the newest first, and %s before anything older", files, library)
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

// Every error is one line that says what to do, or of a kind that tells.
func TestErrorsSayWhatToDo(t *testing.T) {
	for _, c := range []struct {
		err  error
		kind error // nil for any
		want []string
	}{
		{explain("run", codeOutOfMemory, "OutOfMemory"), op.ErrMemory, []string{"run", "free the card", "error 2"}},
		{explain("start", codeNoDevice, "NoDevice"), op.ErrNoDevice, []string{"no NVIDIA GPU"}},
		{explain("load the kernels", codeUnsupportedPTX, "X"), nil, []string{"update the NVIDIA driver"}},
		{explain("load the kernels", codeNoCompiler, "X"), nil, []string{"ptxjitcompiler", "NVIDIA_DRIVER_CAPABILITIES"}},
		{explain("run", codeIllegalAddress, "IllegalAddress"), op.ErrLost, []string{"lost"}},
		{explain("run", 716, "MisalignedAddress"), op.ErrLost, []string{"lost"}},
		{explain("start", codeMismatch, "X"), nil, []string{"reboot"}},
		{explainCuDNN("make a plan", "BAD_PARAM", "Tensor\n has no type. "), nil, []string{"make a plan: cuDNN: BAD_PARAM: Tensor has no type."}},
		{explainCuDNN("convolution", "BAD_PARAM", " "), nil, []string{"BAD_PARAM"}},
		{noPlan(7, 1<<20, errors.New("too odd")), op.ErrFormat, []string{"none of cuDNN's 7", "1 MB", "(too odd)", "update cuDNN"}},
		{explain("run", 42, "Odd"), nil, []string{"Odd", "error 42"}},
		{outOfMemory(3e9, 1e9, 8e9), op.ErrMemory, []string{"3.00 GB", "1.00 GB of 8.00 GB", "free the card"}},
		{checkDevice("Tesla V100", 7, 0, 12000), op.ErrNoDevice, []string{"Tesla V100", "7.0", "8.0"}},
		{checkDevice("A100", 8, 0, 11040), nil, []string{"11.4", "11.8", "update the driver"}},
	} {
		if c.kind != nil && !errors.Is(c.err, c.kind) {
			t.Errorf("%q is not of the kind %q", c.err, c.kind)
		}
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
