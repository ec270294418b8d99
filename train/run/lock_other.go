//go:build !unix || solaris || aix

package run

// lock does nothing: there are no advisory locks here.
func lock(string) (unlock func(), err error) { return func() {}, nil }
