// Package cuda is the engine that runs on an NVIDIA GPU, through
// gorgonia.org/cu and cuDNN; it is built with the tag gpu only.
//
// It has not run on a GPU yet. It compiles and links; its kernels, its use of
// the driver and of cuDNN are tested by the conformance suite on an emulation
// of all three on the CPU (folder emulator), which shows what is computed from
// what, and neither speed nor what real hardware and real cuDNN refuse.
//
// # Memory
//
// Activations lie as NHWC, filters as KRSC (both channels last), with channels
// padded with zeros to a multiple of 8: every access is a vector, and every
// convolution fits tensor cores. With [BF16] activations are bfloat16; a filter
// is float32 with a bfloat16 copy behind it, which whatever writes the filter
// keeps up to date; statistics, losses and everything else stay float32.
//
// cuDNN's older interface, which versions 8 and 9 share, sums filter gradients
// in float32 and with bfloat16 operands gives them rounded to bfloat16.
//
// # Without a GPU
//
// The program with this package starts anywhere: the driver and cuDNN are loaded
// at run time (libcuda.c, cudnn.c), and [Probe] says what is missing.
//
// # Order
//
// All work goes to one stream, so it happens in the order of the calls; the
// host waits in Sync and Download only. Uploads go through a ring of page-locked
// memory and do not wait either, unless the ring is full. A machine's second run
// is recorded as a CUDA graph and replayed from then on.
//
// # Errors
//
// Kernels return nothing: the first error sticks, and Sync, Upload, Download
// and Alloc return it from then on.
package cuda
