// Package measure computes what a training is judged by besides its loss: how
// sparse the features are, the rank of the Jacobian, the sparsity and balance of
// diagonal linear nets, the distance between activation patterns, and the
// plateau on which the loss stands still under a large step size.
//
// The definitions are those of "SGD with Large Step Sizes Learns Sparse
// Features" (Andriushchenko et al., ICML 2023, arXiv 2210.05337) and of its
// authors' code. All functions are pure.
package measure
