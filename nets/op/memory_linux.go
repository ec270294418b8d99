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

// memoryLeft is how many bytes limits leave this process: those of its address space
// and of its data (ulimit -v and -d), and that of its container. Beyond that the
// runtime, which needs some of its own, would end the process.
func memoryLeft() int64 {
	const own = 32 << 20
	var used [7]int64 // in pages: addresses, resident, …, data
	if b, err := os.ReadFile("/proc/self/statm"); err == nil {
		for i, f := range bytes.Fields(b) {
			used[min(i, 6)], _ = strconv.ParseInt(string(f), 10, 64)
		}
	}
	page, left := int64(os.Getpagesize()), int64(math.MaxInt64)
	for resource, pages := range map[int]int64{unix.RLIMIT_AS: used[0], unix.RLIMIT_DATA: used[5]} {
		var limit unix.Rlimit
		if unix.Getrlimit(resource, &limit) == nil && limit.Cur < math.MaxInt64 {
			left = min(left, int64(limit.Cur)-pages*page-own)
		}
	}
	if b, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		if most, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64); err == nil { // else it is "max"
			left = min(left, most-used[1]*page)
		}
	}
	return max(left, 0)
}
