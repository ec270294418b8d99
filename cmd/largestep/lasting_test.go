package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"largestep/train/safetensors"
)

// diverging are trainings that diverge: by a loss of a mini-batch, by an evaluation,
// in a later phase, and of float64.
var diverging = []struct{ name, options string }{
	{"at once", "resnet18 --step-size 1e15 --momentum 0.9"},
	{"later", "resnet18 --phases 0.1@0,1e25@0.4 --momentum 0.9 --augment --log-steps"},
	{"at a phase's end", "resnet18 --phases 0.1@0,1e39@0.45,1@0.5 --log-steps --eval-every 4"},
	{"by an evaluation", "resnet18 --phases 0.1@0,1e39@0.97"},
	{"full", "resnet18 --phases 0.1@0,1e20@0.5 --sampling full --momentum 0.9 --epochs 12 --log-steps"},
	{"diagonal", "diagonal --steps 20000 --phases 0.01@0,2@0.5 --log-steps --momentum 0.5 --eval-steps 3000"},
}

func divergingArgs(options, out string) []string {
	args := strings.Fields(options)
	if args[0] == "resnet18" {
		return append(tiny(out, "--epochs", "8"), args[1:]...)
	}
	return append([]string{"train"}, append(args, "--out", out)...)
}

// A training that diverges leaves the same files however often it was interrupted, at
// whatever steps its checkpoints were taken; none of them holds what is not finite,
// and the last checkpoint says where it is from.
func TestDivergingRunsEndTheSame(t *testing.T) {
	for _, c := range diverging {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			succeed(t, divergingArgs(c.options, "whole")...)
			if state, _ := status(t, "whole"); state != "diverged" {
				t.Fatalf("it has %s", state)
			}
			finiteFiles(t, "whole")
			for i, points := range [][]int{{0}, {1}, {7}, {2, 3, 2}, {11, 1}, {12001}} {
				dir := fmt.Sprint(i)
				args := append(divergingArgs(c.options, dir), "--resume")
				if i%2 == 0 && strings.HasPrefix(c.options, "resnet18") {
					args = append(args, "--checkpoint-every", "0")
				}
				for _, n := range points {
					if o := runContext(interruptAfter(n), args...); o.code != 0 && o.code != exitInterrupted {
						t.Fatalf("status %d: %s", o.code, o.stderr)
					}
				}
				succeed(t, args...)
				sameEnd(t, "whole", dir)
			}
		})
	}
}

// finiteFiles looks for numbers in the tensors of a run that are not finite.
func finiteFiles(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.safetensors"))
	check(t, err)
	if len(files) == 0 {
		t.Errorf("%s: no checkpoint", dir)
	}
	for _, path := range files {
		list, _, err := safetensors.ReadFile(path)
		check(t, err)
		for _, x := range list {
			if v, err := x.Float64s(); err == nil {
				for _, f := range v {
					if f-f != 0 {
						t.Fatalf("%s: %s holds %g", path, x.Name, f)
					}
				}
			}
		}
	}
}

// The latest checkpoint is damaged: the run goes on from the one before, says so, and
// loses nothing.
func TestResumeFallsBack(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, dir string){
		"a bit":         func(t *testing.T, dir string) { flip(t, dir+"/checkpoint.safetensors", 100_000, 3) },
		"a bit of it":   func(t *testing.T, dir string) { flip(t, dir+"/velocity-6.safetensors", 100_000, 3) },
		"cut":           func(t *testing.T, dir string) { check(t, os.Truncate(dir+"/checkpoint.safetensors", 5000)) },
		"gone":          func(t *testing.T, dir string) { check(t, os.Remove(dir+"/checkpoint.safetensors")) },
		"no velocities": func(t *testing.T, dir string) { check(t, os.Remove(dir+"/velocity-6.safetensors")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			options := []string{"--momentum", "0.9", "--log-steps"}
			succeed(t, tiny("whole", options...)...)
			for _, at := range []int{3, 3} {
				runContext(interruptAfter(at), tiny("run", append(options, "--resume")...)...)
			}
			damage(t, "run")
			o := try("train", "resnet18", "--resume", "--out", "run")
			if o.code != 0 || !strings.Contains(o.stderr, "; going on from the checkpoint before, run/checkpoint-3.safetensors\n") {
				t.Fatalf("status %d: %s", o.code, o.stderr)
			}
			if !strings.Contains(readFile(t, "run/log.txt"), "going on from the checkpoint before") {
				t.Error("the log does not have it")
			}
			sameEnd(t, "whole", "run")
		})
	}
}

// flip changes a bit of a file.
func flip(t *testing.T, path string, at, bit int) {
	t.Helper()
	b := []byte(readFile(t, path))
	b[at%len(b)] ^= 1 << bit
	check(t, os.WriteFile(path, b, 0o666))
}

