package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"image/png"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"largestep/data"
)

func TestHelp(t *testing.T) {
	for _, c := range []struct{ args, says string }{
		{"", "figure main"}, {"--help", "Usage:"}, {"help train", "--step-size"},
		{"train --help", "--step-size --decay-at --phases --warmup-exp --momentum --weight-decay --augment --epochs --batch --width " +
			"--seed --sampling --train-size --test-size --dataset --init --eval-every --log-steps --engine --threads --out --resume --data"},
		{"figure --help", "main"}, {"figure main --help", "--preset --out --data --engine paper small quick auto"},
		{"plot --help", "--output --columns --title .svg .pdf"}, {"eval --help", "CHECKPOINT --dataset --engine"},
		{"fetch --help", "--from --data --md5 --sha256"}, {"import --help", "FOLDER|ARCHIVE --data"},
		{"bench --help", "--width --batch --threads --precision --layers --json"}, {"engines --help", "Usage:"},
	} {
		o := try(strings.Fields(c.args)...)
		if o.code != 0 || o.stderr != "" {
			t.Errorf("%s: status %d: %s", c.args, o.code, o.stderr)
		}
		for _, word := range strings.Fields(c.says) {
			if !strings.Contains(o.stdout, word) {
				t.Errorf("%s: no %s in the help", c.args, word)
			}
		}
	}
	if out := succeed(t, "--version"); !strings.HasPrefix(out, "largestep version ") {
		t.Errorf("version: %q", out)
	}
}

func TestEngines(t *testing.T) {
	if out := succeed(t, "engines"); !strings.HasPrefix(out, "cpu ") || !strings.Contains(out, "threads") {
		t.Errorf("engines: %q", out)
	}
}

func TestBenchLayers(t *testing.T) {
	args := []string{"bench", "--layers", "--width", "4", "--batch", "4", "--time", "10ms", "--threads", "1"}
	out := succeed(t, args...)
	for _, want := range []string{"GB/s", "transforms", "3@32×32 → 4@32×32, 3×3", "batch norm backward", "32@4×4, residual"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	var r struct {
		Limits struct{ FLOP, Bytes float64 } `json:"limits_per_second"`
		Layers []struct {
			Kernel, Shape string
			Count         int
			Seconds       float64
		}
	}
	check(t, json.Unmarshal([]byte(succeed(t, append(args, "--json")...)), &r))
	if !(r.Limits.FLOP > 0) || !(r.Limits.Bytes > 0) || len(r.Layers) < 30 || !(r.Layers[0].Seconds > 0) {
		t.Errorf("%+v", r)
	}
}

func TestBench(t *testing.T) {
	args := []string{"bench", "--width", "4", "--batch", "4", "--time", "10ms", "--threads", "2"}
	var r struct {
		ImagesPerSecond float64 `json:"images_per_second"`
		GFLOPS          float64 `json:"gflops"`
		Engine          string
		Threads         int
		Kernels         []struct {
			Name  string
			Share float64
		}
	}
	d := json.NewDecoder(strings.NewReader(succeed(t, append(args, "--json")...)))
	check(t, d.Decode(&r))
	if d.More() {
		t.Error("more than one JSON object")
	}
	if r.Engine != "cpu" || r.Threads != 2 || !(r.ImagesPerSecond > 0) || !(r.GFLOPS > 0) {
		t.Errorf("%+v", r)
	}
	sum := 0.0
	for _, k := range r.Kernels {
		sum += k.Share
	}
	if !(math.Abs(sum-1) <= 1e-9) || len(r.Kernels) < 5 {
		t.Errorf("the shares of %d kernels sum to %g", len(r.Kernels), sum)
	}
	if out := succeed(t, args...); !strings.Contains(out, "GFLOP/s") || !strings.Contains(out, "conv backward") {
		t.Errorf("it says %q", out)
	}
}

func TestEval(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, tiny("a")...)
	_, rows := table(t, "a/metrics.csv")
	last := rows[len(rows)-1]
	want := fmt.Sprintf("made-up: test loss %.6g, test error %.2f %% of 32 images\n", number(t, last[7]), 100*number(t, last[8]))
	args := []string{"eval", "a/checkpoint.safetensors", "--dataset", "made-up"}
	if got := succeed(t, append(args, "--test-size", "32")...); got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
	if got := succeed(t, append(args, "--logits", "z.csv")...); !strings.HasSuffix(got, " of 2000 images\n") {
		t.Errorf("it says %q", got)
	}
	lines := strings.Split(strings.TrimSuffix(readFile(t, "z.csv"), "\n"), "\n")
	if len(lines) != 2000 || strings.Count(lines[1999], ",") != 9 {
		t.Errorf("%d lines of logits, the last %s", len(lines), lines[len(lines)-1])
	}
	for _, cell := range strings.Split(lines[1999], ",") {
		number(t, cell)
	}
}

