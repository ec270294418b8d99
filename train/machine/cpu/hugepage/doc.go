// Package hugepage asks the operating system for memory in large pages. Kernels
// that go from pixel to pixel touch one small page after the other, and wait for
// what maps them.
package hugepage
