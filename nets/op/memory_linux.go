package op

import (
	"bytes"
	"math"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// hostMemory is how many bytes of memory the machine has, 0 if that is unknown.
func hostMemory() uint64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	return uint64(info.Totalram) * uint64(info.Unit)
}

// memoryLeft is how many bytes limits leave this process: that of its address space
// (ulimit -v), and that of its container.
func memoryLeft() int64 {
	var addresses, resident int64 // in use, in pages
	if b, err := os.ReadFile("/proc/self/statm"); err == nil {
		if f := bytes.Fields(b); len(f) >= 2 {
			addresses, _ = strconv.ParseInt(string(f[0]), 10, 64)
			resident, _ = strconv.ParseInt(string(f[1]), 10, 64)
		}
	}
	page, left := int64(os.Getpagesize()), int64(math.MaxInt64)
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_AS, &limit) == nil && limit.Cur < math.MaxInt64 {
		left = int64(limit.Cur) - addresses*page
	}
	if b, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		if most, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64); err == nil { // else it is "max"
			left = min(left, most-resident*page)
		}
	}
	return max(left, 0)
}
