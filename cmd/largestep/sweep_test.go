package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sweepOf is a sweep of 12 small runs; later flags overrule.
func sweepOf(out string, more ...string) []string {
	return append(strings.Fields("sweep train least-squares --steps 300 --step-size 0.01,0.02 --decay-at 0.1,0.3,0.5 --seeds 2 --log-steps --momentum 0.5 --out "+out), more...)
}

// runsIn are the folders of runs in a folder.
func runsIn(t *testing.T, dir string) (runs []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "config.json"))
	check(t, err)
	for _, f := range files {
		runs = append(runs, filepath.Base(filepath.Dir(f)))
	}
	return runs
}

// sameSweep compares runs and tables.
func sameSweep(t *testing.T, want, got string) {
	t.Helper()
	a, b := runsIn(t, want), runsIn(t, got)
	if len(a) == 0 || strings.Join(a, " ") != strings.Join(b, " ") {
		t.Fatalf("%s has runs %v, %s %v", want, a, got, b)
	}
	for _, run := range a {
		sameEnd(t, filepath.Join(want, run), filepath.Join(got, run))
	}
	for _, name := range []string{"sweep.csv", "sweep.txt"} {
		if readFile(t, filepath.Join(want, name)) != readFile(t, filepath.Join(got, name)) {
			t.Errorf("%s differs", name)
		}
	}
}

// A sweep's runs are those that its printed commands train.
func TestSweep(t *testing.T) {
	t.Chdir(t.TempDir())
	out := succeed(t, sweepOf("s", "--jobs", "2")...)
	if runs := runsIn(t, "s"); len(runs) != 12 || runs[3] != "decay-at=0.1,step-size=0.02,seed=1" {
		t.Errorf("%d runs: %v", len(runs), runs)
	}
	for _, want := range []string{"decay_at  step_size  runs  diverged", "heat map: s/sweep.png"} {
		if !strings.Contains(out, want) {
			t.Errorf("it lacks %q: %s", want, out)
		}
	}
	isPicture(t, "s/sweep.png")
	for line := range strings.Lines(succeed(t, sweepOf("p", "--print", "--threads", "1", "--checkpoint-every", "1m")...)) {
		if !strings.Contains(line, " --threads=1 --checkpoint-every=1m0s ") {
			t.Errorf("flags that say how to train are lost: %s", line)
		}
		succeed(t, strings.Fields(line)[1:]...)
	}
	for _, run := range runsIn(t, "p") {
		sameEnd(t, "p/"+run, "s/"+run)
	}
	if o := succeed(t, "sweep", "status", "s"); !strings.Contains(o, "12 runs: 12 finished") {
		t.Errorf("status: %s", o)
	}
	before := tree(t, "s")
	succeed(t, sweepOf("s")...)
	for _, d := range differences(before, tree(t, "s")) {
		t.Errorf("the same again: %s", d)
	}
	succeed(t, sweepOf("s", "--seeds", "3")...)
	if n := len(runsIn(t, "s")); n != 18 {
		t.Errorf("with one seed more there are %d runs", n)
	}
}

// A file says the same as flags, which win.
func TestSweepOfAFile(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "s.yaml", `
net: least-squares
steps: 300
decay_at: [0.1, 0.3, 0.5]
step_size: [0.01, 0.02]
seeds: 2
log_steps: true
momentum: [0.1, 0.2]
`)
	succeed(t, sweepOf("flags")...)
	succeed(t, strings.Fields("sweep train --config s.yaml --momentum 0.5 --out file")...)
	sameSweep(t, "flags", "file")
	writeFile(t, "z.yaml", `
zip: {batch: [1, 2], steps: [20, 10]}
schedule: [cosine, {step_size: 0.1edge, decay_at: 0.5}, {phases: [{name: a, step_size: 0.01}]}]
widths: [[3], [4, 5]]
`)
	succeed(t, strings.Fields("sweep train relu --config z.yaml --seed 4,7 --out z")...)
	if runs := runsIn(t, "z"); len(runs) != 2*3*2*2 {
		t.Errorf("%d runs: %v", len(runs), runs)
	}
}

