//go:build noasm || !(amd64 || arm64)

package isa

func available() []string { return nil }
