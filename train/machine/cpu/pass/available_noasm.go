//go:build noasm || !(amd64 || arm64)

package pass

// assembly are the implementations that this build has beside plain Go.
var assembly []*kernels