// A file of ours in which a bit has changed is not believed; one of somebody else has
// no checksum, and is.
func TestChecksums(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, tiny("run")...)
	succeed(t, "export", "run/checkpoint.safetensors", "-o", "exported.safetensors")
	succeed(t, "eval", "--dataset", "made-up", "--test-size", "8", "exported.safetensors")
	list, _, err := safetensors.ReadFile("exported.safetensors")
	check(t, err)
	var b bytes.Buffer
	check(t, safetensors.Write(&b, list, map[string]string{"format": "pt"}))
	writeFile(t, "foreign.safetensors", b.String())
	for _, path := range []string{"run/checkpoint.safetensors", "run/phase-1.safetensors", "exported.safetensors", "foreign.safetensors"} {
		flip(t, path, 100_001, 0)
		for _, args := range [][]string{
			{"eval", "--dataset", "made-up", "--test-size", "8", path}, tiny("new", "--init", path),
		} {
			o := try(args...)
			if ours := path != "foreign.safetensors"; ours != (o.code == exitError && strings.Contains(o.stderr, path+": its checksum is wrong")) {
				t.Errorf("%v: status %d: %s", args, o.code, o.stderr)
			}
			check(t, os.RemoveAll("new"))
		}
	}
}

// A change of config.json is refused like the same one by a flag.
func TestConfigEditsAreRefused(t *testing.T) {
	t.Chdir(t.TempDir())
	runContext(interruptAfter(5), tiny("run", "--momentum", "0.9", "--log-steps")...)
	config := readFile(t, "run/config.json")
	for _, edit := range [][2]string{
		{`"seed": 0`, `"seed": 1`}, {`"momentum": 0.9`, `"momentum": 0.8`}, {`"weight_decay": 0.0005`, `"weight_decay": 0.005`},
		{`"step_size": 0.5`, `"step_size": 0.25`}, {`"start": 0.5`, `"start": 0.6`}, {`"batch": 16`, `"batch": 8`}, {`"epochs": 2`, `"epochs": 3`},
		{`"sampling": "shuffle"`, `"sampling": "sequential"`}, {`"augment": false`, `"augment": true`}, {`"eval_every": 1`, `"eval_every": 2`},
	} {
		changed := strings.Replace(config, edit[0], edit[1], 1)
		if changed == config {
			t.Errorf("no %s in %s", edit[0], config)
		}
		writeFile(t, "run/config.json", changed)
		name := strings.Split(edit[0], `"`)[1]
		if o := try("train", "resnet18", "--resume", "--out", "run"); o.code != exitError || !strings.Contains(o.stderr, "run/checkpoint.safetensors was saved by a training with another config.json: ") {
			t.Errorf("%s: status %d: %s", name, o.code, o.stderr)
		}
	}
	writeFile(t, "run/config.json", config)
	succeed(t, "train", "resnet18", "--resume", "--out", "run")
	writeFile(t, "run/config.json", strings.Replace(config, `"seed": 0`, `"seed": 1`, 1)) // of a run that has ended
	if o := try("train", "resnet18", "--resume", "--out", "run"); o.code != exitError || !strings.Contains(o.stderr, "seed was 0, and is 1 now") {
		t.Errorf("finished: status %d: %s", o.code, o.stderr)
	}
}

// One command begins a run and goes on with it.
func TestResumeBegins(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, tiny("whole")...)
	command := tiny("run", "--resume")
	if o := runContext(interruptAfter(3), command...); o.code != exitInterrupted {
		t.Fatalf("status %d: %s", o.code, o.stderr)
	}
	succeed(t, command...)
	if out := succeed(t, command...); !strings.Contains(out, "already trained") {
		t.Errorf("it says %q", out)
	}
	sameEnd(t, "whole", "run")
}

