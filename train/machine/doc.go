// Package machine runs Gorgonia graphs on an engine.
//
// A [Machine] is a gorgonia.VM with a static plan: it walks the graph once,
// leaves out what no output needs, gives results that overwrite an operand (an
// updated parameter, a projection, a sum) the operand's memory, lays everything
// else out in one arena by liveness, and then runs a flat list of instructions.
// What outlives a run, parameters above all, are [Variables]: the named inputs
// of graphs, shared by all machines of one engine.
//
// The machine knows logical shapes only; layout, number format and kernels are
// the engine's. Stock Gorgonia operations run on host memory by their Do.
package machine
