// Package isa chooses the instruction set that all kernels of the CPU use: the
// fastest that the processor has, or the one that the environment variable
// LARGESTEP_CPU names, of go, avx2, avx512 and neon. Results differ between them in
// their last bits.
package isa

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// The names of instruction sets; Go is what the compiler makes of plain Go.
const (
	Go     = "go"
	AVX2   = "avx2"
	AVX512 = "avx512"
	NEON   = "neon"
)

// Variable is the name of the environment variable.
const Variable = "LARGESTEP_CPU"

// Available lists the sets that this processor and this build have, the fastest
// first.
func Available() []string { return append(available(), Go) }

var chosen, choiceErr = choose(os.Getenv(Variable), Available())

func choose(name string, from []string) (string, error) {
	if name == "" {
		return from[0], nil
	}
	if !slices.Contains(from, name) {
		return from[0], fmt.Errorf("%s=%s: this processor, or this build, has %s", Variable, name, strings.Join(from, ", "))
	}
	return name, nil
}

// AMX says whether the processor has tiles of bfloat16 and the operating system lets
// this process have them, which is asked for. Where the environment names a set,
// there is nothing beside it.
func AMX() bool { return chosen == AVX512 && os.Getenv(Variable) == "" && tiles() }

// Chosen is the name of the set in use.
func Chosen() string { return chosen }

// Err tells that the environment names a set that there is not; the fastest is in
// use then.
func Err() error { return choiceErr }
