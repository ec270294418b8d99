//go:build !noasm

package isa

import "golang.org/x/sys/cpu"

func available() []string {
	if !cpu.X86.HasAVX2 || !cpu.X86.HasFMA {
		return nil
	}
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL && cpu.X86.HasBMI2 {
		return []string{AVX512, AVX2}
	}
	return []string{AVX2}
}