// A file of a run is measured on the run's data, also where another set would be
// found.
func TestEvalFollowsTheRun(t *testing.T) {
	t.Chdir(t.TempDir())
	cache, err := filepath.Abs("cache")
	check(t, err)
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	succeed(t, tiny("a", "--phases", "0.1@0,0.01@0.5")...)
	dir, err := data.SetNamed("cifar10").Home()
	check(t, err)
	writeSet(t, dir, binarySet())
	for _, file := range []string{"checkpoint", "phase-1"} {
		if got := succeed(t, "eval", "a/"+file+".safetensors"); !strings.HasPrefix(got, "made-up: ") {
			t.Errorf("%s: %q", file, got)
		}
	}
}

// The normalisation of a training goes with its parameters.
func TestNormalize(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, tiny("plain")...)
	if strings.Contains(readFile(t, "plain/config.json"), "normalize") {
		t.Error("the config of images as they are speaks of it")
	}
	succeed(t, tiny("a", "--normalize", "cifar10")...)
	if config := readFile(t, "a/config.json"); !strings.Contains(config, `"normalize": "0.4914,0.4822,0.4465/0.247,0.2435,0.2616"`) {
		t.Errorf("config %s", config)
	}
	_, rows := table(t, "a/metrics.csv")
	last := rows[len(rows)-1]
	want := fmt.Sprintf("made-up: test loss %.6g, test error %.2f %% of 32 images\n", number(t, last[7]), 100*number(t, last[8]))
	succeed(t, "export", "a/checkpoint.safetensors", "-o", "a.safetensors")
	succeed(t, "export", "a/checkpoint.safetensors", "-o", "a.pth")
	eval := func(args ...string) outcome {
		return try(append([]string{"eval", "--dataset", "made-up", "--test-size", "32"}, args...)...)
	}
	for _, args := range []string{
		"a/checkpoint.safetensors", "a.safetensors", "a/checkpoint.safetensors --normalize cifar10",
		"a.pth --normalize 0.4914,0.4822,0.4465/0.2470,0.2435,0.2616", "plain/checkpoint.safetensors",
	} {
		o := eval(strings.Fields(args)...)
		if o.code != 0 || o.stderr != "" || (o.stdout == want) == strings.HasPrefix(args, "plain") {
			t.Errorf("%s: status %d, %q, want %q; %s", args, o.code, o.stdout, want, o.stderr)
		}
	}
	if o := eval("a.pth"); o.code != 0 || o.stdout == want || o.stderr != "data: a.pth does not say how images were normalised: --normalize none is assumed\n" {
		t.Errorf("status %d, %q, %s", o.code, o.stdout, o.stderr)
	}
	for _, command := range []string{"hessian --images 32 --batch 16", "features --images 8 --logits z.npy"} {
		look := func(args ...string) string {
			o := try(append(strings.Fields(command+" --dataset made-up"), args...)...)
			if o.code != 0 {
				t.Fatalf("%s %s: %s", command, args, o.stderr)
			}
			if strings.HasPrefix(command, "features") {
				return readFile(t, "z.npy")
			}
			_, numbers, _ := strings.Cut(o.stdout, "\neigenvalue")
			return numbers
		}
		own, assumed := look("a/checkpoint.safetensors"), look("a.safetensors")
		if other := look("a.pth", "--normalize", "cifar10"); other != own || assumed != own {
			t.Errorf("%s: %q of the checkpoint, %q of the same parameters", command, own, other)
		}
		if o := try(append(strings.Fields(command), "--dataset", "made-up", "a.pth")...); o.code != 0 || o.stderr != "data: a.pth does not say how images were normalised: --normalize none is assumed\n" {
			t.Errorf("%s: status %d, %s", command, o.code, o.stderr)
		}
	}
	check(t, os.Rename("a.pth", "a/other.pth"))
	if o := eval("a/other.pth"); o.code != 0 || o.stdout != want || !strings.Contains(o.stderr, "0.2616, as the config.json beside it says") {
		t.Errorf("status %d, %q, %s", o.code, o.stdout, o.stderr)
	}
	for _, b := range []bad{
		{"eval a/checkpoint.safetensors --normalize none", 1, "was trained with --normalize 0.4914,0.4822,0.4465/0.247,0.2435,0.2616: leave out --normalize none"},
		{"eval plain/checkpoint.safetensors --normalize 0.5/0.5", 1, "was trained with --normalize none"},
		{"train resnet18 --resume --out a --normalize none", 1, "normalize is 0.4914,0.4822,0.4465/0.247,0.2435,0.2616 there, none here"},
		{"FRESH --normalize 127/64", 2, "not to 255"},
		{"FRESH --normalize imagenet", 2, "want one of none, cifar10"},
		{"train diagonal --normalize cifar10", 2, "--normalize means nothing to diagonal"},
	} {
		b.test(t)
	}
}

