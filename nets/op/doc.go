// Package op holds the operations that largestep's networks are made of, as
// nodes of a Gorgonia graph with symbolic derivatives, and the Engine
// interface that they run on.
//
// An [Operation] names itself, infers its results and runs one kernel of an
// engine. The graph knows logical shapes only, (N, C, H, W) for activations and
// (OC, IC, KH, KW) for filters; layout in memory and number format are the
// engine's own. [Reference] is the engine that defines what each kernel
// computes: plain loops on row-major host memory, in float32 or float64. It is
// also what runs our operations on Gorgonia's stock machines. It converts products
// to their own type before it adds them up, which forbids compilers to fuse the
// two: rounding decides where chaotic runs go, and is the same everywhere.
package op
