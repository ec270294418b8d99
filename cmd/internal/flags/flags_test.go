package flags

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"largestep/data"
	"largestep/train/catalog"
	"largestep/train/run"
	"largestep/train/schedule"
)

// config is one with what flags say.
func config(t *testing.T, args string) (run.Config, error) {
	t.Helper()
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.SetOutput(io.Discard)
	c := run.Config{Net: "resnet18", Batch: 7, Widths: []int{3}, Measures: []string{"sparsity"}}
	for _, add := range Training {
		add(f, &c)
	}
	return c, f.Parse(strings.Fields(args))
}

func TestConfig(t *testing.T) {
	for _, x := range []struct {
		args string
		got  func(c run.Config) any
		want string
	}{
		{"--batch 32", func(c run.Config) any { return c.Batch }, "32"},
		{"--widths 20,20", func(c run.Config) any { return c.Widths }, "[20 20]"},
		{"--measure none", func(c run.Config) any { return c.Measures }, "[]"},
		{"--measure sharpness,sparsity", func(c run.Config) any { return c.Measures }, "[sharpness sparsity]"},
		{"--sampling full", func(c run.Config) any { return c.Sampling }, "full"},
		{"--subset balanced", func(c run.Config) any { return c.Subset }, "balanced"},
		{"--normalize 0.5/0.25", func(c run.Config) any { return c.Normalize }, "0.5,0.5,0.5/0.25,0.25,0.25"},
		{"--epochs 3 --eval-every 2 --test-size 9", func(c run.Config) any { return []int{c.Epochs, c.EvalEvery, c.TestSize, c.Batch} }, "[3 2 9 7]"},
	} {
		c, err := config(t, x.args)
		if got := fmt.Sprint(x.got(c)); err != nil || got != x.want {
			t.Errorf("%s: %s, %v, want %s", x.args, got, err, x.want)
		}
	}
	for _, args := range []string{"--widths x", "--sampling best", "--subset last", "--normalize 127/64", "--batch x", "--seed -1"} {
		if _, err := config(t, args); err == nil {
			t.Errorf("%s is accepted", args)
		}
	}
}

// What a flag shows as its value can be given back to it.
func TestValuesShowWhatTheyRead(t *testing.T) {
	sampled, chosen, normal := sampling(data.Full), Choice(data.Balanced), Normalization{}
	if err := normal.Set("0.1,0.2,0.3/1,0.5,0.2"); err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]pflag.Value{
		{&sampled, new(sampling)}, {&chosen, new(Choice)}, {&normal, new(Normalization)}, {&measures{"a", "b"}, new(measures)},
		{&widths{4, 5}, new(widths)}, {&StepSize{0.985, true}, new(StepSize)}, {&StepSize{1e-7, false}, new(StepSize)},
	} {
		text := pair[0].String()
		if err := pair[1].Set(text); err != nil || pair[1].String() != text {
			t.Errorf("%s became %s: %v", text, pair[1], err)
		}
	}
}

func TestSchedule(t *testing.T) {
	base := schedule.Constant(0.2)
	make := func(args string) (string, error) {
		var s Schedule
		f := pflag.NewFlagSet("", pflag.ContinueOnError)
		s.Add(f)
		if err := f.Parse(strings.Fields(args)); err != nil {
			return "", err
		}
		if err := s.Check(f); err != nil {
			return "", err
		}
		made, err := s.Make(f, base)
		return made.String(), err
	}
	for args, want := range map[string]string{
		"":                                "constant:0.2@0",
		"--step-size 0.5":                 "constant:0.5@0",
		"--decay-at 0.3":                  "large:0.2@0,small:0.02@0.3,final:0.002@0.9",
		"--step-size 1 --schedule cosine": "constant:1@0~cosine",
		"--phases 1@0,0.1@0.5":            "1@0,0.1@0.5",
		"--warmup 0.1":                    "warm-up:0.2@0~linear,constant:0.2@0.1",
		"--warmup 0":                      "constant:0.2@0",
	} {
		got, err := make(args)
		if plain, e := schedule.Parse(want); err != nil || e != nil || got != plain.String() {
			t.Errorf("%q: %s, %v, want %s", args, got, err, want)
		}
	}
	for args, want := range map[string]string{
		"--phases 1@0 --step-size 1":        "--phases says all",
		"--phases 1@0 --warmup 0.1":         "leave out --warmup",
		"--decay-at 0.5 --schedule cosine":  "two schedules",
		"--warmup-power 2":                  "give that too",
		"--warmup-exp 1.05 --warmup-gain 3": "--warmup-exp and --warmup-gain both change the step size",
		"--schedule sine":                   "sine",
		"--step-size big":                   "big",
	} {
		if got, err := make(args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %s, %v, want %s", args, got, err, want)
		}
	}
}

