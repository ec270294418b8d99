package op

import (
	"strings"
	"testing"
)

func TestAllocMoreThanTheMachineHas(t *testing.T) {
	has := hostMemory()
	if has == 0 {
		t.Skip("the machine's memory is unknown here")
	}
	if _, err := (Reference{}).Alloc(int(min(has+1, MaxAlloc))); err == nil || !strings.Contains(err.Error(), "smaller mini-batch or width") {
		t.Errorf("more memory than the machine's %d bytes: %v", has, err)
	}
	if _, err := (Reference{}).Alloc(1 << 20); err != nil {
		t.Errorf("a megabyte: %v", err)
	}
}
