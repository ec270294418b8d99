//go:build noasm || !(amd64 || arm64)

package pass

// available lists the implementations that this machine can run, best first.
func available() []*kernels { return []*kernels{&reference} }