// Flags mean the same whether the command line or the file names the NET.
func TestSweepOfAFileNamingTheNet(t *testing.T) {
	t.Chdir(t.TempDir())
	for net, settings := range map[string]string{
		"resnet18":      "dataset: made-up\nwidth: 4\ntrain_size: 64\ntest_size: 16\nbatch: 8\nepochs: 1",
		"least-squares": "steps: 20\ndims: 7",
	} {
		writeFile(t, "s.yaml", "net: "+net+"\n"+settings+"\n")
		for _, args := range []string{
			"", "--batch 16", "--batch 16,32", "--momentum 0.5", "--step-size 0.1,0.2", "--seed 3 --seeds 2", "--phases 0.1@0,0.01@0.5 --phases 0.2@0",
			"--measure none --measure parameter_norm", "--log-steps", "--log-steps=false,true", "--momentum 0,0.9 --checkpoint-every 1m",
		} {
			flags := append(strings.Fields(args), "--config", "s.yaml", "--out", "s", "--print")
			want := succeed(t, append([]string{"sweep", "train", net}, flags...)...)
			if o := try(append([]string{"sweep", "train"}, flags...)...); o.code != 0 || o.stdout != want {
				t.Errorf("%s %s: status %d, %s%swant\n%s", net, args, o.code, o.stderr, o.stdout, want)
			}
		}
	}
}

// A sweep goes on from the settings of a run, its step size too.
func TestSweepOfARun(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, strings.Fields("train svm --steps 20 --step-size 0.05 --out run")...)
	succeed(t, strings.Fields("sweep train --config run/config.json --decay-at 0.1,0.3 --out s")...)
	succeed(t, strings.Fields("train svm --steps 20 --step-size 0.05 --decay-at 0.3 --out alone")...)
	sameEnd(t, "alone", "s/decay-at=0.3,seed=0")
}

func TestSweepMistakes(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, "sweep", "train", "svm", "--steps", "5", "--batch", "1,2", "--out", "s")
	succeed(t, "train", "svm", "--steps", "5", "--out", "run")
	writeFile(t, "full/x", "")
	writeFile(t, "net.yaml", "net: svm\n")
	writeFile(t, "typo.yaml", "net: svm\nstep_sise: [1, 2]\n")
	writeFile(t, "empty.yaml", "net: svm\nbatch: []\n")
	writeFile(t, "zip.yaml", "net: svm\nzip: {batch: [1, 2], steps: [4, 5]}\n")
	for args, want := range map[string]string{
		"sweep train svm --batch 1,2":                                     "--out",
		"sweep train svm --batch 1,3 --steps 5 --out s":                   "s holds another sweep: with a run batch=2,seed=0: choose another folder",
		"sweep train svm --batch 1,2 --steps 6 --out s":                   "s holds another sweep: with steps 5",
		"sweep train relu --batch 1,2 --steps 5 --out s":                  "s holds another sweep: of svm",
		"sweep train svm --batch 1,2 --out run":                           "run holds a run, not a sweep",
		"sweep train svm --batch 1,2 --out full":                          "full is not empty and holds no sweep",
		"sweep train svm --batch 1,,2 --out new":                          "want values between the commas",
		"sweep train svm --batch 1,2,1 --out new":                         "a value is there twice",
		"sweep train svm --batch 1,two --out new":                         "batch=two,seed=0: --batch two: want a whole number",
		"sweep train svm --batch 1,2000 --out new":                        "batch=2000,seed=0: batch of 2000",
		"sweep train svm --seeds 1000000 --out new":                       "more than 10000 runs",
		"sweep train svm --seeds 0 --out new":                             "0 seeds: want 1 or more",
		"sweep train svm --width 3,4 --out new":                           "--width means nothing to svm",
		"sweep train svm --precision fp32,fp64 --out new":                 "--precision: a sweep has one",
		"sweep train svm --jobs -1 --out new":                             "-1 jobs",
		"sweep train svm --gpus 0 --engine cpu --out new":                 "--gpus is of --engine cuda",
		"sweep train --config net.yaml --gpus 0,1 --engine cpu --out new": "--gpus is of --engine cuda",
		"sweep train svm --on pbs --out new":                              "--on pbs: only slurm is known",
		"sweep train --config typo.yaml --out new":                        `typo.yaml:2: unknown option "step_sise": did you mean step_size?`,
		"sweep train --config empty.yaml --out new":                       "empty.yaml:2: batch: an empty list",
		"sweep train --config zip.yaml --batch 4 --out new":               "batch goes together with steps",
		"sweep train --config none.yaml --out new":                        "none.yaml: no such file",
		"sweep status run":                                                "run: not the folder of a sweep",
		"sweep collect none":                                              "none: not the folder of a sweep",
		"sweep task s":                                                    "SLURM_ARRAY_TASK_ID",
		"sweep task s 2":                                                  "run 2: there are 2, from 0",
		"sweep trian":                                                     "did you mean train?",
	} {
		if o := try(strings.Fields(args)...); o.code == 0 || !strings.Contains(o.stderr, want) {
			t.Errorf("%s: status %d, %s, want %s", args, o.code, o.stderr, want)
		}
		if _, err := os.Stat("new"); err == nil {
			t.Errorf("%s left a folder", args)
			check(t, os.RemoveAll("new"))
		}
	}
}

