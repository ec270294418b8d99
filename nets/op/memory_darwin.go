package op

import (
	"math"

	"golang.org/x/sys/unix"
)

// hostMemory is how many bytes of memory the machine has, 0 if that is unknown.
func hostMemory() uint64 {
	bytes, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		return 0
	}
	return bytes
}

// memoryLeft is not known here.
func memoryLeft() int64 { return math.MaxInt64 }
