//go:build !unix

package sweep

import "os"

// limitSignals announce the end of a task's time.
var limitSignals []os.Signal
