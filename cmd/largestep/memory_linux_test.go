package main

import (
	"os/exec"
	"strings"
	"testing"
)

// Under limits of memory that the training does not fit into, it says so in a line.
func TestMemoryLimit(t *testing.T) {
	bin := program(t)
	t.Chdir(t.TempDir())
	args := tiny("run", "--width", "64", "--batch", "1000", "--train-size", "1000")
	for _, limit := range []string{"-v 3000000", "-d 400000"} { // address space, data
		out, err := exec.Command("sh", append([]string{"-c", "ulimit " + limit + `; exec "$0" "$@"`, bin}, args...)...).CombinedOutput()
		if lines := strings.Split(strings.TrimSpace(string(out)), "\n"); err == nil || len(lines) != 1 || !strings.Contains(lines[0], "GB of memory wanted of the") {
			t.Errorf("ulimit %s: %v: %.2000s", limit, err, out)
		}
	}
}
