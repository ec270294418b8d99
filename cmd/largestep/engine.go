package main

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/pflag"
	"largestep/nets/op"
	"largestep/train/catalog"
	"largestep/train/machine/cpu"
	"largestep/train/machine/cpu/isa"
)

// backend is an engine that this build has.
type backend struct {
	name string
	// devices counts what there is to choose from.
	devices func() int
	// probe says in words what a device is, or why it cannot be used.
	probe func(device int) (description string, err error)
	open  func(o engineOptions, precision string) (op.Engine, error)
}

// backends lists the engines of this build, the preferred one first.
var backends = []backend{{
	name:    "cpu",
	devices: func() int { return 1 },
	probe: func(device int) (string, error) {
		if device != 0 {
			return "", fmt.Errorf("it computes on all processors: --device %d needs --engine cuda", device)
		}
		return cpu.Device(runtime.NumCPU()), isa.Err()
	},
	open: func(o engineOptions, precision string) (op.Engine, error) {
		if precision == "tf32" || precision == "bf16" {
			return nil, fmt.Errorf("engine cpu computes in fp32: --precision %s needs --engine cuda", precision)
		}
		return cpu.New(o.threads), nil
	},
}}

// engineOptions choose an engine.
type engineOptions struct {
	name    string
	device  int
	threads int
}

func (o *engineOptions) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.name, "engine", "auto", "what computes: auto, cpu or cuda (see \"largestep engines\")")
	f.IntVar(&o.device, "device", 0, "which GPU computes, of those that \"largestep engines\" lists")
	f.IntVar(&o.threads, "threads", runtime.NumCPU(), "threads of the cpu engine")
}

// chooseFor is choose for a problem: automatically, only the cpu engine has the
// kernels of the small ones.
func (o *engineOptions) chooseFor(p catalog.Problem) (backend, error) {
	if !p.Reads() && o.name == "auto" {
		o.name = "cpu"
	}
	return o.choose()
}

// openFor opens the engine for a problem.
func (o *engineOptions) openFor(p catalog.Problem, precision string) (op.Engine, error) {
	b, err := o.chooseFor(p)
	if err != nil {
		return nil, err
	}
	return b.open(*o, precision)
}

// maxThreads is more than any machine has cores.
const maxThreads = 4096

// choose finds the backend asked for, or the first that works.
func (o *engineOptions) choose() (backend, error) {
	if o.threads < 1 || o.threads > maxThreads {
		return backend{}, fmt.Errorf("%d threads: want 1 to %d", o.threads, maxThreads)
	}
	if err := isa.Err(); err != nil && o.name != "cuda" {
		return backend{}, err
	}
	var names []string
	for _, b := range backends {
		names = append(names, b.name)
		_, err := b.probe(o.device)
		if err != nil && (o.name == b.name || o.name == "auto" && o.device != 0) {
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
