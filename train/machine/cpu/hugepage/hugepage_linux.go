package hugepage

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// size is that of a huge page on the processors in use.
const size = 2 << 20

// Advise asks for huge pages behind s, as far as it covers them. It is best
// called before s is written to. It is no error if there are none.
func Advise[T any](s []T) {
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(*new(T))))
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(bytes)))) & (size - 1)
	if whole := (len(bytes) - skip) &^ (size - 1); whole > 0 {
		unix.Madvise(bytes[skip:][:whole], unix.MADV_HUGEPAGE)
	}
}
