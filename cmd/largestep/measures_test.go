package main

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"codeberg.org/sbinet/npyio/npy"
)

// allMeasures are those of classifiers of images that nobody records by default.
const allMeasures = "sharpness,hessian_trace,batch_sharpness,batch_sharpness_by_losses,gradient_norm,gradient_noise,step_sharpness,feature_rank"

// rows are those of a run's metrics.csv, by column; an empty cell is NaN.
func rows(t *testing.T, dir string) (table []map[string]float64) {
	t.Helper()
	f, err := os.Open(dir + "/metrics.csv")
	check(t, err)
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	check(t, err)
	for _, line := range lines[1:] {
		row := map[string]float64{}
		for i, cell := range line {
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				v = math.NaN()
			}
			row[lines[0][i]] = v
		}
		table = append(table, row)
	}
	return table
}

func TestMeasuresChangeNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	options := strings.Fields("--momentum 0.9 --augment --step-size 0.1 --measure")
	succeed(t, tiny("without", append(options, "none")...)...)
	for _, mode := range []string{"training", "evaluation"} {
		succeed(t, tiny(mode, append(options, allMeasures, "--measure-images", "40", "--eigenvalues", "2", "--measure-every", "2", "--measure-mode", mode)...)...)
		if sumOfTensors(t, mode+"/checkpoint.safetensors") != sumOfTensors(t, "without/checkpoint.safetensors") {
			t.Errorf("measuring in %s mode changes the training", mode)
		}
		for _, row := range rows(t, mode) {
			for _, column := range strings.Split(allMeasures, ",")[:7] {
				if v := row[column]; math.IsNaN(v) != (column == "step_sharpness" && row["step"] == 0) || v == 0 {
					t.Errorf("%s mode, step %g: %s is %g", mode, row["step"], column, v)
				}
			}
			if row["sharpness"] < row["eigenvalue_2"] || !(row["sharpness_residual"] <= 0.01) {
				t.Errorf("eigenvalues %g, %g within %g", row["sharpness"], row["eigenvalue_2"], row["sharpness_residual"])
			}
			if r := row["rank_5"]; !(r >= 1 && r <= 32) {
				t.Errorf("rank of the average pool: %g of 32 units", r)
			}
		}
	}
}

// Measures of small problems change neither the training nor each other.
func TestMeasuresOfVectors(t *testing.T) {
	t.Chdir(t.TempDir())
	const train = "train teacher-3 --steps 300 --eval-steps 100 --label-noise 0.1 --out "
	succeed(t, strings.Fields(train+"without --measure none")...)
	succeed(t, strings.Fields(train+"with --measure jacobian_norm,"+allMeasures)...)
	if sumOfTensors(t, "with/checkpoint.safetensors") != sumOfTensors(t, "without/checkpoint.safetensors") {
		t.Error("measuring changes the training")
	}
	with := rows(t, "with")
	for i, row := range rows(t, "without") {
		for column, v := range row {
			if w := with[i][column]; v != w && !math.IsNaN(v) && column != "seconds" && column != "images_per_second" {
				t.Errorf("row %d: %s is %g, with other measures %g", i, column, v, w)
			}
		}
		if n, rank := with[i]["jacobian_norm"], with[i]["rank"]; !(n > 0 && rank > 0) {
			t.Errorf("norm %g of a Jacobian of rank %g", n, rank)
		}
		if r := with[i]["rank_2"]; !(r >= 1 && r <= 10) {
			t.Errorf("rank of 10 units: %g", r)
		}
	}
	events, err := filepath.Glob("with/events.*")
	check(t, err)
	text, err := os.ReadFile(events[0])
	check(t, err)
	for _, tag := range []string{"batch_sharpness", "noise_scale", "effective_rank/1"} {
		if !strings.Contains(string(text), tag) {
			t.Errorf("TensorBoard's file has no %s", tag)
		}
	}
}

func TestMeasuresOfDivergence(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, strings.Fields("train least-squares --steps 400 --eval-steps 1 --step-size 1e100 --measure sharpness,hessian_trace,batch_sharpness,batch_sharpness_by_losses,gradient_noise --out a")...)
	if state, _ := status(t, "a"); state != "diverged" {
		t.Errorf("status %s", state)
	}
	table := rows(t, "a")
	last := table[len(table)-1]
	if !math.IsInf(last["train_loss"], 0) && !math.IsNaN(last["train_loss"]) {
		t.Fatalf("%d rows, the last with the loss %g", len(table), last["train_loss"])
	}
	for column, v := range last {
		if strings.Contains(column, "sharpness") && !math.IsNaN(v) {
			t.Errorf("%s of a net without numbers is %g", column, v)
		}
	}
}

