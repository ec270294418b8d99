package hugepage

import "testing"

// Memory keeps what is in it, whatever its size and wherever it begins.
func TestAdvise(t *testing.T) {
	all := make([]float32, 3<<20)
	for i := range all {
		all[i] = float32(i)
	}
	for _, s := range [][]float32{nil, all[:0], all[:1], all[5:], all[1<<19 : 1<<20], all} {
		Advise(s)
	}
	for i, v := range all {
		if v != float32(i) {
			t.Fatalf("element %d is %v", i, v)
		}
	}
}
