//go:build !noasm

package isa

import (
	"sync"

	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"
)

// What arch_prctl(2) asks the kernel for: the registers of AMX's tiles, for all
// threads of the process.
const (
	archReqXCompPerm = 0x1023
	xFeatureTileData = 18
)

var tiles = sync.OnceValue(func() bool {
	if !cpu.X86.HasAMXTile || !cpu.X86.HasAMXBF16 {
		return false
	}
	_, _, errno := unix.RawSyscall(unix.SYS_ARCH_PRCTL, archReqXCompPerm, xFeatureTileData, 0)
	return errno == 0
})
