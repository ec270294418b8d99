//go:build !unix

package main

import "os"

// limitSignals announce the end of a task's time.
var limitSignals []os.Signal