// A set that is sorted by class has no fair beginning.
func TestSubset(t *testing.T) {
	t.Chdir(t.TempDir())
	files := binarySet()
	for _, name := range []string{"data_batch_1.bin", "test_batch.bin"} {
		content := []byte(files[name])
		for i := 0; i < len(content); i += recordBytes {
			content[i] = byte(i * 10 / len(content))
		}
		files[name] = string(content)
	}
	writeSet(t, "set", files)
	args := func(out string, more ...string) []string {
		return append(strings.Fields("train resnet18 --data set --width 4 --train-size 20 --batch 10 --epochs 1 --out "+out), more...)
	}
	o := try(args("first")...)
	if want := "data: the 20 of 40 images that are chosen lack 5 of 10 classes, such as class5: see --subset\n"; o.code != 0 || !strings.Contains(o.stderr, want) {
		t.Errorf("status %d, it says %q, want %q", o.code, o.stderr, want)
	}
	if strings.Contains(readFile(t, "first/config.json"), "subset") {
		t.Error("the config of the first images speaks of a choice")
	}
	if o = try(args("balanced", "--subset", "balanced")...); o.code != 0 || strings.Contains(o.stderr, "lack") {
		t.Errorf("status %d, it says %q", o.code, o.stderr)
	}
	if config := readFile(t, "balanced/config.json"); !strings.Contains(config, `"subset": "balanced"`) {
		t.Errorf("config %s", config)
	}
	succeed(t, args("random", "--subset", "random")...)
	for _, out := range []string{"first", "balanced", "random"} {
		succeed(t, "train", "resnet18", "--resume", "--out", out)
	}
	succeed(t, strings.Fields("sweep train resnet18 --data set --width 4 --train-size 20 --batch 10 --epochs 1 --subset first,balanced,random --out sweep")...)
	for _, out := range []string{"first", "balanced", "random"} {
		sameEnd(t, out, fmt.Sprintf("sweep/subset=%s,seed=0", out))
	}
	o = try("eval", "random/checkpoint.safetensors", "--test-size", "10")
	if want := "the 10 of 20 images that are chosen lack 5 of 10 classes"; o.code != 0 || !strings.Contains(o.stderr, want) {
		t.Errorf("status %d, it says %q, want %q", o.code, o.stderr, want)
	}
	if o = try("eval", "random/checkpoint.safetensors", "--test-size", "10", "--subset", "balanced"); o.code != 0 || o.stderr != "data: stripes in "+filepath.Join(wd(t), "set")+"\n" {
		t.Errorf("status %d, it says %q", o.code, o.stderr)
	}
	for _, b := range []bad{
		{"train resnet18 --resume --out first --subset balanced", 1, "are others"},
		{"FRESH --subset balanced", 1, "nothing to choose from"},
		{"FRESH --subset last", 2, "choose one of first, random, balanced"},
		{"train diagonal --subset first", 2, "--subset means nothing to diagonal"},
	} {
		b.test(t)
	}
}

