//go:build unix

package main

import (
	"os"
	"syscall"
)

// limitSignals announce the end of a task's time.
var limitSignals = []os.Signal{syscall.SIGUSR1}
