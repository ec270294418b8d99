package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"largestep/train/safetensors"
)

// wantColumns are those of metrics.csv, wantSparsity those between them that
// some runs have.
const (
	wantColumns = "epoch,step,phase,step_size,batch_loss,train_loss,train_error,test_loss,test_error," +
		"active_1,active_2,active_3,active_4,active_5,parameter_norm,images_per_second,seconds"
	wantSparsity = "sparsity_1,sparsity_2,sparsity_3,sparsity_4,sparsity_5,"
)

// number is a cell that must be a finite number.
func number(t *testing.T, cell string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(cell, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		t.Fatalf("%q is not a finite number", cell)
	}
	return x
}

func TestTrainRecords(t *testing.T) {
	t.Chdir(t.TempDir())
	out := succeed(t, tiny("a", "--phases", "warm:0.05@0,0.5@0.3,0.05@0.75", "--log-steps", "--epochs", "4", "--eval-every", "2")...)
	if !strings.HasPrefix(out, "a: training loss ") {
		t.Errorf("it says %q", out)
	}
	if again := succeed(t, "train", "resnet18", "--resume", "--out", "a"); again != strings.Replace(out, "a: ", "a: already trained: ", 1) {
		t.Errorf("the same again says %q", again)
	}
	columns, rows := table(t, "a/metrics.csv")
	if got := strings.Replace(strings.Join(columns, ","), wantSparsity, "", 1); got != wantColumns {
		t.Fatalf("columns %s, want %s", got, wantColumns)
	}
	// 4 steps an epoch; the phases begin at steps 5 (of 4.8) and 12 of 16.
	starts := [][4]string{{"0", "0", "warm", "0.05"}, {"2", "8", "large", "0.5"}, {"4", "16", "small", "0.05"}}
	if len(rows) != len(starts) {
		t.Fatalf("%d rows, want %d", len(rows), len(starts))
	}
	for i, row := range rows {
		if got := [4]string(row[:4]); got != starts[i] {
			t.Errorf("row %d begins with %v, want %v", i, got, starts[i])
		}
		for j, cell := range row[4:] {
			if name := columns[4+j]; i > 0 || name != "batch_loss" {
				x := number(t, cell)
				if fraction := strings.HasSuffix(name, "_error") || strings.HasPrefix(name, "active_") || strings.HasPrefix(name, "sparsity_"); x < 0 || fraction && x > 1 {
					t.Errorf("row %d: %s is %g", i, name, x)
				}
			}
		}
	}
	if state, step := status(t, "a"); state != "finished" || step != 16 {
		t.Errorf("status %s at step %d", state, step)
	}
	testSteps(t, rows)
}

// testSteps compares steps.csv of 16 steps with the rows after 8 steps each.
func testSteps(t *testing.T, rows [][]string) {
	t.Helper()
	columns, steps := table(t, "a/steps.csv")
	if got := strings.Join(columns, ","); got != "step,epoch,step_size,batch_loss" {
		t.Fatalf("columns %s", got)
	}
	if len(steps) != 16 {
		t.Fatalf("%d steps, want 16", len(steps))
	}
	mean := 0.0
	for i, s := range steps {
		want := [3]string{strconv.Itoa(i), fmt.Sprint(float64(i) / 4), "0.05"}
		if i >= 5 && i < 12 {
			want[2] = "0.5"
		}
		if got := [3]string(s[:3]); got != want {
			t.Errorf("step %d is %v, want %v", i, got, want)
		}
		if mean += number(t, s[3]) / 8; i%8 == 7 {
			if got := number(t, rows[(i+1)/8][4]); !(math.Abs(got-mean) <= 1e-9) {
				t.Errorf("batch_loss %g, the mean since the last row is %g", got, mean)
			}
			mean = 0
		}
	}
}

// A training says what it trains, and the help what it trains by default.
func TestSaysWhatItTrains(t *testing.T) {
	t.Chdir(t.TempDir())
	help := succeed(t, "train", "--help")
	for args, want := range map[string]string{
		"--width 5 --phases 0.3@0,0.03@0.4 --momentum 0.9": "a: resnet18; step size 0.3, 0.03 from 40 % on, momentum 0.9; width 5, batch 16, 2 epochs of 64 made-up images\n",
		"train diagonal --steps 10":                        "b: diagonal, paper instance of 80 examples; step size 0.25; batch 1, 10 steps\n",
		"train svm --steps 7 --sampling full":              "c: svm, random instance of 100 examples; step size 0.001; batch 100, 7 steps\n",
	} {
		dir, _, _ := strings.Cut(want, ":")
		command := tiny(dir, strings.Fields(args)...)
		if strings.HasPrefix(args, "train") {
			command = append(strings.Fields(args), "--out", dir)
		}
		if o := try(command...); o.code != 0 || !strings.HasPrefix(o.stderr, want) {
			t.Errorf("%s: status %d: %s", args, o.code, o.stderr)
		}
	}
	for _, want := range []string{"quick 1000 images, width 8, batch 32, 40 epochs, η 0.5\n", "svm           random instance, 100 examples"} {
		if !strings.Contains(help, want) {
			t.Errorf("the help lacks %q", want)
		}
	}
}

func TestTrainDefaultFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	args := tiny("", "--dataset", "auto", "--epochs", "1")
	o := try(args...)
	if o.code != 0 || !strings.Contains(o.stderr, "made-up") || !strings.Contains(o.stderr, "largestep fetch cifar10") {
		t.Errorf("status %d; it should say what it trains on: %s", o.code, o.stderr)
	}
	runs, err := filepath.Glob("runs/*/metrics.csv")
	check(t, err)
	if len(runs) != 1 {
		t.Fatalf("runs %v, want one", runs)
	}
	if o := try(args...); o.code != exitError || !strings.Contains(o.stderr, "--resume") {
		t.Errorf("the same again: status %d: %s", o.code, o.stderr)
	}
}

// wantTensors are the names and shapes of PyTorch's ResNet-18 for CIFAR, by the
// rules of its code rather than by ours.
func wantTensors(width, classes int) map[string][]int {
	want := map[string][]int{}
	norm := func(name string, c int) {
		for _, p := range []string{"weight", "bias", "running_mean", "running_var"} {
			want[name+"."+p] = []int{c}
		}
		want[name+".num_batches_tracked"] = nil
	}
	want["conv1.weight"] = []int{width, 3, 3, 3}
	norm("bn1", width)
	in := width
	for layer := range 4 {
		out := width << layer
		for block := range 2 {
			p := fmt.Sprintf("layer%d.%d.", layer+1, block)
			want[p+"conv1.weight"], want[p+"conv2.weight"] = []int{out, in, 3, 3}, []int{out, out, 3, 3}
			norm(p+"bn1", out)
			norm(p+"bn2", out)
			if in != out {
				want[p+"shortcut.0.weight"] = []int{out, in, 1, 1}
				norm(p+"shortcut.1", out)
			}
			in = out
		}
	}
	want["linear.weight"], want["linear.bias"] = []int{classes, in}, []int{classes}
	return want
}

func TestCheckpoint(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, tiny("a", "--width", "5", "--momentum", "0.9")...)
	list, metadata, err := safetensors.ReadFile("a/checkpoint.safetensors")
	check(t, err)
	want := wantTensors(5, 10)
	for _, x := range list {
		shape, ok := want[x.Name]
		if !ok || !slices.Equal(x.Shape, shape) {
			t.Errorf("%s is %v, PyTorch has %v", x.Name, x.Shape, shape)
		}
		delete(want, x.Name)
		if steps, err := x.Int64s(); strings.HasSuffix(x.Name, "num_batches_tracked") && (err != nil || steps[0] != 8) {
			t.Errorf("%s is %v after 8 steps", x.Name, steps)
		}
	}
	for name := range want {
		t.Errorf("no %s", name)
	}
	if metadata["format"] != "pt" {
		t.Errorf("metadata %v", metadata)
	}
}

func TestInit(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, tiny("a")...)
	succeed(t, tiny("b", "--init", "a/checkpoint.safetensors", "--seed", "7")...)
	_, a := table(t, "a/metrics.csv")
	_, b := table(t, "b/metrics.csv")
	if end, start := a[len(a)-1][5:14], b[0][5:14]; !slices.Equal(end, start) {
		t.Errorf("it goes on from %v, where the other ended at %v", start, end)
	}
	// From PyTorch, which knows nothing of our metadata.
	spoil(t, "a/checkpoint.safetensors", "plain.safetensors", func(l []safetensors.Tensor) []safetensors.Tensor { return l })
	list, _, err := safetensors.ReadFile("plain.safetensors")
	check(t, err)
	f, err := os.Create("plain.safetensors")
	check(t, err)
	slices.Reverse(list)
	check(t, safetensors.Write(f, list, nil))
	check(t, f.Close())
	succeed(t, tiny("c", "--init", "plain.safetensors", "--seed", "7")...)
	if tensors(t, "b/checkpoint.safetensors") != tensors(t, "c/checkpoint.safetensors") {
		t.Error("the order of the tensors in the file of initial parameters matters")
	}
}

