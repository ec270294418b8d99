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

// recorded leaves the config.json of a training that a command line asks for.
func recorded(t *testing.T, dir, line string) {
	t.Helper()
	tr, _, err := prepared(t, line)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	env := tr.Options().Environment
	env.Engine = "cpu"
	if err := run.WriteConfig(dir, tr.Config, env); err != nil {
		t.Fatal(err)
	}
}

// Flags change the parts of a file's schedule that they say, and no others.
func TestScheduleOfAFile(t *testing.T) {
	t.Chdir(t.TempDir())
	recorded(t, "constant", "svm --steps 100 --step-size 0.05")
	recorded(t, "decay", "svm --steps 100 --step-size 0.05 --decay-at 0.5 --warmup 0.1")
	recorded(t, "growth", "svm --steps 100 --step-size 0.05 --decay-at 0.5 --warmup-exp 1.05")
	recorded(t, "cosine", "svm --steps 100 --step-size 0.05 --schedule cosine")
	recorded(t, "phases", "svm --steps 100 --phases a:0.05@0,b:0.02@0.4~cosine")
	recorded(t, "bent", "svm --steps 100 --phases a:0.05@0~linear,b:0.02@0.4")
	os.WriteFile("edge.yaml", []byte("net: svm\nphases: 0.9edge@0,0.3edge@0.4\n"), 0o666)
	os.WriteFile("parts.yaml", []byte("net: svm\nschedule: {step_size: 0.05, decay_at: 0.5}\nwarmup: 0.1\n"), 0o666)
	os.WriteFile("rule.yaml", []byte("net: svm\nschedule: cosine\nstep_size: 0.05\n"), 0o666)
	for _, x := range []struct{ file, args, want string }{
		{"constant", "--decay-at 0.5", "large:0.05@0,small:0.005@0.5,final:0.0005@0.9"},
		{"constant", "--schedule cosine", "constant:0.05@0~cosine"},
		{"constant", "--warmup 0.5", "warm-up:0.05@0~linear,constant:0.05@0.5"},
		{"constant", "--warmup-exp 1.05", "constant:0.05@0~exp:1.05"},
		{"constant", "--decay-at 0.5 --step-size 0.3", "large:0.3@0,small:0.03@0.5,final:0.003@0.9"},
		{"decay", "", "warm-up:0.05@0~linear,large:0.05@0.1,small:0.005@0.5,final:0.0005@0.9"},
		{"decay", "--decay-at 0.3", "warm-up:0.05@0~linear,large:0.05@0.1,small:0.005@0.3,final:0.0005@0.9"},
		{"decay", "--warmup 0.2", "warm-up:0.05@0~linear,large:0.05@0.2,small:0.005@0.5,final:0.0005@0.9"},
		{"decay", "--warmup 0", "large:0.05@0,small:0.005@0.5,final:0.0005@0.9"},
		{"decay", "--step-size 0.3", "warm-up:0.3@0~linear,large:0.3@0.1,small:0.03@0.5,final:0.003@0.9"},
		{"decay", "--warmup-gain 2", "warm-up:0.05@0~linear,large:0.05@0.1~power:2:1,small:0.005@0.5,final:0.0005@0.9"},
		{"growth", "--decay-at 0.3", "large:0.05@0~exp:1.05,small:0.005@0.3,final:0.0005@0.9"},
		{"growth", "--warmup-gain 2 --warmup-power 3", "large:0.05@0~power:2:3,small:0.005@0.5,final:0.0005@0.9"},
		{"growth", "--schedule cosine", "constant:0.05@0~cosine"},
		{"cosine", "--warmup 0.1", "warm-up:0.05@0~linear,constant:0.05@0.1~cosine"},
		{"cosine", "--decay-at 0.3", "large:0.05@0,small:0.005@0.3,final:0.0005@0.9"},
		{"phases", "--decay-at 0.3", "large:0.05@0,small:0.005@0.3,final:0.0005@0.9"},
		{"phases", "--warmup 0.1", "warm-up:0.05@0~linear,a:0.05@0.1,b:0.02@0.4~cosine"},
		{"phases", "--step-size 0.1 --warmup-exp 1.05", "a:0.1@0~exp:1.05,b:0.04@0.4~cosine"},
		{"phases", "--phases 0.3@0", "constant:0.3@0"},
		{"parts.yaml", "--decay-at 0.3", "warm-up:0.05@0~linear,large:0.05@0.1,small:0.005@0.3,final:0.0005@0.9"},
		{"parts.yaml", "--warmup 0.2", "warm-up:0.05@0~linear,large:0.05@0.2,small:0.005@0.5,final:0.0005@0.9"},
		{"rule.yaml", "--warmup 0.1", "warm-up:0.05@0~linear,constant:0.05@0.1~cosine"},
	} {
		tr, _, err := prepared(t, "svm --out new --config "+configOf(x.file)+" "+x.args)
		if err != nil {
			t.Errorf("%s %s: %v", x.file, x.args, err)
		} else if got := tr.Config.Schedule.String(); got != x.want {
			t.Errorf("%s %s: %s, want %s", x.file, x.args, got, x.want)
		}
	}
	for _, x := range []struct{ file, args, want string }{
		{"cosine", "--warmup-exp 1.05", "with cosine/config.json, --warmup-exp and --schedule both change the step size: leave one out"},
		{"bent", "--warmup-exp 1.05", "with bent/config.json, --warmup-exp and its first phase, linear, both change the step size: leave one out"},
		{"bent", "--warmup 0.1", "with bent/config.json, --warmup and its first phase, linear, both change"},
		{"decay", "--warmup 0.5", "warm-up over 0.5: want a fraction of the training, before the step size decays"},
	} {
		if _, _, err := prepared(t, "svm --out new --config "+configOf(x.file)+" "+x.args); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s %s: %v, want %s", x.file, x.args, err, x.want)
		}
	}
	for args, want := range map[string]string{"--decay-at 0.5": "large:0.9@0,small:0.09@0.5,final:0.009@0.9", "--warmup 0.1": "warm-up:0.9@0~linear,large:0.9@0.1,small:0.3@0.4"} {
		tr, _, err := prepared(t, "svm --steps 50 --out new --config edge.yaml "+args)
		if err != nil {
			t.Errorf("multiples of the edge, %s: %v", args, err)
		} else if got := tr.Config.Schedule.Times(1 / tr.edge).String(); tr.edge == 0 || got != want {
			t.Errorf("multiples of the edge, %s: %s, want %s", args, got, want)
		}
	}
}