func wd(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	check(t, err)
	return dir
}

// Classes are told apart by names, not by numbers that happen to agree.
func TestOtherClasses(t *testing.T) {
	t.Chdir(t.TempDir())
	writePNGsOf(t, "pngs", "train", 20, 4, 32)
	writePNGsOf(t, "pngs", "test", 8, 4, 32)
	succeed(t, "import", "pngs", "--data", "four", "--name", "four")
	succeed(t, "train", "resnet18", "--data", "four", "--width", "4", "--epochs", "1", "--out", "a")
	for _, part := range []string{"train", "test"} {
		check(t, os.Rename("pngs/"+part+"/class1", "pngs/"+part+"/klass1"))
	}
	succeed(t, "import", "pngs", "--data", "renamed", "--name", "renamed")
	check(t, os.RemoveAll("pngs/train/klass1"))
	check(t, os.RemoveAll("pngs/test/klass1"))
	succeed(t, "import", "pngs", "--data", "three", "--name", "three")
	succeed(t, "export", "a/checkpoint.safetensors", "-o", "a.pth")
	for _, b := range []bad{
		{"eval a/checkpoint.safetensors --data renamed", 1, `has "class1" as class 1, the data set "class2": other classes; if they mean the same in their order, give --classes-by-index`},
		{"eval a/checkpoint.safetensors --data three", 1, "has 4 classes, the data set 3"},
		{"eval a.pth --data three", 1, "has 4 classes, the data set 3"},
		{"hessian a/checkpoint.safetensors --images 8 --data renamed", 1, "other classes; if they mean the same"},
		{"features a/checkpoint.safetensors --images 8 --data renamed --labels y.npy", 1, "other classes; if they mean the same"},
		{"eval a.pth --dataset made-up --classes-by-index", 1, "has 4 outputs, the data set 10 classes"},
	} {
		b.test(t)
	}
	for _, args := range []string{
		"a/checkpoint.safetensors --data four", "a.pth --data renamed", "a/checkpoint.safetensors --data renamed --classes-by-index",
		"a/checkpoint.safetensors --data three --classes-by-index",
	} {
		succeed(t, append([]string{"eval"}, strings.Fields(args)...)...)
	}
}

// Every command that Ctrl-C stops says so.
func TestInterrupted(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	enterFixture(t)
	for args, says := range map[string]string{
		"fetch cifar10 --data new --from " + server.URL: "largestep: download stopped after 0 bytes, the next fetch goes on from there: interrupted\n",
		"import pngs --data new":                        "interrupted\n",
		"bench --width 4 --batch 4":                     "largestep: interrupted\n",
		"check unbiased svm":                            "largestep: interrupted\n",
	} {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if o := runContext(ctx, strings.Fields(args)...); o.code != exitInterrupted || !strings.HasSuffix(o.stderr, says) {
			t.Errorf("%s: status %d, %q", args, o.code, o.stderr)
		}
	}
}

// isPicture tells whether a file is what its extension says.
func isPicture(t *testing.T, path string) {
	t.Helper()
	b := []byte(readFile(t, path))
	switch filepath.Ext(path) {
	case ".png":
		img, err := png.Decode(bytes.NewReader(b))
		if err != nil || img.Bounds().Dx() < 300 {
			t.Errorf("%s: %v", path, err)
		}
	case ".svg":
		d := xml.NewDecoder(bytes.NewReader(b))
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
		}
		if !bytes.Contains(b, []byte("<svg")) || !bytes.Contains(b, []byte("<path")) {
			t.Errorf("%s holds no drawing", path)
		}
	case ".pdf":
		if !bytes.HasPrefix(b, []byte("%PDF-")) || !bytes.Contains(b[len(b)-32:], []byte("%%EOF")) {
			t.Errorf("%s is not a whole PDF", path)
		}
	}
}