// Each of these must change what is trained; what draws at random must repeat
// its bits.
func TestTrainOptions(t *testing.T) {
	t.Chdir(t.TempDir())
	seen := map[string]string{}
	for i, o := range []string{
		"", "--seed 1", "--sampling with-replacement", "--sampling sequential", "--sampling full", "--momentum 0.9",
		"--augment", "--warmup-exp 1.05", "--warmup-gain 2", "--warmup-gain 2 --warmup-power 0.5", "--step-size 0.05", "--decay-at 0.3", "--phases 0.4@0,0.2@0.5",
		"--weight-decay 0", "--batch 24", "--train-size 60", "--width 5",
	} {
		end := endOf(t, fmt.Sprintf("%d", i), o)
		if random := o == "" || strings.Contains(o, "seed") || strings.Contains(o, "with-rep") || strings.Contains(o, "augment"); random {
			if endOf(t, fmt.Sprintf("%d-again", i), o) != end {
				t.Errorf("%q: two trainings end with different bits", o)
			}
		}
		if other, ok := seen[end]; ok {
			t.Errorf("%q and %q end with the same bits", o, other)
		}
		seen[end] = o
	}
}

// endOf trains with more options and returns the parameters.
func endOf(t *testing.T, dir, options string) string {
	t.Helper()
	succeed(t, tiny(dir, strings.Fields(options)...)...)
	return tensors(t, dir+"/checkpoint.safetensors")
}

// Steps of an epoch: an incomplete last batch is dropped; gradient descent takes
// one.
func TestStepsPerEpoch(t *testing.T) {
	t.Chdir(t.TempDir())
	for args, want := range map[string]int{
		"--batch 16": 4, "--batch 24": 2, "--batch 33": 1, "--batch 64": 1, "--batch 16 --sampling full": 1,
		"--batch 24 --sampling full": 1, "--batch 30 --sampling with-replacement": 2,
	} {
		dir := strings.ReplaceAll(args, " ", "")
		succeed(t, tiny(dir, append(strings.Fields(args), "--epochs", "1", "--log-steps")...)...)
		if _, steps := table(t, dir+"/steps.csv"); len(steps) != want {
			t.Errorf("%s: %d steps, want %d", args, len(steps), want)
		}
	}
}

func TestThreadsGiveTheSameBits(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, tiny("1", "--threads", "1", "--momentum", "0.9", "--augment")...)
	for _, threads := range []string{"2", "3"} {
		succeed(t, tiny(threads, "--threads", threads, "--momentum", "0.9", "--augment")...)
		if tensors(t, "1/checkpoint.safetensors") != tensors(t, threads+"/checkpoint.safetensors") {
			t.Errorf("1 and %s threads end with different bits", threads)
		}
	}
}

// What is not finite is wrong about nothing, and measured as nothing.
func TestRowThatIsNotFinite(t *testing.T) {
	enterFixture(t)
	spoil(t, "done/checkpoint.safetensors", "large.safetensors", func(l []safetensors.Tensor) []safetensors.Tensor {
		return withFirst(withFirst(l, "linear.weight", 3e38), "linear.bias", 3e38)
	})
	succeed(t, tiny("a", "--init", "large.safetensors")...)
	if state, _ := status(t, "a"); state != "diverged" {
		t.Errorf("the run is %s", state)
	}
	names, rows := table(t, "a/metrics.csv")
	for i, name := range names {
		if strings.HasSuffix(name, "_error") && rows[0][i] != "NaN" {
			t.Errorf("%s is %s", name, rows[0][i])
		}
	}
	bad{"eval large.safetensors --dataset made-up --test-size 32", 1, "too large to compute with"}.test(t)
}

func TestDivergence(t *testing.T) {
	t.Chdir(t.TempDir())
	args := tiny("a", "--step-size", "1e20", "--log-steps", "--epochs", "5")
	out := succeed(t, args...)
	if !strings.Contains(out, "a: diverged at epoch ") || strings.Count(out, "\n") != 1 {
		t.Errorf("it says %q", out)
	}
	state, step := status(t, "a")
	_, steps := table(t, "a/steps.csv")
	if state != "diverged" || step != len(steps) || step >= 20 {
		t.Errorf("status %s at step %d, with %d steps recorded", state, step, len(steps))
	}
	for i, s := range steps {
		x, err := strconv.ParseFloat(s[3], 64)
		if last := i == len(steps)-1; err != nil || (math.IsNaN(x) || math.IsInf(x, 0)) != last {
			t.Errorf("step %d: loss %s (%v)", i, s[3], err)
		}
	}
	before := tree(t, "a")
	if out := succeed(t, "train", "resnet18", "--resume", "--out", "a"); !strings.Contains(out, "diverged") {
		t.Errorf("resumed, it says %q", out)
	}
	if d := differences(before, tree(t, "a")); len(d) > 0 {
		t.Errorf("resuming a run that diverged changes %v", d)
	}
	succeed(t, "plot", "a", "-o", "a.png")
	isPicture(t, "a.png")
}
