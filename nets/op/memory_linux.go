package op

import "golang.org/x/sys/unix"

// hostMemory is how many bytes of memory the machine has, 0 if that is unknown.
func hostMemory() uint64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	return uint64(info.Totalram) * uint64(info.Unit)
}
