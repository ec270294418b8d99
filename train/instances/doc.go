// Package instances holds the paper's small problems: examples, the teacher
// behind the labels, and the weights from which the student starts.
//
// Each problem comes as the paper's own instance, the numbers on which its
// figures were made, or as a random one, drawn in the same way from a seed. The
// diagonal nets' data are drawn again by NumPy's generator; those of the ReLU
// nets, drawn by PyTorch's, are embedded. Random instances are drawn by NumPy's
// generator in the order that each function's comment states, so that Python
// can repeat them.
package instances