// A training is made longer, finished or not, and ends as one that was as long from
// the beginning; a kill between the two files that say so does no harm.
func TestMadeLonger(t *testing.T) {
	for name, c := range map[string]struct{ args, short, long string }{
		"constant": {"train resnet18 --dataset made-up --width 4 --train-size 64 --test-size 32 --batch 16 --step-size 0.1 --momentum 0.9 --log-steps --augment --out ", "--epochs 2", "--epochs 5"},
		"root":     {"train least-squares --schedule inverse-sqrt:100 --eval-steps 50 --log-steps --out ", "--steps 200", "--steps 500"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			succeed(t, strings.Fields(c.args+"whole "+c.long)...)
			net := strings.Fields(c.args)[1]
			longer := strings.Fields("train " + net + " --resume --out run " + c.long)
			for _, at := range []int{1, 3, 1000} {
				o := runContext(interruptAfter(at), strings.Fields(c.args+"run "+c.short)...)
				if (o.code == 0) != (at == 1000) {
					t.Fatalf("status %d: %s", o.code, o.stderr)
				}
				config := readFile(t, "run/config.json")
				if o := runContext(interruptAfter(at), longer...); o.code != exitInterrupted && at < 1000 {
					t.Fatalf("status %d: %s", o.code, o.stderr)
				}
				if at == 3 { // killed before config.json said so
					writeFile(t, "run/config.json", config)
					succeed(t, longer...)
				}
				succeed(t, "train", net, "--resume", "--out", "run")
				sameEnd(t, "whole", "run")
				check(t, os.RemoveAll("run"))
			}
		})
	}
	t.Chdir(t.TempDir())
	succeed(t, tiny("run")...)
	if o := try("train", "resnet18", "--resume", "--out", "run", "--epochs", "3"); o.code != exitError || !strings.Contains(o.stderr, "--init") {
		t.Errorf("status %d: %s", o.code, o.stderr)
	}
	succeed(t, strings.Fields("train least-squares --steps 400 --eval-steps 1 --step-size 1e100 --out diverged")...)
	bad{"train least-squares --resume --out diverged --steps 800", 1, "diverged has diverged, and cannot be made longer"}.test(t)
}

// Numbered checkpoints, and parameters of epochs.
func TestKeep(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, tiny("whole", "--epochs", "4")...)
	args := tiny("run", "--epochs", "4", "--keep", "3", "--save-every", "2", "--checkpoint-every", "0", "--resume")
	runContext(interruptAfter(9), args...)
	succeed(t, args...)
	if got, want := strings.Join(find(t, "run", "checkpoint"), " "), "checkpoint-13.safetensors checkpoint-14.safetensors checkpoint-15.safetensors checkpoint.safetensors"; got != want {
		t.Errorf("checkpoints %s, want %s", got, want)
	}
	if got, want := strings.Join(find(t, "run", "epoch"), " "), "epoch-2.safetensors epoch-4.safetensors"; got != want {
		t.Errorf("epochs %s, want %s", got, want)
	}
	if tensors(t, "run/epoch-4.safetensors") != tensors(t, "whole/checkpoint.safetensors") || tensors(t, "run/epoch-2.safetensors") != tensors(t, "run/phase-1.safetensors") {
		t.Error("the parameters are not those of the epochs")
	}
}

// What records the run may vanish between two starts: charts are made anew from the
// rows; rows are missed.
func TestVanishedRecords(t *testing.T) {
	t.Chdir(t.TempDir())
	all := []string{"--log-steps", "--histograms"}
	succeed(t, tiny("whole", all...)...)
	for _, change := range []func(string){
		func(path string) { check(t, os.Remove(path)) },
		func(path string) { flip(t, path, 70, 2) },
	} {
		runContext(interruptAfter(6), tiny("run", all...)...)
		change("run/" + find(t, "run", "events.out")[0])
		succeed(t, "train", "resnet18", "--resume", "--out", "run")
		sameEnd(t, "whole", "run")
		check(t, os.RemoveAll("run"))
	}
	for _, file := range []string{"metrics.csv", "steps.csv", "histograms.csv"} {
		for _, change := range []func(string){
			func(path string) { check(t, os.Remove(path)) },
			func(path string) { flip(t, path, 260, 0) },
		} {
			runContext(interruptAfter(6), tiny("run", all...)...)
			change("run/" + file)
			o := try("train", "resnet18", "--resume", "--out", "run")
			if o.code != exitError || !strings.Contains(o.stderr, "run/"+file) || !strings.Contains(o.stderr, "the checkpoint is whole") {
				t.Errorf("%s: status %d: %s", file, o.code, o.stderr)
			}
			check(t, os.RemoveAll("run"))
		}
	}
}

// Killed after its last checkpoint, while it wrote the end of the events, a run has
// that written anew.
func TestKilledAtTheEnd(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, options := range map[string]string{"finished": "--histograms", "diverged": "--step-size 1e9 --log-steps"} {
		t.Run(name, func(t *testing.T) {
			whole, run := name+"-whole", name+"-run"
			succeed(t, tiny(whole, strings.Fields(options)...)...)
			copyDir(t, whole, run)
			if state, _ := status(t, run); state != name {
				t.Fatalf("%s, want %s", state, name)
			}
			writeFile(t, run+"/status.json", `{"state": "running"}`)
			events := filepath.Join(run, find(t, run, "events.out")[0])
			content := readFile(t, events)
			writeFile(t, events, content[:len(content)-100])
			succeed(t, "train", "resnet18", "--resume", "--out", run)
			sameEnd(t, whole, run)
		})
	}
}
