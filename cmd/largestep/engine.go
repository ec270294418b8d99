package main

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/pflag"
	"largestep/nets/op"
	"largestep/train"
	"largestep/train/machine/cpu"
)

// backend is an engine that this build has.
type backend struct {
	name string
	// probe says in words what it would run on, or why it cannot.
	probe func() (device string, err error)
	open  func(o engineOptions) (op.Engine, error)
}

// backends lists the engines of this build, the preferred one first.
var backends = []backend{{
	name:  "cpu",
	probe: func() (string, error) { return cpu.Device(runtime.NumCPU()), nil },
	open: func(o engineOptions) (op.Engine, error) {
		if o.precision == "tf32" || o.precision == "bf16" {
			return nil, fmt.Errorf("engine cpu computes in fp32: --precision %s needs --engine cuda", o.precision)
		}
		return cpu.New(o.threads), nil
	},
}}

// engineOptions choose an engine.
type engineOptions struct {
	name      string
	threads   int
	precision string
}

func (o *engineOptions) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.name, "engine", "auto", "what computes: auto, cpu or cuda (see \"largestep engines\")")
	f.StringVar(&o.precision, "precision", "fp32", "number format: fp32; with cuda also tf32, or bf16 for activations; small problems have fp64, their default but for relu-1d and teacher-2, and fp32")
	f.IntVar(&o.threads, "threads", runtime.NumCPU(), "threads of the cpu engine")
}

// chooseFor is choose for a net: automatically, only the cpu engine has the
// kernels of the small problems.
func (o *engineOptions) chooseFor(net string) (backend, error) {
	if net != train.ResNet18 && o.name == "auto" {
		o.name = "cpu"
	}
	return o.choose()
}

// openFor opens the engine for a net.
func (o *engineOptions) openFor(net string) (op.Engine, error) {
	b, err := o.chooseFor(net)
	if err != nil {
		return nil, err
	}
	return b.open(*o)
}

// maxThreads is more than any machine has cores.
const maxThreads = 4096

// choose finds the backend asked for, or the first that works.
func (o *engineOptions) choose() (backend, error) {
	if o.threads < 1 || o.threads > maxThreads {
		return backend{}, fmt.Errorf("%d threads: want 1 to %d", o.threads, maxThreads)
	}
	var names []string
	for _, b := range backends {
		names = append(names, b.name)
		_, err := b.probe()
		if o.name == b.name && err != nil {
			return b, fmt.Errorf("engine %s: %w", b.name, err)
		}
		if o.name == b.name || o.name == "auto" && err == nil {
			return b, nil
		}
	}
	if o.name == "cuda" {
		return backend{}, fmt.Errorf("engine cuda: this program was built without it; build with \"go build -tags gpu ./cmd/largestep\"")
	}
	return backend{}, fmt.Errorf("unknown engine %q: choose one of auto, %s", o.name, strings.Join(names, ", "))
}
