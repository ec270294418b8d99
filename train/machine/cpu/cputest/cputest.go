// Package cputest gives tests a cpu engine.
package cputest

import (
	"testing"

	"largestep/train/machine/cpu"
)

// New is an engine of so many threads that is closed when the test ends.
func New(t testing.TB, threads int) *cpu.Engine {
	e := cpu.New(threads)
	t.Cleanup(func() { e.Close() })
	return e
}
