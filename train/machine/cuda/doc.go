// Package cuda is the engine that runs on an NVIDIA GPU, through
// gorgonia.org/cu and cuDNN; it is built with the tag gpu only.
//
// It has run on an H100, with cuDNN 9.14 (train/published/RESULTS.md). Everywhere
// else its kernels, from their source and from their PTX, its use of the driver and
// of cuDNN are tested by the conformance suite on an emulation of all three on the
// CPU (folder emulator), which shows what is computed from what, and neither speed
// nor what real hardware refuses.
//
// The real cuDNN, 9.19 and 9.28, which can plan for a GPU that is only described, was
// asked for plans of all convolutions of a ResNet-18, forward and backward, of
// width 64 with mini-batches of 256 and of width 4 with 8, in each precision, for
// compute capability 9.0 (132 multiprocessors) and 8.0 (108). It made plans for
// each, deterministic and within the workspace; none of these was executed.
// Without a GPU:
//
//	pip install nvidia-cudnn-cu13 nvidia-cublas (or nvidia-cudnn-cu12)
//	LARGESTEP_CUDNN=.../nvidia/cudnn/lib/libcudnn.so.9 go test -tags gpu -run Described -v ./train/machine/cuda
//
// Version 8 has the same functions and numbers in its header; it was not tried.
//
// # Memory
//
// Activations lie as NHWC, filters as KRSC (both channels last), with channels
// padded with zeros to a multiple of 8: every access is a vector, and every
// convolution fits tensor cores. With [BF16] activations and the gradients of
// filters are bfloat16; a filter is float32 with a bfloat16 copy behind it, which
// whatever writes the filter keeps up to date; statistics, losses and everything
// else stay float32.
//
// # Convolutions
//
// They are operation graphs of cuDNN's backend interface, one for each kernel.
// The first time a kernel is queued, cuDNN's heuristics propose engines with their
// parameters; of those exact enough for the precision, deterministic ones if there
// are any, each engine's first before the others, up to 32 become plans, each is
// timed on the spot as a graph, and the fastest is kept. Engines that cuDNN compiles
// at run time, a second each, are tried where there are no others.
//
// What is chosen goes to a file, by card, cuDNN version, precision and kernel, and
// every later process takes it from there: another measurement could end otherwise,
// and then give other last bits. The file is LARGESTEP_CUDA_PLANS, by default
// largestep/cuda-plans.tsv in the user's folder of caches; to choose again, remove
// it. A run's log names the plans.
//
// # Alternatives
//
// Some layers have several ways to be computed. For each kind and size of layer the
// first run measures them against the kernels apart, and the fastest is kept, in the
// file of choices, too; LARGESTEP_CUDA_LOG says by how much.
//
//	norm        Both passes of a batch norm are one kernel, whose blocks run at the
//	            same time and keep what they have read as far as it fits on the chip.
//	            Usual: on an H100 a step of ResNet-18 in bfloat16 is 7 % faster.
//	statistics  The forward convolution also makes the sums that batch norm needs, as
//	            one graph of cuDNN's, which compiles it at run time, half a minute for
//	            a ResNet-18. On an H100 another 0.7 %.
//
// LARGESTEP_CUDA_FUSE=1 tries all, 0 none, and a list of their names, with commas
// between them, some. scripts/gpu-model.py predicts from rates what others would
// gain; scripts/gpu-h100.json has measured ones.
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
//
// # Finding a fault
//
// Environment variables help:
//
//	LARGESTEP_CUDA_EAGER=1   record and replay nothing
//	LARGESTEP_CUDA_SYNC=1    wait for each kernel, and name the one that fails
//	LARGESTEP_CUDA_LOG=FILE  a line for each plan that cuDNN made or refused: card,
//	                         precision, kernel, engine, knobs, workspace in bytes,
//	                         milliseconds, and what became of it
package cuda
