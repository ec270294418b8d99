// Package engines lists what this build can compute on, and chooses from it.
package engines

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"largestep/nets/op"
	"largestep/train/machine/cpu"
	"largestep/train/machine/cpu/isa"
)

// Engine is one that this build has.
type Engine struct {
	Name string
	// Devices counts what there is to choose from.
	Devices func() int
	// Probe says in words what a device is, or why it cannot be used.
	Probe func(device int) (description string, err error)
	Open  func(Options) (op.Engine, error)
}

// Options say which part of a machine computes, and how.
type Options struct {
	Device    int    // of several GPUs, from 0
	Threads   int    // of processors
	Precision string // number format
}

var (
	// ErrOneDevice is returned where another device than the first is asked of an
	// engine that has but one.
	ErrOneDevice = errors.New("it computes on all processors")
	// ErrPrecision is returned where an engine lacks a number format that others have.
	ErrPrecision = errors.New("engine cpu computes in fp32 and bf16")
	// ErrNotBuilt is returned where this program was built without the engine.
	ErrNotBuilt = errors.New("this program was built without it")
)

// All are the engines of this build, the preferred one first.
var All = []Engine{{
	Name:    "cpu",
	Devices: func() int { return 1 },
	Probe: func(device int) (string, error) {
		if device != 0 {
			return "", ErrOneDevice
		}
		return cpu.Device(runtime.NumCPU()), isa.Err()
	},
	Open: func(o Options) (op.Engine, error) {
		switch o.Precision {
		case "tf32":
			return nil, ErrPrecision
		case "bf16":
			return cpu.NewBF16(o.Threads), nil
		}
		return cpu.New(o.Threads), nil
	},
}}

// elsewhere are the engines that other builds have.
var elsewhere = []string{"cuda"}

// Auto stands for the first engine that works.
const Auto = "auto"

// MaxThreads is more than any machine has cores.
const MaxThreads = 4096

// Choose finds the engine of a name, or the first one that works.
func Choose(name string, o Options) (Engine, error) {
	if o.Threads < 1 || o.Threads > MaxThreads {
		return Engine{}, fmt.Errorf("%d threads: want 1 to %d", o.Threads, MaxThreads)
	}
	if err := isa.Err(); err != nil && !slices.Contains(elsewhere, name) {
		return Engine{}, err
	}
	names := []string{Auto}
	for _, e := range All {
		names = append(names, e.Name)
		_, err := e.Probe(o.Device)
		if err != nil && (name == e.Name || name == Auto && o.Device != 0) {
			return e, fmt.Errorf("engine %s: %w", e.Name, err)
		}
		if name == e.Name || name == Auto && err == nil {
			return e, nil
		}
	}
	if slices.Contains(elsewhere, name) {
		return Engine{}, fmt.Errorf("engine %s: %w", name, ErrNotBuilt)
	}
	return Engine{}, fmt.Errorf("unknown engine %q: choose one of %s", name, strings.Join(names, ", "))
}