func TestPlot(t *testing.T) {
	enterFixture(t)
	succeed(t, tiny("other", "--step-size", "0.1")...)
	out := succeed(t, "plot", "done", "other", "half", "-o", "a.png", "-o", "a.svg", "-o", "a.pdf")
	if out != "a.png\na.svg\na.pdf\n" {
		t.Errorf("it says %q", out)
	}
	for _, f := range []string{"a.png", "a.svg", "a.pdf"} {
		isPicture(t, f)
	}
	succeed(t, "plot", "done", "--columns", "train_loss,active_4,batch_loss", "--title", "Three", "-o", "b.svg")
	isPicture(t, "b.svg")
	succeed(t, "plot", "done", "--columns", "train_loss,active_4,batch_loss", "-o", "c.svg")
	if readFile(t, "b.svg") == readFile(t, "c.svg") {
		t.Error("the title makes no difference")
	}
}

// A folder stands for the runs in it, a figure's files beside them for nothing.
func TestPlotFolders(t *testing.T) {
	enterFixture(t)
	succeed(t, tiny("figures/[a]/seed1", "--seed", "1")...)
	check(t, os.Rename("done", "figures/[a]/seed0"))
	writeFile(t, "figures/[a]/main.pdf", "%PDF-")
	succeed(t, "plot", "figures/[a]/main.pdf", "figures/[a]/seed0", "figures/[a]/seed1", "-o", "b.svg")
	succeed(t, "plot", "figures/[a]", "-o", "a.svg")
	if readFile(t, "a.svg") != readFile(t, "b.svg") {
		t.Error("a folder of runs is not drawn as its runs")
	}
	succeed(t, "plot", "figures/[a]", "-o", "m.svg", "--median")
	if readFile(t, "a.svg") == readFile(t, "m.svg") {
		t.Error("--median makes no difference")
	}
	isPicture(t, "m.svg")
}

func TestPlotOfTwoNets(t *testing.T) {
	enterFixture(t)
	succeed(t, "train", "logistic", "--steps", "20", "--out", "small")
	for _, b := range []bad{
		{"plot done small half -o new.png", 1, "resnet18 (done, half), logistic (small)"},
		{"plot set.tar.gz -o new.png", 1, "no run folders, only files: set.tar.gz"},
	} {
		b.test(t)
	}
}

func TestImportAndTrain(t *testing.T) {
	enterFixture(t)
	out := succeed(t, "import", "pngs", "--data", "new", "--name", "squares")
	if out != "squares: 20 training and 10 test images of 10 classes, 32×32 pixels, in new\ntrain on them with largestep train resnet18 --dataset squares --data new\n" {
		t.Errorf("it says %q", out)
	}
	args := []string{"train", "resnet18", "--data", "new", "--width", "4", "--epochs", "1", "--out", "a"}
	o := try(args...)
	if o.code != 0 || !strings.Contains(o.stderr, "data: squares in new\n") {
		t.Fatalf("status %d: %s", o.code, o.stderr)
	}
	if config := readFile(t, "a/config.json"); !strings.Contains(config, `"dataset": "squares"`) || !strings.Contains(config, `"train_size": 20`) {
		t.Errorf("config %s", config)
	}
	if out := succeed(t, "eval", "a/checkpoint.safetensors"); !strings.HasPrefix(out, "squares: ") || !strings.HasSuffix(out, "of 10 images\n") {
		t.Errorf("it says %q", out)
	}
	// Another set of the same size is not the one that the run was trained on.
	succeed(t, "import", "pngs", "--data", "again", "--name", "squares")
	file := "again/data_batch_1.bin"
	content := []byte(readFile(t, file))
	content[100]++
	check(t, os.WriteFile(file, content, 0o666))
	bad{"train resnet18 --resume --out a --data again", 1, "are others"}.test(t)
}

