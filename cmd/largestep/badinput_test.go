package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"largestep/train/safetensors"
)

// bad is a command line that must fail, say why, and touch no file.
type bad struct {
	args string // separated by spaces; FRESH stands for a small training into a new folder
	code int
	says string
}

const fresh = "train resnet18 --dataset made-up --width 4 --train-size 64 --test-size 32 --batch 16 --epochs 2 --out new"

func (b bad) test(t *testing.T) {
	before := tree(t, ".")
	o := try(strings.Fields(strings.Replace(b.args, "FRESH", fresh, 1))...)
	if o.code != b.code {
		t.Errorf("status %d, want %d", o.code, b.code)
	}
	if !strings.Contains(o.stderr, b.says) {
		t.Errorf("it says %q, want %q in it", o.stderr, b.says)
	}
	if lines := complaint(o); len(lines) != 1 || !strings.HasPrefix(lines[0], "largestep: ") || len(lines[0]) < 20 {
		t.Errorf("want one line that tells what is wrong, have %q", o.stderr)
	}
	if o.stdout != "" {
		t.Errorf("output of a command that failed: %q", o.stdout)
	}
	if d := differences(before, tree(t, ".")); len(d) > 0 {
		t.Errorf("a command that failed left traces: %s", strings.Join(d, ", "))
	}
}

// complaint is the lines of standard error without those that tell what the
// command had chosen, and where to find help.
func complaint(o outcome) []string {
	lines := strings.Split(strings.TrimSuffix(o.stderr, "\n"), "\n")
	for len(lines) > 1 && (strings.HasPrefix(lines[0], "data: ") || strings.HasPrefix(lines[0], "preset ")) {
		lines = lines[1:]
	}
	if n := len(lines) - 1; o.code == exitUsage && n > 0 && strings.HasPrefix(lines[n], "See ") {
		lines = lines[:n]
	}
	return lines
}

// testBad tests commands in one folder, since none may change it.
func testBad(t *testing.T, all []bad) {
	t.Helper()
	enterFixture(t)
	for _, b := range all {
		if !t.Run(strings.ReplaceAll(b.args, "/", "|"), b.test) {
			enterFixture(t)
		}
	}
}

func TestUsage(t *testing.T) {
	testBad(t, []bad{
		{"trian", 2, "unknown command"},
		{"bogus", 2, "unknown command"},
		{"--bogus", 2, "--bogus"},
		{"train", 2, "0 arguments"},
		{"train resnet18 more", 2, "unexpected argument \"more\""},
		{"runs a b", 2, "2 arguments, want [DIR]"},
		{"sweep task", 2, "0 arguments, want DIR [N]"},
		{"sweep train svm --out new --print --jobs 2", 2, "--jobs is of a sweep that is trained here"},
		{"sweep train svm --out new --on slurm --gpus 0,1", 2, "--gpus is of a sweep that is trained here"},
		{"sweep train svm --out new --partition long", 2, "--partition goes with --on slurm"},
		{"sweep train svm --out new --print --on slurm", 2, "give one of them"},
		{"FRESH --lr 0.1", 2, "here it is --step-size"},
		{"FRESH --batch-size 8", 2, "here it is --batch"},
		{"FRESH --model resnet18", 2, "the net is an argument"},
		{"FRESH --gpus 1", 2, "--engine cuda"},
		{"FRESH --dims 5", 2, "--dims means nothing to resnet18"},
		{"train diagonal --width 5", 2, "--width means nothing to diagonal"},
		{"train resnet18 --bogus", 2, "--bogus"},
		{"train resnet18 --epochs", 2, "--epochs"},
		{"FRESH --epochs ten", 2, "ten"},
		{"FRESH --seed -1", 2, "want a whole number from 0 up"},
		{"FRESH --phases 1@0 --step-size 1", 2, "--phases"},
		{"FRESH --phases 1@0 --decay-at 0.5", 2, "--phases"},
		{"train resnet18 --resume", 2, "--out"},
		{"eval", 2, "CHECKPOINT"},
		{"eval a b", 2, "2 arguments"},
		{"plot -o new.png", 2, "run folders"},
		{"plot done", 2, "-o"},
		{"fetch", 2, "cifar10"},
		{"fetch mnist", 2, "mnist"},
		{"import", 2, "FOLDER"},
		{"bench resnet18 now", 2, "2 arguments, want [NET]"},
		{"bench --time soon", 2, "soon"},
		{"engines all", 2, "all"},
		{"figure", 2, "figure main"},
		{"figure bogus", 2, "choose one of all, causes, diagonal"},
		{"figure diagonl", 2, "did you mean diagonal?"},
		{"check unbaised", 2, "did you mean unbiased?"},
		{"figure main bogus", 2, "bogus"},
		{"FRESH --data set", 2, "made-up set has no folder"},
	})
}

