package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// completions are what a shell offers for the last word of a command line, without
// their descriptions, and the directive.
func completions(t *testing.T, args ...string) (list []string, directive string) {
	t.Helper()
	out := succeed(t, append([]string{"__complete"}, args...)...)
	for line := range strings.Lines(out) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if strings.HasPrefix(word, ":") {
			return list, word
		}
		list = append(list, word)
	}
	t.Fatalf("no directive: %q", out)
	return nil, ""
}

func TestCompletion(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, strings.Fields("train relu --steps 10 --out runs/a")...)
	succeed(t, strings.Fields("train svm --steps 10 --phases 0.01@0,0.001@0.5 --out runs/b")...)
	succeed(t, strings.Fields("sweep train svm --steps 10 --seeds 2 --out sweeps/s")...)
	check(t, os.MkdirAll("other/empty", 0o777))
	writeFile(t, "settings.yaml", "net: svm\n")
	for line, want := range map[string]string{
		"train r":                   "relu relu-1d resnet18 resnet34",
		"sweep train sv":            "svm",
		"figure sgd":                "sgd-vs-gd",
		"plot ":                     "runs runs/a runs/b sweeps/s sweeps/s/seed=0 sweeps/s/seed=1",
		"plot runs/":                "runs/a runs/b",
		"plot runs/a r":             "runs runs/b",
		"plot ./ru":                 "./runs ./runs/a ./runs/b",
		"table sweeps/s/":           "sweeps/s/seed=0 sweeps/s/seed=1",
		"eval runs/a":               "runs/a/checkpoint.safetensors",
		"eval runs/b/p":             "runs/b/phase-1.safetensors",
		"train relu --init runs/a":  "runs/a/checkpoint.safetensors",
		"train --config s":          "settings.yaml sweeps/s/seed=0/config.json sweeps/s/seed=1/config.json",
		"train resnet18 --dataset ": "auto cifar10 cifar100 made-up",
		"train svm --schedule ":     "exp: power: linear cosine inverse: inverse-sqrt:",
		"train svm --sampling w":    "with-replacement",
		"train resnet18 --subset ":  "balanced first random",
		"train resnet18 --measure hessian_trace,sp": "hessian_trace,sparsity",
		"train svm --measure s":                     "sharpness step_sharpness",
		"sweep train svm --sampling full,seq":       "full,sequential",
		"figure main --preset ":                     "auto full long paper quick small",
		"plot runs/a --columns train_loss,active":   "train_loss,active_1 train_loss,active_2",
		"plot runs/b --columns active":              "",
		"plot sweeps/s --heatmap ba":                "batch",
		"sweep status ":                             "sweeps/s",
		"sweep collect sw":                          "sweeps/s",
		"fetch ":                                    "cifar10 cifar100",
		"fetch cifar10 ":                            "",
		"bench res":                                 "resnet18 resnet34",
		"train svm --seed ":                         "",
		"train svm ":                                "",
		"train svm --log-":                          "--log-steps",
		"help rep":                                  "report reproduce",
	} {
		args := strings.Split(line, " ")
		list, directive := completions(t, args...)
		offered := slices.DeleteFunc(list, func(word string) bool { return !strings.HasPrefix(word, args[len(args)-1]) })
		if got := strings.Join(offered, " "); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
		if directive == ":1" {
			t.Errorf("%q: an error", line)
		}
	}
	for line, want := range map[string]string{
		"import ":                  ":0",  // files
		"train svm --out ":         ":16", // folders
		"plot other/":              ":16",
		"train svm --seed ":        ":4", // nothing
		"plot runs/a --columns x,": ":6", // nothing more, and no space: there may be another
	} {
		if _, directive := completions(t, strings.Split(line, " ")...); directive != want {
			t.Errorf("%q: directive %s, want %s", line, directive, want)
		}
	}
}

// An imported set is offered by its name.
func TestCompletionOfImportedSets(t *testing.T) {
	enterFixture(t)
	succeed(t, "import", "pngs", "--name", "shapes")
	if list, _ := completions(t, "train", "resnet18", "--dataset", ""); !slices.Contains(list, "shapes") {
		t.Errorf("%v lacks shapes", list)
	}
}
