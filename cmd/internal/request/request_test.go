package request

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"largestep/train/catalog"
	"largestep/train/run"
)

// prepared is a training that a command line asks for: NET and flags.
func prepared(t *testing.T, line string) (*Training, *pflag.FlagSet, error) {
	t.Helper()
	words := strings.Fields(line)
	p, err := catalog.Find(words[0])
	if err != nil {
		t.Fatal(err)
	}
	tr := NewTraining(p)
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.SetOutput(io.Discard)
	tr.Add(f)
	if err := f.Parse(words[1:]); err != nil {
		t.Fatal(err)
	}
	if err := tr.Prepare(context.Background(), f, io.Discard, false); err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() { tr.Close() })
	return tr, f, nil
}

// Trainings of different settings have different folders, whose names any system takes.
func TestRunNames(t *testing.T) {
	t.Chdir(t.TempDir())
	want := map[string]string{
		"svm --steps 10":                    "svm-eta0.001-steps-10-seed0",
		"svm --steps 10 --sampling full":    "svm-eta0.001-sampling-full-steps-10-seed0",
		"svm --steps 10 --seed 3":           "svm-eta0.001-steps-10-seed3",
		"svm --steps 10 --step-size 0.1":    "svm-eta0.1-steps-10-seed0",
		"svm --decay-at 0.5 --log-steps":    "svm-eta0.001-decay0.5-seed0",
		"relu --widths 3,4 --momentum 0.9":  "",
		"svm --phases a:0.1@0,b/c:0.01@0.6": "",
		"resnet18 --dataset made-up --width 4 --train-size 20 --test-size 5 --batch 10 --augment": "resnet18-w4-made-up-eta0.5-decay0.5-augment-batch-10-test-size-5-train-size-20-seed0",
	}
	for _, last := range []string{"0.001", "0.002"} { // schedules too long for a file's name
		phases := "0.1@0"
		for i := range 40 {
			phases += fmt.Sprintf(",0.05@%.3f", 0.01*float64(i+1))
		}
		want["svm --phases "+phases+","+last+"@0.9"] = ""
	}
	var names []string
	for line, name := range want {
		tr, _, err := prepared(t, line)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		got := filepath.Base(tr.Options().Dir)
		if name != "" && got != name {
			t.Errorf("%s: %s, want %s", line, got, name)
		}
		if !regexp.MustCompile(`^[a-z0-9.,@-]+$`).MatchString(got) || len(got) > run.LongestName || slices.Contains(names, got) {
			t.Errorf("%s: folder %s, of %v", line, got, names)
		}
		names = append(names, got)
	}
}

// Flags win over a file, which wins over the problem's defaults.
func TestFile(t *testing.T) {
	t.Chdir(t.TempDir())
	os.WriteFile("s.yaml", []byte("net: svm\nbatch: 7\nsteps: 60\nstep-size: 0.02\nschedule: cosine\n"), 0o666)
	for args, want := range map[string]string{
		"":                           "7 60 constant:0.02@0~cosine",
		"--batch 3 --step-size 0.01": "3 60 constant:0.01@0~cosine",
		"--decay-at 0.5":             "7 60 large:0.02@0,small:0.002@0.5,final:0.0002@0.9",
		"--phases 0.3@0":             "7 60 constant:0.3@0",
	} {
		tr, _, err := prepared(t, "svm --config s.yaml "+args)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(tr.Config.Batch, " ", tr.Config.Steps(), " ", tr.Config.Schedule); got != want {
			t.Errorf("%q: %s, want %s", args, got, want)
		}
	}
}

// What is said to go on with is what was begun.
func TestAgain(t *testing.T) {
	t.Chdir(t.TempDir())
	tr, f, err := prepared(t, "svm --steps 10 --threads 1 --keep 2 --out it's")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tr.Again(f), `largestep train svm --resume --out 'it'\''s' --threads 1 --keep 2`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if err := os.Mkdir("it's", 0o777); err != nil {
		t.Fatal(err)
	}
	env := tr.Options().Environment
	env.Engine = "cpu"
	if err := run.WriteConfig("it's", tr.Config, env); err != nil {
		t.Fatal(err)
	}
	if _, _, err := prepared(t, "svm --steps 10 --out it's"); err == nil || !strings.Contains(err.Error(), "go on with largestep train svm --resume --out 'it'") {
		t.Error(err)
	}
	if err := os.Mkdir("svm", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := run.WriteConfig("svm", tr.Config, env); err != nil {
		t.Fatal(err)
	}
	again, _, err := prepared(t, "svm --resume --out svm")
	if err != nil || again.Config.Steps() != 10 || !again.Options().Resume {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestLists(t *testing.T) {
	t.Chdir(t.TempDir())
	os.WriteFile("s.yaml", []byte("batch: [1, 2]\nstep_size: 0.3\n"), 0o666)
	p, err := catalog.Find("svm")
	if err != nil {
		t.Fatal(err)
	}
	commands := func(args string) (list []string, err error) {
		l := NewLists(p)
		f := pflag.NewFlagSet("", pflag.ContinueOnError)
		l.Add(f)
		if err := f.Parse(strings.Fields(args)); err != nil {
			return nil, err
		}
		s, err := l.Sweep(f)
		if err != nil {
			return nil, err
		}
		for _, r := range s.Runs() {
			list = append(list, Command(s, r, "s w", nil))
		}
		return list, nil
	}
	for args, want := range map[string]string{
		"--step-size 0.1,0.2":                       "largestep train svm --step-size=0.1 --seed=0 --out 's w/step-size=0.1,seed=0'|largestep train svm --step-size=0.2 --seed=0 --out 's w/step-size=0.2,seed=0'",
		"--phases 1@0,0.1@0.5 --seeds 2":            "largestep train svm --phases=1@0,0.1@0.5 --seed=0 --out 's w/seed=0'|largestep train svm --phases=1@0,0.1@0.5 --seed=1 --out 's w/seed=1'",
		"--config s.yaml --step-size 0.1 --batch 4": "largestep train svm --batch=4 --step-size=0.1 --seed=0 --out 's w/seed=0'",
	} {
		got, err := commands(args)
		if text := strings.Join(got, "|"); err != nil || text != want {
			t.Errorf("%s: %s, %v\nwant %s", args, text, err, want)
		}
	}
	for args, want := range map[string]string{
		"--step-size 0.1,,0.2": "want values between the commas", "--precision fp64,fp32": "a sweep has one", "--seeds 0": "0 seeds", "--config none.yaml": "no such file",
	} {
		if _, err := commands(args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}
