//go:build noasm || !(amd64 || arm64)

package conv

// kernelSets returns the sets that this processor runs, the fastest first.
func kernelSets() []*kernelSet { return []*kernelSet{goKernels} }