// A run whose config cannot be read has been begun.
func TestSweepStatusOfADamagedRun(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, "sweep", "train", "svm", "--steps", "5", "--batch", "2,3", "--out", "t")
	writeFile(t, "t/batch=2,seed=0/config.json", "{")
	check(t, os.RemoveAll("t/batch=3,seed=0"))
	out := succeed(t, "sweep", "status", "t")
	if !strings.Contains(out, "2 runs: 1 failed 1 not begun") || !strings.Contains(out, "config.json") {
		t.Error(out)
	}
}

// A run that cannot be trained does not keep the others from it.
func TestSweepWithAFailure(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, "sweep", "train", "svm", "--steps", "5", "--batch", "2,3", "--out", "t")
	check(t, os.RemoveAll("t/batch=2,seed=0"))
	writeFile(t, "t/batch=2,seed=0", "a file")
	check(t, os.RemoveAll("t/batch=3,seed=0"))
	o := try("sweep", "train", "svm", "--steps", "5", "--batch", "2,3", "--out", "t")
	if o.code != exitError || !strings.Contains(o.stderr, "batch=2,seed=0") {
		t.Errorf("status %d: %s", o.code, o.stderr)
	}
	if state, _ := status(t, "t/batch=3,seed=0"); state != "finished" {
		t.Errorf("the other is %s", state)
	}
}

func TestSweepInterrupted(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, sweepOf("whole")...)
	for at := 50; ; at = at * 3 / 2 {
		o := runContext(interruptAfter(at), sweepOf("cut")...)
		if o.code == 0 {
			break
		}
		if o.code != exitInterrupted || !strings.Contains(o.stderr, "go on with the same command") {
			t.Fatalf("status %d: %s", o.code, o.stderr)
		}
	}
	sameSweep(t, "whole", "cut")
}

// A sweep killed twenty times at any instants, with all that it runs, ends as one
// that was left alone.
func TestSweepKilled(t *testing.T) {
	bin := program(t)
	t.Chdir(t.TempDir())
	kills := 20
	if testing.Short() {
		kills = 4
	}
	more := []string{"--checkpoint-every", "20ms", "--steps", "6000"}
	start := time.Now()
	if out, err := exec.Command(bin, sweepOf("whole", more...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	whole := time.Since(start)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, %v", seed, whole)
	rng := rand.New(rand.NewPCG(seed, 0))
	killed := 0
	for killed < kills {
		after := time.Duration(rng.Float64() * 0.08 * float64(whole))
		if !runKilled(t, after, bin, sweepOf("cut", append(more, "--jobs", fmt.Sprint(1+killed%3))...)...) {
			break
		}
		killed++
	}
	if runKilled(t, time.Hour, bin, sweepOf("cut", more...)...) {
		t.Fatal("killed by another")
	}
	t.Logf("killed %d times", killed)
	sameSweep(t, "whole", "cut")
}
