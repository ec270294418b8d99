// Package nets describes what is trained: each network builds its part of a
// Gorgonia graph, in training or evaluation mode, on variables with the names
// and shapes that PyTorch's models of the same kind use.
//
// A network knows no engine, no data set and no optimizer.
package nets
