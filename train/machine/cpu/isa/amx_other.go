//go:build noasm || !(linux && amd64)

package isa

func tiles() bool { return false }
