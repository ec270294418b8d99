package main

import (
	"os/exec"
	"strings"
	"testing"
)

// Under a limit of memory that the training does not fit into, it says so in a line.
func TestMemoryLimit(t *testing.T) {
	bin := program(t)
	t.Chdir(t.TempDir())
	args := tiny("run", "--width", "64", "--batch", "1000", "--train-size", "1000")
	out, err := exec.Command("sh", append([]string{"-c", `ulimit -v 3000000; exec "$0" "$@"`, bin}, args...)...).CombinedOutput()
	if lines := strings.Split(strings.TrimSpace(string(out)), "\n"); err == nil || len(lines) != 1 || !strings.Contains(lines[0], "GB of memory wanted of the") {
		t.Errorf("%v: %.2000s", err, out)
	}
}
