// Package trainer minimises a finite sum (1/n) Σ f_i(x) by gradient descent or
// by SGD: the graph of a training step, the loop with its evaluations and
// checkpoints, from which a killed run goes on bit for bit, and the search for
// the step size at which it diverges.
package trainer