// Images of another size, of more classes than CIFAR-10 has, under their name.
func TestImportOfOtherImages(t *testing.T) {
	t.Chdir(t.TempDir())
	cache, err := filepath.Abs("cache")
	check(t, err)
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	writePNGsOf(t, "pngs", "train", 36, 12, 24)
	writePNGsOf(t, "pngs", "test", 12, 12, 24)
	out := succeed(t, "import", "pngs", "--name", "twelve kinds")
	if want := "train on them with largestep train resnet18 --dataset 'twelve kinds'\n"; !strings.HasPrefix(out, "twelve kinds: 36 training and 12 test images of 12 classes, 24×24 pixels, in "+cache) || !strings.HasSuffix(out, want) {
		t.Errorf("it says %q, want %q", out, want)
	}
	args := []string{"train", "resnet18", "--dataset", "twelve kinds", "--width", "4", "--batch", "12", "--epochs", "2", "--out", "a"}
	if o := runContext(interruptAfter(3), args...); o.code != exitInterrupted {
		t.Fatalf("status %d: %s", o.code, o.stderr)
	}
	succeed(t, "train", "resnet18", "--resume", "--out", "a")
	if out := succeed(t, "eval", "a/checkpoint.safetensors", "--logits", "z.csv"); !strings.HasPrefix(out, "twelve kinds: ") || !strings.HasSuffix(out, "of 12 images\n") {
		t.Errorf("it says %q", out)
	}
	if line, _, _ := strings.Cut(readFile(t, "z.csv"), "\n"); strings.Count(line, ",") != 11 {
		t.Errorf("logits %s", line)
	}
	succeed(t, "plot", "a", "-o", "a.svg")
	// The five pools of a VGG need 32×32.
	check(t, os.Rename(filepath.Join(cache, "largestep", "twelve kinds"), "set"))
	bad{"train vgg16 --data set --width 4 --out new", 1, "max pool"}.test(t)
}

func TestFetch(t *testing.T) {
	enterFixture(t)
	sum := md5Of(t, "set.tar.gz")
	out := succeed(t, "fetch", "cifar10", "--from", "set.tar.gz", "--md5", strings.ToUpper(sum), "--data", "new")
	if out != "stripes: 40 training and 20 test images of 10 classes, 32×32 pixels, in new\ntrain on them with largestep train resnet18 --dataset stripes --data new\n" {
		t.Errorf("it says %q", out)
	}
	for _, f := range []string{"data_batch_1.bin", "test_batch.bin", "batches.meta.txt"} {
		if readFile(t, "new/"+f) != readFile(t, "set/"+f) {
			t.Errorf("%s is not that of the archive", f)
		}
	}
	succeed(t, "train", "resnet18", "--dataset", "stripes", "--data", "new", "--width", "4", "--train-size", "40",
		"--test-size", "20", "--batch", "20", "--epochs", "1", "--out", "a")
}

// CIFAR-100 is fetched, trained on, evaluated and drawn as CIFAR-10 is.
func TestCIFAR100(t *testing.T) {
	t.Chdir(t.TempDir())
	records := func(n int) string {
		var b bytes.Buffer
		for i := range n {
			b.WriteString("\x13" + string(rune(i%100)) + strings.Repeat(string(rune(i)), 3072)) // below 128, a rune is a byte
		}
		return b.String()
	}
	names := ""
	for i := range 100 {
		names += fmt.Sprintf("class%d\n", i)
	}
	sum := writeArchive(t, "set.tar.gz", "cifar-100-binary/", map[string]string{
		"train.bin": records(100), "test.bin": records(20), "fine_label_names.txt": names, "coarse_label_names.txt": "x\n",
	})
	out := succeed(t, "fetch", "cifar100", "--from", "set.tar.gz", "--md5", sum, "--data", "new")
	if want := "cifar100 (unofficial archive): 100 training and 20 test images of 100 classes, 32×32 pixels, in new\n"; !strings.HasPrefix(out, want) {
		t.Errorf("it says %q, want %q", out, want)
	}
	args := []string{"train", "resnet18", "--data", "new", "--width", "4", "--batch", "20", "--epochs", "2", "--out", "a"}
	if o := runContext(interruptAfter(6), args...); o.code != exitInterrupted {
		t.Fatalf("status %d: %s", o.code, o.stderr)
	}
	succeed(t, "train", "resnet18", "--resume", "--out", "a")
	if out := succeed(t, "eval", "a/checkpoint.safetensors", "--logits", "z.csv"); !strings.HasSuffix(out, "of 20 images\n") {
		t.Errorf("it says %q", out)
	}
	if line, _, _ := strings.Cut(readFile(t, "z.csv"), "\n"); strings.Count(line, ",") != 99 {
		t.Errorf("logits %s", line)
	}
	succeed(t, "plot", "a", "-o", "a.svg")
	succeed(t, "export", "a/checkpoint.safetensors", "-o", "a.pth")
	succeed(t, "eval", "a.pth", "--data", "new")
	succeed(t, "bench", "--classes", "100", "--width", "4", "--batch", "4", "--time", "10ms")
}

