//go:build !noasm

package isa

func available() []string { return []string{NEON} }
