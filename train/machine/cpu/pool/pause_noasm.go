//go:build !amd64 || noasm

package pool

// pause is nothing where there is no assembly.
func pause() {}