// The Hessian of least squares is the same everywhere, 2/n Σ x xᵀ, so that the
// sharpness of mini-batches of one, 2‖x‖², says what its trace is.
func TestMeasuresOfLeastSquares(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, strings.Fields("train least-squares --steps 200 --eval-steps 100 --measure sharpness,hessian_trace,batch_sharpness,batch_sharpness_by_losses,step_sharpness --measure-every 1 --sampling shuffle --eigenvalues 10 --out a")...)
	for _, row := range rows(t, "a") {
		trace := row["sharpness"]
		for k := 2; k <= 10; k++ {
			trace += row["eigenvalue_"+strconv.Itoa(k)]
		}
		for _, column := range []string{"batch_sharpness", "batch_sharpness_by_losses", "step_sharpness"} {
			if v := row[column]; !(column == "step_sharpness" && row["step"] == 0) && !(math.Abs(v-trace) < 1e-6*trace) {
				t.Errorf("%s is %g, want %g", column, v, trace)
			}
		}
		if v := row["hessian_trace"]; !(math.Abs(v-trace) < 5*row["hessian_trace_error"]) {
			t.Errorf("hessian_trace is %g, want %g", v, trace)
		}
	}
}

// TestHessian compares the command with what the same run has recorded.
func TestHessian(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, tiny("a", "--measure", "sharpness,hessian_trace", "--measure-images", "48")...)
	out := succeed(t, "hessian", "a/checkpoint.safetensors", "--images", "48", "--eigenvalues", "2")
	var numbers []float64
	for _, m := range regexp.MustCompile(`(?m)^(?:eigenvalue 1|trace): (\S+),`).FindAllStringSubmatch(out, -1) {
		v, err := strconv.ParseFloat(m[1], 64)
		check(t, err)
		numbers = append(numbers, v)
	}
	table := rows(t, "a")
	last := table[len(table)-1]
	if len(numbers) != 2 || !(math.Abs(numbers[0]-last["sharpness"]) < 1e-3*last["sharpness"]) || !(math.Abs(numbers[1]-last["hessian_trace"]) < 1e-3*math.Abs(last["hessian_trace"])) {
		t.Errorf("recorded %g and %g, printed %s", last["sharpness"], last["hessian_trace"], out)
	}
	if !strings.Contains(out, "48 training images in 3 mini-batches of 16, batch norm in training mode\nimages: the first 48 of the 64 of made-up that the run trained on\n") || strings.Count(out, "\n") != 5 {
		t.Errorf("%s", out)
	}
	out = succeed(t, "hessian", "a/checkpoint.safetensors", "--images", "32", "--products", "2", "--trace-vectors", "0", "--mode", "evaluation")
	if !strings.Contains(out, "after 2 products the tolerance of 0.001 is not reached") {
		t.Errorf("%s", out)
	}
}

// TestFeatures compares with what eval writes of the same images, and with the
// share of positive entries that the run has recorded.
func TestFeatures(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, tiny("a")...)
	succeed(t, "features", "a/checkpoint.safetensors", "--train", "--images", "64", "--layer", "2", "-o", "f.npy", "--labels", "y.npy")
	shape, f := readArray[float32](t, "f.npy")
	if !slices.Equal(shape, []int{64, 8, 16, 16}) {
		t.Fatalf("shape %v", shape)
	}
	positive := 0.0
	for _, v := range f {
		if v > 0 {
			positive++
		}
	}
	table := rows(t, "a")
	if got, want := positive/float64(len(f)), table[len(table)-1]["active_2"]; got != want {
		t.Errorf("%g of the features are positive, recorded were %g", got, want)
	}
	if shape, y := readArray[int32](t, "y.npy"); !slices.Equal(shape, []int{64}) || slices.Max(y) > 9 || slices.Max(y) == slices.Min(y) {
		t.Errorf("labels %v of shape %v", y, shape)
	}
	succeed(t, "features", "a/checkpoint.safetensors", "--images", "32", "--logits", "z.npy", "--layer", "5", "-o", "pool.npy")
	if shape, _ := readArray[float32](t, "pool.npy"); !slices.Equal(shape, []int{32, 32}) {
		t.Errorf("average pool: shape %v", shape)
	}
	shape, z := readArray[float32](t, "z.npy")
	succeed(t, "eval", "a/checkpoint.safetensors", "--test-size", "32", "--logits", "z.csv")
	text, err := os.ReadFile("z.csv")
	check(t, err)
	want := strings.FieldsFunc(string(text), func(r rune) bool { return r == ',' || r == '\n' })
	if !slices.Equal(shape, []int{32, 10}) || len(want) != len(z) {
		t.Fatalf("logits of shape %v, eval's are %d", shape, len(want))
	}
	for i, v := range z {
		if w, err := strconv.ParseFloat(want[i], 32); err != nil || float32(w) != v {
			t.Fatalf("logit %d is %g, eval's %s", i, v, want[i])
		}
	}
}

func readArray[T any](t *testing.T, path string) (shape []int, values []T) {
	t.Helper()
	file, err := os.Open(path)
	check(t, err)
	defer file.Close()
	r, err := npy.NewReader(file)
	check(t, err)
	check(t, r.Read(&values))
	return r.Header.Descr.Shape, values
}
