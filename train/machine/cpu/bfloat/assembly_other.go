//go:build noasm || !amd64

package bfloat

var assembly []*set