// Images that have moved since the training are asked for where they were.
func TestEvalAfterDataMoved(t *testing.T) {
	enterFixture(t)
	check(t, os.Rename("set", "elsewhere"))
	checkpoint := "moved/checkpoint.safetensors"
	succeed(t, strings.Fields("train resnet18 --data elsewhere --width 4 --train-size 32 --test-size 16 --batch 16 --epochs 1 --out moved")...)
	check(t, os.Rename("elsewhere", "set"))
	bad{"eval " + checkpoint, 1, "elsewhere, which is gone: say with --data where they are now"}.test(t)
	succeed(t, "eval", checkpoint, "--data", "set")
}

// A mistake in the command line of a command leads to its own help.
func TestHelpOfUsage(t *testing.T) {
	for args, help := range map[string]string{
		"train --bogus": "largestep train", "figure diagonl": "largestep figure", "figure main --bogus": "largestep figure main", "trian": "largestep",
	} {
		if o := try(strings.Fields(args)...); !strings.HasSuffix(o.stderr, "\nSee \""+help+" --help\".\n") {
			t.Errorf("%s: it says %q", args, o.stderr)
		}
	}
}

func TestBadSettings(t *testing.T) {
	testBad(t, []bad{
		{"train vgg19 --dataset made-up --out new", 1, "vgg19"},
		{"FRESH --width 0", 1, "width 0"},
		{"FRESH --width 3", 1, "width 3"},
		{"FRESH --width 1000000", 1, "width 1000000: want 4 to 1024"},
		{"FRESH --width 4611686018427387904", 1, "want 4 to 1024"},
		{"FRESH --batch 9223372036854775807", 1, "batch of 9223372036854775807"},
		{"FRESH --epochs 1e9", 2, "want a whole number"},
		{"FRESH --batch 1.5", 2, "want a whole number"},
		{"FRESH --epochs 99999999999999999999", 2, "out of range"},
		{"FRESH --momentum much", 2, "want a number"},
		{"FRESH --augment=much", 2, "want true or false"},
		{"FRESH --sampling full --train-size 1000000 --batch 9223372036854775807", 1, "batch of 9223372036854775807"},
		{"FRESH --batch 65", 1, "batch of 65 with 64"},
		{"FRESH --batch 0", 1, "batch of 0"},
		{"FRESH --batch 1", 1, "batch of 1"},
		{"FRESH --batch -16", 1, "batch of -16"},
		{"FRESH --epochs 0", 1, "0 epochs"},
		{"FRESH --epochs 9223372036854775807", 1, "epochs"},
		{"FRESH --eval-every 0", 1, "every 0"},
		{"FRESH --eval-every 4611686018427387904", 1, "evaluation every"},
		{"FRESH --train-size 0", 1, "0 training"},
		{"FRESH --train-size -1", 1, "-1 training"},
		{"FRESH --train-size 1", 1, "1 training examples: want 2 or more"},
		{"FRESH --train-size 100000000000000000", 1, "at most"},
		{"FRESH --test-size 0", 1, "0 test"},
		{"FRESH --test-size 100000000000000000", 1, "100000000000000000"},
		{"FRESH --momentum 1", 1, "momentum 1"},
		{"FRESH --momentum -0.1", 1, "momentum -0.1"},
		{"FRESH --momentum NaN", 1, "momentum NaN"},
		{"FRESH --weight-decay -1", 1, "weight decay -1"},
		{"FRESH --weight-decay Inf", 1, "weight decay"},
		{"FRESH --precision fp8", 1, "fp8"},
		{"FRESH --sampling random", 2, "random"},
		{"FRESH --engine tpu", 1, "tpu"},
		{"FRESH --engine cuda", 1, "cuda"},
		{"FRESH --device 1", 1, "--device 1 needs --engine cuda"}, {"FRESH --engine cpu --device -1", 1, "--device -1"},
		{"FRESH --threads 0", 1, "0 threads"},
		{"FRESH --threads -2", 1, "-2 threads"},
		{"FRESH --dataset mnist", 1, "mnist"},
		{"bench --width 0", 1, "width 0"},
		{"bench --width 4611686018427387904 --batch 2", 1, "want 4 to 1024"},
		{"bench --time -1s", 1, "-1s"},
		{"bench --batch 0", 1, "batch of 0"},
		{"bench --batch 1", 1, "batch of 1"},
		{"bench --batch -1", 1, "batch of -1"},
		{"bench --batch 100000000", 1, "batch of 100000000"},
		{"bench --precision fp8 --width 4 --batch 4", 1, "fp8"},
		{"bench --engine tpu", 1, "tpu"},
		{"figure main --preset huge", 1, "huge"},
		{"figure main --engine tpu", 1, "tpu"},
		{"figure main --preset small --out new", 1, "fetch cifar10"},
	})
}

