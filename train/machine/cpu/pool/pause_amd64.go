//go:build !noasm

package pool

// pause tells the core that it runs a spin loop, which spares its power and
// its sibling hyperthread.
//
//go:noescape
func pause()