// A run that goes on takes flags that repeat its schedule, and none else.
func TestResumedSchedule(t *testing.T) {
	decayed, err := schedule.Decay(0.5, 0.3)
	if err != nil {
		t.Fatal(err)
	}
	resumed := func(of schedule.Schedule, edge float64, args ...string) (schedule.Schedule, error) {
		var s Schedule
		f := pflag.NewFlagSet("", pflag.ContinueOnError)
		s.Add(f)
		if err := f.Parse(args); err != nil {
			t.Fatal(err)
		}
		return s.Resumed(f, of, edge)
	}
	for _, args := range [][]string{{"--decay-at", "0.3"}, {"--step-size", "0.5"}, {"--step-size", "0.5", "--decay-at", "0.3"}} {
		if got, err := resumed(decayed, 0, args...); err != nil || got.Exact() != decayed.Exact() {
			t.Errorf("%v: %s, %v", args, got.Exact(), err)
		}
	}
	if got, err := resumed(decayed, 0, "--step-size", "0.6"); err != nil || got.Exact() == decayed.Exact() {
		t.Errorf("another step size: %s, %v", got.Exact(), err)
	}
	if got, err := resumed(schedule.Constant(0.1), 0.2, "--step-size", "0.5edge"); err != nil || got.First() != 0.1 {
		t.Errorf("a multiple of the edge: %s, %v", got.Exact(), err)
	}
	if _, err := resumed(schedule.Constant(0.1), 0, "--step-size", "0.5edge"); err == nil {
		t.Error("a multiple of no edge")
	}
}

// Flags and the names of config.json are two spellings of one thing.
func TestNames(t *testing.T) {
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, add := range Training {
		add(all, &run.Config{})
	}
	all.VisitAll(func(f *pflag.Flag) {
		if Of(Option(f.Name)) != f.Name {
			t.Errorf("--%s is %s, which is --%s", f.Name, Option(f.Name), Of(Option(f.Name)))
		}
	})
	for _, p := range catalog.Problems {
		for _, flag := range []string{"step-size", "batch", "seed", "engine"} {
			if !Takes(p, flag) {
				t.Errorf("%s takes no --%s", p.Name, flag)
			}
		}
		if Takes(p, "dataset") != p.Reads() || Takes(p, "data") != p.Reads() || Takes(p, "augment") != p.Reads() {
			t.Errorf("%s takes the flags of images: %v", p.Name, Takes(p, "dataset"))
		}
	}
}

func TestEngine(t *testing.T) {
	problem := catalog.Problems[0]
	for args, want := range map[string]string{
		"--engine cpu --device 1":  "--device 1 needs --engine cuda",
		"--engine tpu":             `unknown engine "tpu": choose one of auto, `,
		"--engine cpu --threads 0": "0 threads",
		"--engine cpu --gpus 0":    "--gpus is of --engine cuda",
		"--engine cpu --jobs -1":   "-1 jobs",
	} {
		var e Engine
		var j Jobs
		f := pflag.NewFlagSet("", pflag.ContinueOnError)
		e.Add(f)
		j.Add(f)
		if err := f.Parse(strings.Fields(args)); err != nil {
			t.Fatal(err)
		}
		if _, err := j.Open(&e, problem, "fp32"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
	e := Engine{Name: "cpu", Threads: 5}
	if _, err := e.Open(problem, "tf32"); err == nil || !strings.HasSuffix(err.Error(), "--precision tf32 needs --engine cuda") {
		t.Error(err)
	}
	opened, err := (&Jobs{number: 2}).Open(&e, problem, "fp32")
	if err != nil || len(opened) != 2 || e.Threads != 2 {
		t.Errorf("%d engines of %d threads: %v", len(opened), e.Threads, err)
	}
	CloseAll(opened)
}