// configOf is a file of settings, or that of a run folder.
func configOf(name string) string {
	if strings.HasSuffix(name, ".yaml") {
		return name
	}
	return name + "/config.json"
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
	os.WriteFile("decay.yaml", []byte("phases: large:0.3@0,small:0.03@0.5,final:0.003@0.9\n"), 0o666)
	os.WriteFile("phases.yaml", []byte("phases: a:0.3@0,b:0.1@0.5\n"), 0o666)
	os.WriteFile("two.yaml", []byte("schedule: [{phases: 0.3@0}, cosine]\n"), 0o666)
	os.WriteFile("parts.yaml", []byte("schedule: {step_size: 0.3, decay_at: 0.5}\n"), 0o666)
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
		"--config decay.yaml --decay-at 0.3":        "largestep train svm --decay-at=0.3 --step-size=0.3 --seed=0 --out 's w/seed=0'",
		"--config decay.yaml --warmup 0.1":          "largestep train svm --warmup=0.1 --step-size=0.3 --decay-at=0.5 --seed=0 --out 's w/seed=0'",
		"--config decay.yaml --step-size 0.1,0.2":   "largestep train svm --step-size=0.1 --decay-at=0.5 --seed=0 --out 's w/step-size=0.1,seed=0'|largestep train svm --step-size=0.2 --decay-at=0.5 --seed=0 --out 's w/step-size=0.2,seed=0'",
		"--config decay.yaml --batch 4":             "largestep train svm --batch=4 --phases=large:0.3@0,small:0.03@0.5,final:0.003@0.9 --seed=0 --out 's w/seed=0'",
		"--config phases.yaml --schedule cosine":    "largestep train svm --schedule=cosine --step-size=0.3 --seed=0 --out 's w/seed=0'",
		"--config two.yaml --phases 0.1@0":          "largestep train svm --phases=0.1@0 --seed=0 --out 's w/seed=0'",
		"--config parts.yaml --decay-at 0.3":        "largestep train svm --decay-at=0.3 --step-size=0.3 --seed=0 --out 's w/seed=0'",
	} {
		got, err := commands(args)
		if text := strings.Join(got, "|"); err != nil || text != want {
			t.Errorf("%s: %s, %v\nwant %s", args, text, err, want)
		}
	}
	for args, want := range map[string]string{
		"--step-size 0.1,,0.2": "want values between the commas", "--precision fp64,fp32": "a sweep has one", "--seeds 0": "0 seeds", "--config none.yaml": "no such file",
		"--config phases.yaml --warmup 0.1":    "phases.yaml: a sweep cannot change its phases by --warmup: list schedules with --phases",
		"--config phases.yaml --step-size 0.1": "phases.yaml: a sweep cannot change its phases by --step-size",
		"--config two.yaml --decay-at 0.1":     "two.yaml: a sweep cannot change its phases by --decay-at",
	} {
		if _, err := commands(args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}
