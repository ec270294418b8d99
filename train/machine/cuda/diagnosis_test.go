//go:build gpu

package cuda

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// forward runs a convolution of a size of its own, and returns the first error.
func forward(t *testing.T, e *Engine, side int) error {
	t.Helper()
	c := newConvolution(t, e, 3, side)
	e.Conv(c.Convolution, c.y, c.x, c.w)
	return e.Sync()
}

// A later process takes the plan of the first without a search.
func TestChoiceOfAnotherProcess(t *testing.T) {
	emulated(t)
	path := filepath.Join(t.TempDir(), "plans.tsv")
	t.Setenv(choicesVariable, path)
	first := open(t, TF32)
	if err := forward(t, first, 5); err != nil {
		t.Fatal(err)
	}
	if p := chosen(t, first); p.milliseconds != 2 {
		t.Errorf("the first process takes %v of %g ms, want one of 2", p, p.milliseconds)
	}
	read.Delete(path)
	second := open(t, TF32)
	if err := forward(t, second, 5); err != nil {
		t.Fatal(err)
	}
	p := chosen(t, second)
	if p.config != chosen(t, first).config || p.milliseconds != 0 {
		t.Errorf("the second process takes %v of %g ms, want the choice of the first unmeasured", p, p.milliseconds)
	}
	if notes := second.Chosen(); len(notes) != 1 || !strings.Contains(notes[0], "forward x 3x8x5x5") || !strings.Contains(notes[0], p.config.String()) {
		t.Errorf("notes on the choices: %q", notes)
	}
}

// A choice that cuDNN no longer offers is made again.
func TestChoiceThatIsGone(t *testing.T) {
	emulated(t)
	path := filepath.Join(t.TempDir(), "plans.tsv")
	t.Setenv(choicesVariable, path)
	e := open(t, TF32)
	kernel := "forward x 3x8x5x5 w 16x8x3x3 stride 1 pad 1"
	for _, gone := range []config{{4, "4=8 5=7"}, {40, ""}, {6, "6=7 7=7"}} { // other knobs; no engine; one that gives no plan
		e.convolutions.choices.keep(use{"emulated GPU", cudnnVersion(), TF32, kernel}, gone)
		clear(e.convolutions.chosen)
		if err := forward(t, e, 5); err != nil {
			t.Fatal(err)
		}
		if got := reread(path).find(use{"emulated GPU", cudnnVersion(), TF32, kernel}); got.engine != 4 || got == gone {
			t.Errorf("instead of %v the choice is %v", gone, got)
		}
	}
}

// Nothing is recorded if that is not wanted, and the losses are the same.
func TestEager(t *testing.T) {
	emulated(t)
	want := losses(t, open(t, BF16), 4, 8, 4, 0.1)
	t.Setenv(eagerVariable, "1")
	e := open(t, BF16)
	t.Setenv("CUDA_EMULATOR_FAIL", "cuStreamBeginCapture_v2:900:1")
	if got := losses(t, e, 4, 8, 4, 0.1); !slices.Equal(got, want) {
		t.Errorf("losses %v, recorded %v", got, want)
	}
}

// An error that comes while a kernel runs is that kernel's.
func TestSyncNamesTheKernel(t *testing.T) {
	emulated(t)
	t.Setenv(syncVariable, "1")
	e := open(t, FP32)
	v := vectors(t, e, 3)
	t.Setenv("CUDA_EMULATOR_FAIL", "cuStreamSynchronize:700:2")
	for range 3 {
		e.Add(v[0], v[1], v[2])
	}
	says(t, e.Sync(), "kernel add of 1 x 1 blocks of 256 x 1 threads on [0x", "error 700", "lost")
	e.err = nil // for Close
	t.Setenv("CUDA_EMULATOR_FAIL", "")

	c := newConvolution(t, e, 3, 6)
	e.Conv(c.Convolution, c.y, c.x, c.w)
	t.Setenv("CUDA_EMULATOR_FAIL", "cuStreamSynchronize:700:1")
	e.Conv(c.Convolution, c.y, c.x, c.w)
	says(t, e.Sync(), "convolution forward x 3x8x6x6 w 16x8x3x3 stride 1", "error 700")
	e.err = nil
}

// A plan that takes the device with it is named, and not the next call.
func TestPlanThatLosesTheDevice(t *testing.T) {
	emulated(t)
	e := open(t, TF32)
	t.Setenv("CUDA_EMULATOR_FAIL", "cuGraphLaunch:700:6")
	c := newConvolution(t, e, 3, 7)
	e.Conv(c.Convolution, c.y, c.x, c.w)
	e.Conv(c.Convolution, c.y, c.x, c.w)
	says(t, e.Sync(), "error 700", "the plan was engine 4 (4=7 5=7)", "launch a graph", "forward", "(3, 5, 7, 7)", "stride 1")
	e.err = nil // for Close
}

// A plan that fails alone is passed over.
func TestPlanThatFails(t *testing.T) {
	emulated(t)
	e := open(t, TF32)
	t.Setenv("CUDA_EMULATOR_FAIL", "cuGraphLaunch:1:6")
	if err := forward(t, e, 8); err != nil {
		t.Fatal(err)
	}
	if p := chosen(t, e); p.engine == 4 {
		t.Errorf("the plan that failed is taken: %v", p)
	}
}

func TestLogOfPlans(t *testing.T) {
	emulated(t)
	path := filepath.Join(t.TempDir(), "plans.log")
	t.Setenv(logVariable, path)
	e := open(t, TF32)
	t.Setenv("CUDA_EMULATOR_FAIL", "cuGraphLaunch:1:1")
	if err := forward(t, e, 9); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const card = "emulated GPU\ttf32\tforward x 3x8x9x9 w 16x8x3x3 stride 1 pad 1\t"
	for _, want := range []string{
		planLogHeader,
		card + "3\t3=7 4=7\t131\t+Inf\tcuda: launch a graph: error 1 (error 1)\n",
		card + "4\t4=7 5=7\t4099\t2\tmeasured\n",
		card + "1\t1=7 2=7\t0\t0\tit needs 1099511627776 bytes\n",
		card + "6\t6=7 7=7\t0\t0\tcuda: make a plan: cuDNN: CUDNN_STATUS_NOT_SUPPORTED: plan: the engine does not work\n",
		card + "7\t7=7 8=7\t0\t+Inf\tcuda: convolution: cuDNN: CUDNN_STATUS_NOT_SUPPORTED: execute: the engine does not work\n",
		card + "4\t4=7 5=7\t4099\t2\tchosen\n",
	} {
		if strings.Count(string(text), want) != 1 {
			t.Errorf("the log does not have once %q:\n%s", want, text)
		}
	}
}

func TestWrongVariables(t *testing.T) {
	emulated(t)
	for name, c := range map[string]struct{ value, want string }{
		eagerVariable: {"yes please", "want 1 or 0"}, syncVariable: {"2", "want 1 or 0"}, logVariable: {"/no/such/folder/log", "no such file"},
		fuseVariable: {"norm,speed", "want 1, 0, or some of norm,statistics"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, c.value)
			e, err := New(FP32, 0)
			if err == nil {
				e.Close()
			}
			says(t, err, name, c.want)
		})
	}
}

func TestWhatIsTried(t *testing.T) {
	for text, want := range map[string]tries{"1": {true, true}, "0": {}, "norm": {norm: true}, "statistics,norm": {true, true}} {
		if got, err := parseTries(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", text, got, err, want)
		}
	}
}
