//go:build !unix

package train

// lockFolder does nothing where there are no advisory locks.
func lockFolder(string) (unlock func(), err error) { return func() {}, nil }