func TestBadSchedules(t *testing.T) {
	testBad(t, []bad{
		{"FRESH --decay-at 1.5", 1, "decay at 1.5"},
		{"FRESH --decay-at 0", 1, "decay at 0"},
		{"FRESH --decay-at 0.95", 1, "decay at 0.95"},
		{"FRESH --decay-at -0.5", 1, "decay at -0.5"},
		{"FRESH --decay-at NaN", 1, "decay at NaN"},
		{"FRESH --step-size 0", 1, "step size 0"},
		{"FRESH --step-size -1", 1, "step size -1"},
		{"FRESH --step-size NaN", 1, "step size NaN"},
		{"FRESH --step-size Inf", 1, "step size +Inf"},
		{"FRESH --phases 1@0,0.1@0.6,0.01@0.5", 1, "in order"},
		{"FRESH --phases 1@0,0.1@0.5,0.01@0.5", 1, "in order"},
		{"FRESH --phases 1@0.5", 1, "starts at 0.5"},
		{"FRESH --phases 1@0,0.1@1", 1, "starts at 1"},
		{"FRESH --phases 1@0,0@0.5", 1, "step size 0"},
		{"FRESH --phases 1", 1, `phase "1"`},
		{"FRESH --phases 1@0,", 1, `phase ""`},
		{"FRESH --warmup-exp 3", 1, "warm-up factor 3"},
		{"FRESH --warmup-gain -2", 1, "warm-up by 1 + -2"},
		{"FRESH --warmup-gain 1 --warmup-power 0", 1, "positive power"},
		{"FRESH --warmup-gain 1 --warmup-exp 1.05", 2, "leave one out"},
		{"FRESH --schedule sine", 1, "choose one of exp"},
		{"FRESH --schedule inverse", 1, "want inverse:T0"},
		{"FRESH --schedule inverse:5 --decay-at 0.5", 2, "two schedules"},
		{"FRESH --warmup 1", 1, "warm-up over 1"},
		{"FRESH --measure norm", 1, "measure \"norm\""},
		{"FRESH --measure jacobian_norm", 1, "of resnet18 there are sparsity"},
		{"train svm --measure feature_rank --out new", 1, "of svm there are parameter_norm"},
		{"train diagonal --measure sharpness,sharpness --out new", 1, "asked for twice"},
		{"FRESH --measure sharpness --measure-images 65", 1, "measures on 65 images, of 64 to train on in mini-batches of 16: want 16 to 64"},
		{"FRESH --measure sharpness --measure-images 15", 1, "want 16 to 64"},
		{"FRESH --measure sharpness --measure-images -1", 1, "want 16 to 64"},
		{"FRESH --measure sharpness --eigenvalues -1", 1, "-1 eigenvalues"},
		{"FRESH --measure sharpness --eigenvalues 100000", 1, "100000 eigenvalues of the Hessian of 44622 parameters"},
		{"train least-squares --measure sharpness --eigenvalues 11 --out new", 1, "11 eigenvalues of the Hessian of 10 parameters"},
		{"FRESH --measure step_sharpness --measure-every -1", 1, "every -1 steps: want 1 or more"},
		{"FRESH --measure sharpness --measure-every 8", 1, "every 8 steps to measure without measure step_sharpness"},
		{"FRESH --measure step_sharpness --sampling full", 1, "not of several parts, and without SAM"},
		{"FRESH --measure step_sharpness --sam 0.1", 1, "not of several parts, and without SAM"},
		{"FRESH --measure sharpness --measure-mode both", 1, "\"both\" mode: want training or evaluation"},
		{"train svm --measure-images 10 --out new", 2, "--measure-images means nothing to svm"},
		{"features done/checkpoint.safetensors", 2, "nothing to write"},
		{"features done/checkpoint.safetensors --layer 1", 2, "nothing to write"},
		{"features done/checkpoint.safetensors --dataset made-up -o new.npy", 2, "belong together"},
		{"features done/checkpoint.safetensors --dataset made-up --layer 6 -o new.npy", 1, "layer 6: ResNet-18 has 1 to 5"},
		{"features done/checkpoint.safetensors --dataset made-up --layer 0 -o new.npy", 1, "layer 0"},
		{"features done/checkpoint.safetensors --dataset made-up --images 0 --labels new.npy", 1, "0 images"},
		{"features done/checkpoint.safetensors --dataset made-up --labels done/metrics.csv", 1, "done/metrics.csv: is a file of a run"},
		{"export done/checkpoint.safetensors -o done/checkpoint.safetensors", 1, "done/checkpoint.safetensors: is a file of a run"},
		{"eval done/checkpoint.safetensors --dataset made-up --logits done/steps.csv", 1, "done/steps.csv: is a file of a run"},
		{"features done/checkpoint.safetensors --dataset made-up --labels done/checkpoint.safetensors", 1, "is the checkpoint itself"},
		{"features done/checkpoint.safetensors --dataset made-up --labels new.npy --logits new.npy", 1, "twice"},
		{"features done/checkpoint.safetensors --data set --images 21 --labels new.npy", 1, "21"},
		{"hessian", 2, "want CHECKPOINT"},
		{"hessian done/checkpoint.safetensors --dataset made-up --eigenvalues 0", 1, "0 eigenvalues"},
		{"hessian done/checkpoint.safetensors --dataset made-up --images 16 --eigenvalues 100000", 1, "100000 eigenvalues"},
		{"hessian done/checkpoint.safetensors --dataset made-up --images 0", 1, "0 images"},
		{"hessian done/checkpoint.safetensors --data set --images 41", 1, "41"},
		{"hessian done/checkpoint.safetensors --dataset made-up --batch 17 --images 16", 1, "mini-batches of 17 of 16"},
		{"hessian done/checkpoint.safetensors --dataset made-up --tolerance 0", 1, "tolerance 0"},
		{"hessian done/checkpoint.safetensors --dataset made-up --mode both", 2, "want training or evaluation"},
		{"hessian bad/nan.safetensors --dataset made-up", 1, "holds NaN"},
		{"hessian nowhere", 1, "nowhere"},
		{"FRESH --warmup-power 2", 2, "--warmup-gain"},
		{"FRESH --label-noise 1.1", 1, "resnet18 has classes, so that it is a probability"},
		{"FRESH --sam -0.1", 1, "SAM with a radius of -0.1"},
		{"FRESH --sam 0.1 --sampling full --batch 8", 1, "both its gradients of one mini-batch"},
		{"FRESH --gradient-noise isotropic:1", 2, "--gradient-noise means nothing to resnet18"},
		{"train diagonal --gradient-noise isotropic", 2, "want isotropic:DEVIATION or covariance:DEVIATION"},
		{"train diagonal --gradient-noise covariance:-1", 2, "want a deviation of 0 or more"},
		{"train diagonal --gradient-noise covariance:Inf", 2, "want a deviation of 0 or more"},
		{"FRESH --warmup-exp -1", 1, "warm-up factor -1"},
		{"FRESH --warmup-exp NaN", 1, "warm-up factor NaN"},
	})
}

