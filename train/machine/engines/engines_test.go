package engines

import (
	"errors"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	e, err := Choose("cpu", Options{Threads: 1})
	if err != nil || e.Name != "cpu" {
		t.Fatalf("%s, %v", e.Name, err)
	}
	engine, err := e.Open(Options{Threads: 1, Precision: "fp32"})
	if err != nil || engine.Name() != "cpu" {
		t.Fatal(err)
	}
	engine.Close()
	if _, err := e.Open(Options{Threads: 1, Precision: "tf32"}); !errors.Is(err, ErrPrecision) {
		t.Error(err)
	}
	for _, bad := range []struct {
		name string
		o    Options
		want string
	}{
		{"cpu", Options{Threads: 1, Device: 1}, ErrOneDevice.Error()}, {"auto", Options{Threads: 1, Device: -1}, "engine "},
		{"cpu", Options{}, "0 threads"}, {"cpu", Options{Threads: MaxThreads + 1}, "want 1 to 4096"},
		{"tpu", Options{Threads: 1}, "choose one of auto, "}, {"", Options{Threads: 1}, `unknown engine ""`},
	} {
		if _, err := Choose(bad.name, bad.o); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%s %+v: %v, want %s", bad.name, bad.o, err, bad.want)
		}
	}
}
