package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"largestep/train/run"
)

// A run's config.json, and what --print-config printed, train the same again.
func TestConfigTrainsTheSame(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, tiny("start", "--epochs", "1")...)
	for name, args := range map[string]string{
		"defaults": "resnet18 --dataset made-up --width 4 --train-size 64 --test-size 32 --batch 16 --epochs 2",
		"images":   "resnet18 --dataset made-up --width 4 --train-size 64 --test-size 32 --batch 16 --epochs 2 --momentum 0.9 --augment --log-steps --weight-decay 0 --measure none --eval-every 2 --warmup 0.2 --decay-at 0.5",
		"init":     "resnet18 --dataset made-up --width 4 --train-size 64 --test-size 32 --batch 16 --epochs 1 --init start/checkpoint.safetensors",
		"order":    "diagonal --order paper --steps 200 --phases 0.2@0,0.1@0.4~cosine",
		"edge":     "svm --steps 100 --step-size 0.5edge",
		"relu":     "relu --widths 5,6 --epochs 2 --eval-every 1 --seed 3 --sampling full",
		"causes":   "resnet18 --dataset made-up --width 4 --train-size 64 --test-size 32 --batch 16 --epochs 2 --label-noise 0.2 --sam 0.1",
		"gradient": "teacher-2 --steps 50 --gradient-noise covariance:0.5 --sam 0.01",
		"noise":    "diagonal --label-noise 0.1 --steps 50 --phases b:0.2@0,a:0.1@0.4",
	} {
		succeed(t, append([]string{"train", "--out", name}, strings.Fields(args)...)...)
		again := name + "-again"
		succeed(t, "train", "--config", name+"/config.json", "--out", again)
		sameEnd(t, name, again)
		writeFile(t, "printed.json", succeed(t, "train", "--config", name+"/config.json", "--print-config"))
		printed := append([]string{"train", "--config", "printed.json", "--out", again + "2"}, strings.Fields(map[bool]string{true: "--init start/checkpoint.safetensors"}[name == "init"])...)
		succeed(t, printed...)
		sameEnd(t, name, again+"2")
	}
}

// Flags win over a file, which wins over defaults.
func TestConfigFile(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "s.yaml", "net: svm\nbatch: 7\nsteps: 60\nstep-size: 0.02\nschedule: cosine\n")
	for args, want := range map[string]string{
		"":                           "7 60 constant:0.02@0~cosine",
		"--batch 3 --step-size 0.01": "3 60 constant:0.01@0~cosine",
		"--decay-at 0.5":             "7 60 large:0.02@0,small:0.002@0.5,final:0.0002@0.9",
		"--phases 0.3@0":             "7 60 constant:0.3@0",
		"--epochs 2":                 "7 28 constant:0.02@0~cosine",
	} {
		var c run.Config
		check(t, json.Unmarshal([]byte(succeed(t, append([]string{"train", "--config", "s.yaml", "--print-config"}, strings.Fields(args)...)...)), &c))
		if got := strings.Join([]string{jsonText(t, c.Batch), jsonText(t, c.Steps()), c.Schedule.String()}, " "); got != want && !strings.HasPrefix(args, "--epochs") {
			t.Errorf("%q: %s, want %s", args, got, want)
		} else if strings.HasPrefix(args, "--epochs") && (c.MaxSteps != 0 || c.Epochs != 2) {
			t.Errorf("%q: %d steps, %d epochs", args, c.MaxSteps, c.Epochs)
		}
	}
	succeed(t, "train", "--config", "s.yaml")
	if _, err := os.Stat("runs/svm-eta0.02-s-seed0"); err != nil {
		t.Error(err)
	}
	file, err := run.ReadConfig("runs/svm-eta0.02-s-seed0")
	check(t, err)
	if host, _ := os.Hostname(); file.Environment.Host != host || file.Environment.Command == "" {
		t.Errorf("environment %+v", file.Environment)
	}
}

// With flags that change a part of its schedule, a run's config.json trains with the
// run's step size; the same command goes on.
func TestConfigWithAnotherSchedule(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, strings.Fields("train svm --steps 100 --step-size 0.05 --out run")...)
	for _, args := range []string{"--decay-at 0.5", "--schedule cosine", "--warmup 0.5", "--decay-at 0.5 --warmup 0.1", "--warmup-exp 1.01"} {
		more := strings.Fields(args)
		dir := "changed-" + strings.Join(more, "")
		for range 2 {
			succeed(t, append(strings.Fields("train --config run/config.json --resume --out "+dir), more...)...)
		}
		succeed(t, append(strings.Fields("train svm --steps 100 --step-size 0.05 --out alone-"+dir), more...)...)
		sameEnd(t, "alone-"+dir, dir)
	}
}

func jsonText(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	check(t, err)
	return string(b)
}

func TestConfigMistakes(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, "train", "svm", "--steps", "10", "--out", "a")
	succeed(t, "train", "svm", "--steps", "10", "--out", "b", "--init", "a/checkpoint.safetensors")
	for content, want := range map[string]string{
		"net: svm\nbach: 7":             `s.yaml:2: unknown option "bach": did you mean batch?`,
		"net: svm\nbatch: 7\nbatch: 8":  "s.yaml:3: batch is there twice",
		"net: svm\nbatch: [7, 8]":       "2 values of batch: one training takes one",
		"net: svm\nbatch: x":            "s.yaml: --batch x: want a whole number",
		"net: svm\nwidth: 8":            "s.yaml: width means nothing to svm",
		"net: swm\n":                    `s.yaml: unknown net "swm"`,
		"batch: 7\n":                    "s.yaml names no net",
		"net: svm\nseeds: 2\n":          "seeds are of a sweep",
		"net: svm\nsteps: 5\nepochs: 2": "--steps and --epochs say the same",
	} {
		writeFile(t, "s.yaml", content)
		if o := try("train", "--config", "s.yaml"); o.code == 0 || !strings.Contains(o.stderr, want) {
			t.Errorf("%q: status %d, %s, want %s", content, o.code, o.stderr, want)
		}
	}
	writeFile(t, "s.yaml", "net: svm")
	for args, want := range map[string]string{
		"train diagonal --config s.yaml":                                       "s.yaml is of svm, not of diagonal",
		"train --config s.yaml --width 8":                                      "--width means nothing to svm",
		"train --config none.yaml":                                             "none.yaml: no such file",
		"train --config b/config.json --out c --init b/checkpoint.safetensors": "",
	} {
		o := try(strings.Fields(args)...)
		if want == "" && o.code != 0 || want != "" && (o.code == 0 || !strings.Contains(o.stderr, want)) {
			t.Errorf("%s: status %d, %s, want %s", args, o.code, o.stderr, want)
		}
	}
	writeFile(t, "a/checkpoint.safetensors", readFile(t, "b/checkpoint.safetensors"))
	if o := try("train", "--config", "b/config.json", "--out", "d"); o.code == 0 || !strings.Contains(o.stderr, "has changed since the run") {
		t.Errorf("status %d: %s", o.code, o.stderr)
	}
}
