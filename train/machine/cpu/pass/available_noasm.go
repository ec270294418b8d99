//go:build !amd64 || noasm

package pass

// available lists the implementations that this machine can run, best first.
func available() []*kernels { return []*kernels{&reference} }
