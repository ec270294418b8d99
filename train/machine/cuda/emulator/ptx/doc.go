// Ptx translates kernels in PTX, the assembly of NVIDIA's virtual machine, to C++,
// instruction by instruction, so that the emulation of the driver executes what is
// committed and not only its source:
//
//	go run ./train/machine/cuda/emulator/ptx kernels.ptx > kernels.inc
//
// A kernel becomes a function with its name and parameters. What instructions do is
// written in ptx.h; it also checks that every access is aligned, and, of shared
// memory, that it is inside, that what is read was written, and that no two threads
// of a block meet there between two barriers. Instructions and forms that the
// kernels do not use are refused by name.
//
// The language is that of NVIDIA's "Parallel Thread Execution ISA".
package main
