package isa

import (
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	have := []string{AVX2, Go}
	for name, want := range map[string]string{"": AVX2, AVX2: AVX2, Go: Go} {
		if got, err := choose(name, have); got != want || err != nil {
			t.Errorf("%q: %s, %v; want %s", name, got, err, want)
		}
	}
	for _, name := range []string{AVX512, NEON, "sse", "AVX2"} {
		if _, err := choose(name, have); err == nil || !strings.Contains(err.Error(), "LARGESTEP_CPU="+name) || !strings.Contains(err.Error(), "avx2, go") {
			t.Errorf("%q: %v", name, err)
		}
	}
}