func TestBadData(t *testing.T) {
	const fresh = "train resnet18 --width 4 --train-size 32 --test-size 16 --batch 16 --epochs 1 --out new --dataset "
	const cifar, stripes = fresh + "cifar10", fresh + "stripes"
	testBad(t, []bad{
		{cifar + " --data set", 1, `set holds the data set "stripes", not "cifar10"`},
		{stripes, 1, `no data set "stripes"`},
		{cifar, 1, "fetch cifar10"},
		{cifar + " --data nowhere", 1, "no data set in nowhere"},
		{"train resnet18 --out new --data nowhere", 1, "no data set in nowhere"},
		{cifar + " --data full/letter.txt", 1, "not a folder"},
		{cifar + " --data full", 1, "data_batch_1.bin is missing"},
		{cifar + " --data sets/truncated", 1, "data_batch_1.bin: 122919 bytes, want 122920"},
		{cifar + " --data sets/padded", 1, "test_batch.bin: 61461 bytes, want 61460"},
		{stripes + " --data sets/label", 1, "label 10 in record 0"},
		{cifar + " --data sets/no-test", 1, "test_batch.bin is missing"},
		{cifar + " --data sets/no-meta", 1, "batches.meta.txt is missing"},
		{cifar + " --data sets/no-json", 1, "source.json"},
		{cifar + " --data sets/official", 1, "want 30730000"},
		{stripes + " --data set --train-size 41", 1, "41"},
		{stripes + " --data set --test-size 21", 1, "21"},
		{"figure main --preset small --data set --out new", 1, `preset small: training set of "stripes": 5000 images wanted of a set of 40`},
		{"eval done/checkpoint.safetensors --data sets/truncated", 1, "truncated"},
		{"eval done/checkpoint.safetensors --data nowhere", 1, "nowhere"},
		{"eval done/checkpoint.safetensors --dataset made-up --test-size -1", 1, "-1"},
		{"eval done/checkpoint.safetensors --dataset made-up --test-size 0", 1, "leave out --test-size for all"},
		{"eval done/checkpoint.safetensors --dataset stripes --data set --test-size 21", 1, "21"},
	})
}

