//go:build !linux && !darwin

package op

// hostMemory is 0: unknown.
func hostMemory() uint64 { return 0 }
