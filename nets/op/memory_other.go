//go:build !linux && !darwin

package op

import "math"

// hostMemory is 0: unknown.
func hostMemory() uint64 { return 0 }

// memoryLeft is not known here.
func memoryLeft() int64 { return math.MaxInt64 }