func TestBadArchives(t *testing.T) {
	const badSum = "00000000000000000000000000000000"
	testBad(t, []bad{
		{"fetch cifar10 --data new --from set.tar.gz", 1, "c32a1d4ab5d03f1284b67883e8d87530"},
		{"fetch cifar10 --data new --from set.tar.gz --md5 " + badSum, 1, badSum},
		{"fetch cifar10 --data new --from set.tar.gz --sha256 " + badSum + badSum, 1, badSum},
		{"fetch cifar10 --data new --from set.tar.gz --md5 abc", 1, "32 hexadecimal digits"},
		{"fetch cifar10 --data new --from nowhere.tar.gz", 1, "nowhere.tar.gz"},
		{"fetch cifar10 --data new --from full", 1, "full"},
		{"fetch cifar10 --data full --from set.tar.gz", 1, "letter.txt"},
		{"import nowhere --data new", 1, "nowhere"},
		{"import full --data new", 1, "full"},
		{"import no-pngs --data new", 1, "no-pngs"},
		{"import bad-png --data new", 1, "0.png"},
		{"import cut.tar.gz --data new", 1, "cut.tar.gz"},
		{"import outside.tar.gz --data new", 1, "outside"},
		{"import pngs --data full", 1, "letter.txt"},
		{"import pngs --data set", 1, "stripes"},
		{"import pngs --data new --name cifar10", 1, "cifar10"},
		{"import pngs --data full/letter.txt/new", 1, "letter.txt"},
		{"import done/checkpoint.safetensors --data new", 1, "not a sound tar"},
		{"import done/config.json --data new", 1, "JSON text, want .tar or .tar.gz"},
		{"eval set.tar.gz --dataset made-up", 1, "set.tar.gz: compressed with gzip, and no safetensors file"},
		{"eval done/config.json --dataset made-up", 1, "JSON text, and no safetensors file: the parameters are in another file"},
		{"eval done/checkpoint.safetensors --logits done/../done/checkpoint.safetensors", 1, "is the checkpoint itself: name another file"},
		{"eval done --dataset made-up", 1, "done: a folder: name a file, such as done/checkpoint.safetensors"},
	})
}

// Archives that only their own checksum gets past the first check.
func TestBadArchiveContents(t *testing.T) {
	for _, c := range []struct{ archive, says string }{{"outside.tar.gz", "leads outside"}, {"cut.tar.gz", "unexpected EOF"}} {
		t.Run(c.archive, func(t *testing.T) {
			enterFixture(t)
			bad{"fetch cifar10 --data new --from " + c.archive + " --md5 " + md5Of(t, c.archive), 1, c.says}.test(t)
		})
	}
}

