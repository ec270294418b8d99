// Package train minimises a finite sum (1/n) Σ f_i(x) by gradient descent or
// SGD: the step-size schedule in phases, the graphs of a training step and of
// an evaluation, the loop, and checkpoints from which a killed run goes on bit
// for bit.
package train