// What looks like the official set has no checksum to be told by.
func TestFetchOverFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 180 MB")
	}
	t.Chdir(t.TempDir())
	writeFile(t, "set/batches.meta.txt", binarySet()["batches.meta.txt"])
	for _, name := range []string{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"} {
		path := filepath.Join("set", name)
		writeFile(t, path, "")
		check(t, os.Truncate(path, 10_000*recordBytes))
	}
	o := try("fetch", "cifar10", "--data", "set")
	if want := "set was there before, and its images are not verified"; o.code != 0 || !strings.Contains(o.stderr, want) {
		t.Errorf("status %d, %q, want %q", o.code, o.stderr, want)
	}
}

// tinyPreset makes a preset a small one.
var tinyPreset = strings.Fields("--width 4 --train-size 64 --test-size 32 --batch 16")

func TestFigureMain(t *testing.T) {
	t.Chdir(t.TempDir())
	args := append([]string{"figure", "main", "--out", "fig", "--epochs", "10"}, tinyPreset...) // auto is quick on a CPU
	if o := runContext(interruptAfter(60), args...); o.code != exitInterrupted || !strings.Contains(o.stderr, "the same command") {
		t.Fatalf("status %d: %s", o.code, o.stderr)
	}
	if state, _ := status(t, "fig/large-eta-decay10-seed0"); state != "interrupted" {
		t.Errorf("the second run is %s", state)
	}
	o := try(args...)
	out := o.stdout
	if want := "preset quick: η 0.03 and 0.5, width "; o.code != 0 || !strings.HasPrefix(o.stderr, want) || !strings.Contains(o.stderr, " made-up images; on cpu") {
		t.Errorf("status %d, it says %q, want %q", o.code, o.stderr, want)
	}
	for _, f := range []string{"fig/main.png", "fig/main.svg", "fig/main.pdf"} {
		isPicture(t, f)
	}
	if final := readFile(t, "fig/main.txt"); !strings.Contains(out, final) || strings.Count(final, "\n") < 5 {
		t.Errorf("it says %q, main.txt %q", out, final)
	}
	checkMainRuns(t)
	before := tree(t, "fig")
	succeed(t, args...)
	for _, d := range differences(before, tree(t, "fig")) {
		if !strings.HasPrefix(d, "fig/main.") {
			t.Errorf("drawn again: %s", d)
		}
	}
	bad{"figure plain --preset quick --out fig --epochs 10 " + strings.Join(tinyPreset, " "), 1, "weight_decay"}.test(t)
	if testing.Short() {
		return
	}
	out = succeed(t, append(args, "--seeds", "2")...)
	for _, d := range differences(before, tree(t, "fig")) {
		if !strings.HasPrefix(d, "fig/main.") && !strings.Contains(d, "-seed1") {
			t.Errorf("a second seed changes the first's: %s", d)
		}
	}
	if n := strings.Count(out, "2 of 2 finished"); n != 4 || !strings.Contains(out, "–") {
		t.Errorf("%d schedules with two runs: %s", n, out)
	}
}

// checkMainRuns looks at the schedules of the four runs: η, a tenth of it, a
// hundredth from 90 % on.
func checkMainRuns(t *testing.T) {
	t.Helper()
	for name, decay := range map[string]float64{"small-eta": 2, "large-eta-decay10": 0.1, "large-eta-decay30": 0.3, "large-eta-decay50": 0.5} {
		_, rows := table(t, filepath.Join("fig", name+"-seed0", "metrics.csv"))
		if len(rows) != 11 {
			t.Fatalf("%s: %d rows, want 11", name, len(rows))
		}
		for i, row := range rows[1:] {
			want := "0.5"
			switch at := float64(i) / 10; {
			case decay == 2:
				want = "0.03"
			case at >= 0.9:
				want = "0.005"
			case at >= decay:
				want = "0.05"
			}
			if x, err := strconv.ParseFloat(row[3], 64); err != nil || strconv.FormatFloat(x, 'g', 6, 64) != want {
				t.Errorf("%s: step size %s in epoch %d, want %s", name, row[3], i+1, want)
			}
		}
	}
}
