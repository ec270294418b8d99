package cpu

import (
	"largestep/train/machine/cpu/conv"
	"largestep/train/machine/cpu/isa"
	"largestep/train/machine/cpu/pass"
)

// Limits are what the processor can do on the engine's threads.
type Limits struct {
	FLOP  float64 `json:"flop"`  // floating-point operations per second, in fused multiply-adds or in tiles
	Bytes float64 `json:"bytes"` // per second, read and written beyond the cores' own caches
}

// Limits measures them, which takes seconds.
func (e *Engine) Limits() Limits {
	peak := conv.Peak
	if e.short && isa.AMX() {
		peak = conv.PeakShort
	}
	return Limits{FLOP: peak(e.threads), Bytes: pass.Bandwidth(e.threads)}
}

// Threads returns how many threads compute.
func (e *Engine) Threads() int { return e.threads.Threads() }

// Meter has m count what convolutions spend, which slows them down a little, until
// it is nil.
func (e *Engine) Meter(m *conv.Meter) { e.scratch.Meter = m }
