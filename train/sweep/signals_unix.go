//go:build unix

package sweep

import (
	"os"
	"syscall"
)

// limitSignals announce the end of a task's time.
var limitSignals = []os.Signal{syscall.SIGUSR1}
