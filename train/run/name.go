package run

import (
	"crypto/sha256"
	"fmt"
)

// LongestName keeps the name of a folder, in bytes, within what file systems take.
const LongestName = 200

// Stamped is a folder's name, cut if need be, with a checksum of what it stands for.
func Stamped(name, of string) string {
	sum := sha256.Sum256([]byte(of))
	return fmt.Sprintf("%s-%x", name[:min(len(name), LongestName-9)], sum[:4])
}