func TestBadCheckpoints(t *testing.T) {
	files := []struct{ name, says string }{
		{"nan", "NaN"}, {"variance", "running_var holds -1 at element 0, and a variance is 0 or more"}, {"missing", "conv1.weight"}, {"more", "extra.weight"}, {"net", "net"}, {"width", "conv1.weight"},
		{"cut", "truncated"}, {"cut-header", "header"}, {"text", "safetensors"}, {"empty", "too short"},
	}
	var all []bad
	for _, f := range files {
		path := "bad/" + f.name + ".safetensors"
		all = append(all, bad{"FRESH --init " + path, 1, f.says})
		if f.name != "width" {
			all = append(all, bad{"eval --dataset made-up --test-size 8 --logits new.csv " + path, 1, f.says})
		}
	}
	testBad(t, append(all,
		bad{"FRESH --init nowhere.safetensors", 1, "nowhere.safetensors"},
		bad{"FRESH --init done", 1, "done"},
		bad{"eval nowhere.safetensors", 1, "nowhere.safetensors"},
		bad{"eval done", 1, "done"},
		bad{"eval done/metrics.csv", 1, "metrics.csv"},
		bad{"eval --dataset made-up --precision nonsense done/checkpoint.safetensors", 1, "nonsense"},
		bad{"eval --dataset made-up --engine tpu done/checkpoint.safetensors", 1, "tpu"},
		bad{"eval --dataset made-up --test-size 8 --logits nowhere/new.csv done/checkpoint.safetensors", 1, "nowhere"},
	))
	for _, f := range files {
		t.Run("resume "+f.name, func(t *testing.T) {
			enterFixture(t)
			writeFile(t, "half/checkpoint.safetensors", readFile(t, "bad/"+f.name+".safetensors"))
			bad{"train resnet18 --resume --out half", 1, "checkpoint.safetensors"}.test(t)
		})
	}
}

func TestBadRunFolders(t *testing.T) {
	testBad(t, []bad{
		{"FRESH --out done", 1, "done holds a run"},
		{"FRESH --out half", 1, "half holds a run"},
		{"FRESH --out full", 1, "full is not empty"},
		{"FRESH --out full/letter.txt", 1, "letter.txt"},
		{"FRESH --out full/letter.txt/new", 1, "letter.txt"},
		{"train resnet18 --resume --out full", 1, "full is not empty"},
		{"train teacher-2 --resume --out half", 1, "half holds a run of resnet18: go on with largestep train resnet18 --resume --out half"},
		{"train resnet18 --resume --out half --step-size 0.1", 1, "holds another run"},
		{"train resnet18 --resume --out half --seed 1", 1, "seed"},
		{"train resnet18 --resume --out half --width 8", 1, "width"},
		{"train resnet18 --resume --out half --momentum 0", 1, "momentum"},
		{"train resnet18 --resume --out half --epochs 3", 1, "depend on how long it is: begin another run with its checkpoint, by --init"},
		{"train resnet18 --resume --out half --epochs 1", 1, "epochs"},
		{"train resnet18 --resume --out half --train-size -1", 1, "train"},
		{"train resnet18 --resume --out half --dataset cifar10 --data set", 1, "made-up"},
		{"train resnet18 --resume --out half --dataset cifar10", 1, "cifar10"},
		{"train resnet18 --resume --out half --init done/checkpoint.safetensors", 1, "holds another run"},
		{"train resnet18 --resume --out half --sampling random", 2, "random"},
		{"figure main --preset quick --out full/letter.txt", 1, "letter.txt"},
		{"plot nowhere -o new.png", 1, "nowhere"},
		{"plot full -o new.png", 1, "not a run folder"},
		{"plot done -o new.gif", 1, "new.gif"},
		{"plot done -o new", 1, "new"},
		{"plot done -o new.png -o new.gif", 1, "new.gif"},
		{"plot done -o nowhere/new.png", 1, "nowhere/new.png: folder nowhere: no such file"},
		{"plot done -o new.png --columns loss", 1, "loss"},
		{"plot done -o new.png --columns phase", 1, "phase"},
	})
}

