package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"largestep/metrics/record"
	"largestep/train/schedule"
)

func valid() Config {
	return Config{
		Net: "resnet18", TrainSize: 64, TestSize: 32, Sampling: "shuffle", Batch: 16, Epochs: 2,
		Schedule: schedule.Constant(0.1), EvalEvery: 1, Precision: "fp32",
	}
}

func TestConfigFile(t *testing.T) {
	dir := t.TempDir()
	if file, _, err := Inspect(dir); file != nil || err != nil {
		t.Errorf("an empty folder: %v, %v", file, err)
	}
	if err := WriteConfig(dir, valid(), Environment{TrainSHA256: "a", Edge: 0.5}); err != nil {
		t.Fatal(err)
	}
	f, status, err := Inspect(dir)
	if err != nil || f.Environment.Edge != 0.5 || status.State != record.Running {
		t.Fatalf("%+v, %+v, %v", f, status, err)
	}
	if err := CheckNew(dir); !errors.Is(err, ErrHoldsRun) {
		t.Errorf("a run's folder: %v", err)
	}
	if err := f.Matches(valid(), f.Environment); err != nil {
		t.Error(err)
	}
	other := valid()
	other.Batch = 8
	if err := f.Matches(other, f.Environment); !errors.Is(err, ErrAnotherRun) || !strings.Contains(err.Error(), "batch is 16 there, 8 here") {
		t.Errorf("another batch: %v", err)
	}
	if err := f.Matches(valid(), Environment{}); !errors.Is(err, ErrAnotherRun) {
		t.Errorf("other examples: %v", err)
	}
}

func TestConfigFileRefuses(t *testing.T) {
	for content, want := range map[string]string{
		"{":              "is damaged",
		"":               "is damaged",
		`{"format": 3}`:  "of format 3, this program knows up to 2",
		`{"format": 2}`:  "is damaged: 0 training examples",
		`{"net": "svm"}`: "is damaged",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, record.ConfigFile), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadConfig(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", content, err, want)
		}
	}
}

// A flipped bit of a config is refused, or gives another config, which the checkpoint
// refuses: none goes unseen.
func TestFlippedBitsOfConfig(t *testing.T) {
	whole, err := json.MarshalIndent(File{Format: Format, Config: valid()}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want, err := ParseConfig(whole)
	if err != nil {
		t.Fatal(err)
	}
	for i := range bytes.Index(whole, []byte(`"environment"`)) {
		for bit := range 8 {
			flipped := bytes.Clone(whole)
			flipped[i] ^= 1 << bit
			if got, err := ParseConfig(flipped); err == nil && reflect.DeepEqual(got, want) {
				t.Errorf("bit %d of byte %d: %q reads as before", bit, i, flipped[max(0, i-12):min(len(whole), i+12)])
			}
		}
	}
}

// What format 1 said of a schedule.
func TestFormat1(t *testing.T) {
	const rest = `"net": "relu-1d", "train_size": 12, "sampling": "with-replacement", "batch": 1, "epochs": 3, "eval_every": 1, `
	for content, want := range map[string]string{
		`"step_size": 0.5, "phases": [{"name": "constant", "start": 0, "step_size": 0.5}]`: "constant:0.5@0",
		`"step_size": 1, "decay_at": 0.3, "phases": [{"name": "large", "start": 0, "step_size": 1}, {"name": "small", "start": 0.3, "step_size": 0.1},
			{"name": "final", "start": 0.9, "step_size": 0.01}], "warmup_exp": 1.05`: "large:1@0~exp:1.05,small:0.1@0.3,final:0.01@0.9",
		`"step_size": 2, "phases": [{"name": "large", "start": 0, "step_size": 2}], "warmup_gain": 5, "warmup_power": 0.5`: "large:2@0~power:5:0.5",
	} {
		f, err := ParseConfig([]byte("{" + rest + content + "}"))
		if err != nil {
			t.Errorf("%s: %v", content, err)
		} else if got := f.Schedule.String(); got != want {
			t.Errorf("%s: %s, want %s", content, got, want)
		}
	}
}

// What is written comes back.
func FuzzConfig(f *testing.F) {
	b, err := json.Marshal(File{Format: Format, Config: valid()})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"net": "svm", "train_size": 9, "sampling": "full", "batch": 3, "epochs": 1, "eval_every": 1, "step_size": 1, "sparsity": true}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := ParseConfig(b)
		if err != nil {
			return
		}
		again, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		same, err := ParseConfig(again)
		if err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		if err := file.Matches(same.Config, same.Environment); err != nil {
			t.Errorf("%s came back otherwise: %v", again, err)
		}
		if _, err := file.describe(); err != nil {
			t.Error(err)
		}
	})
}