// A run folder that something has damaged since: the command must fail, and
// leave the rest as it is.
func TestDamagedRuns(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(t *testing.T)
		bad
	}{
		{"no velocities", func(t *testing.T) { removeGlob(t, "half/velocity-*") }, bad{"train resnet18 --resume --out half", 1, "velocity"}},
		{"empty velocities", func(t *testing.T) {
			spoilVelocities(t, func([]safetensors.Tensor) []safetensors.Tensor { return nil })
		}, bad{"train resnet18 --resume --out half", 1, "not the file of which the checkpoint has the checksum"}},
		{"a parameter among the velocities", func(t *testing.T) {
			spoilVelocities(t, func(l []safetensors.Tensor) []safetensors.Tensor {
				extra := l[0]
				extra.Name = "conv1.weight"
				return append(l, extra)
			})
		}, bad{"train resnet18 --resume --out half", 1, "not the file of which the checkpoint has the checksum"}},
		{"a checkpoint without velocities", func(t *testing.T) {
			content := readFile(t, "half/checkpoint.safetensors")
			writeFile(t, "half/checkpoint.safetensors", strings.Replace(content, "velocity_file", "velocity_fils", 1))
		}, bad{"train resnet18 --resume --out half", 1, "its checksum is wrong"}},
		{"no table", func(t *testing.T) { removeGlob(t, "half/metrics.csv") }, bad{"train resnet18 --resume --out half", 1, "metrics.csv"}},
		{"cut table", func(t *testing.T) { check(t, os.Truncate("half/metrics.csv", 50)) }, bad{"train resnet18 --resume --out half", 1, "metrics.csv"}},
		{"cut steps", func(t *testing.T) { check(t, os.Truncate("half/steps.csv", 50)) }, bad{"train resnet18 --resume --out half", 1, "steps.csv"}},
		{"cut config", func(t *testing.T) { check(t, os.Truncate("half/config.json", 50)) }, bad{"train resnet18 --resume --out half", 1, "largestep: half/config.json is damaged"}},
		{"no images in the config", func(t *testing.T) {
			config := strings.Replace(readFile(t, "half/config.json"), `"train_size": 64`, `"train_size": -64`, 1)
			writeFile(t, "half/config.json", config)
		}, bad{"train resnet18 --resume --out half", 1, "train"}},
		{"bad status", func(t *testing.T) { writeFile(t, "half/status.json", `{"state": "asleep"}`) }, bad{"train resnet18 --resume --out half", 1, "asleep"}},
		{"no table at the end", func(t *testing.T) { removeGlob(t, "done/metrics.csv") }, bad{"train resnet18 --resume --out done", 1, "metrics.csv"}},
		{"cut table at the end", func(t *testing.T) { cutLastLine(t, "done/metrics.csv") }, bad{"train resnet18 --resume --out done", 1, "done/metrics.csv: the last row is of step"}},
		{"cut table to plot", func(t *testing.T) { cutLastLine(t, "done/metrics.csv") }, bad{"plot done -o new.png", 1, "delete done and train again"}},
		{"no checkpoint", func(t *testing.T) { removeGlob(t, "half/checkpoint.safetensors") }, bad{"train resnet18 --resume --out half", 1, "half/checkpoint.safetensors is missing"}},
		{"no trace of a checkpoint but the status", func(t *testing.T) { removeGlob(t, "half/checkpoint.*") }, bad{"train resnet18 --resume --out half", 1, "half/checkpoint.safetensors is missing"}},
		{"bad table to plot", func(t *testing.T) { writeFile(t, "done/metrics.csv", "a,b\n1,2\n") }, bad{"plot done -o new.png", 1, "metrics.csv"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			enterFixture(t)
			c.damage(t)
			c.test(t)
		})
	}
}

func cutLastLine(t *testing.T, path string) {
	t.Helper()
	lines := strings.SplitAfter(readFile(t, path), "\n")
	writeFile(t, path, strings.Join(lines[:len(lines)-2], ""))
}

func spoilVelocities(t *testing.T, change func([]safetensors.Tensor) []safetensors.Tensor) {
	t.Helper()
	files, err := filepath.Glob("half/velocity-*")
	check(t, err)
	if len(files) != 1 {
		t.Fatalf("files of velocities: %v", files)
	}
	spoil(t, files[0], files[0], change)
}

// A folder in which nothing can be made.
func TestReadOnlyFolder(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	for _, b := range []bad{
		{"FRESH", 1, "permission denied"},
		{"FRESH --out full", 1, "permission denied"},
		{"plot done -o new.png", 1, "permission denied"},
		{"import pngs --data new", 1, "permission denied"},
		{"fetch cifar10 --from set.tar.gz --data new", 1, "permission denied"},
	} {
		t.Run(strings.ReplaceAll(b.args, "/", "|"), func(t *testing.T) {
			enterFixture(t)
			removeGlob(t, "full/*")
			for _, dir := range []string{".", "full"} {
				check(t, os.Chmod(dir, 0o555))
				t.Cleanup(func() { os.Chmod(dir, 0o755) })
			}
			b.test(t)
		})
	}
}
