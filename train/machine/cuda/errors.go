package cuda

import (
	"fmt"
	"strings"

	"largestep/nets/op"
)

// The error codes of the driver that a user can do something about
// (CUresult of cuda.h).
const (
	codeOutOfMemory    = 2
	codeNoDevice       = 100
	codeNoBinary       = 209
	codeInvalidPTX     = 218
	codeECC            = 214
	codeNoCompiler     = 221
	codeUnsupportedPTX = 222
	codeNotFound       = 500
	codeIllegalAddress = 700
	codeFirstFault     = 714 // of a kernel: stack, instruction, alignment, address space, program counter
	codeLaunchFailed   = 719
	codeSystemNotReady = 802
	codeMismatch       = 803
	codeUnknown        = 999
)

// explain turns an error code of the driver into what it means and what to do;
// name is the driver's word for it.
func explain(what string, code int, name string) error {
	var advice string
	var kind error
	switch {
	case code == codeOutOfMemory:
		kind, advice = op.ErrMemory, "out of memory; "+freeTheCard
	case code == codeNoDevice:
		kind, advice = op.ErrNoDevice, "no NVIDIA GPU; check nvidia-smi and CUDA_VISIBLE_DEVICES"
	case code == codeNoBinary, code == codeInvalidPTX, code == codeUnsupportedPTX:
		advice = "the driver cannot compile the kernels; update the NVIDIA driver to 520 or later"
	case code == codeNoCompiler:
		advice = "the driver's compiler, libnvidia-ptxjitcompiler.so.1, is missing; in a container, set NVIDIA_DRIVER_CAPABILITIES=compute,utility"
	case code == codeNotFound:
		advice = "the driver lacks a function; update the NVIDIA driver to 520 or later"
	case code == codeECC, code == codeIllegalAddress, code >= codeFirstFault && code <= codeLaunchFailed, code == codeUnknown:
		kind, advice = op.ErrLost, "the device is lost to this process; if that happens again, see dmesg for Xid errors, and set "+syncVariable+"=1 to learn which kernel it was"
	case code == codeSystemNotReady:
		advice = "the system is not ready; is nvidia-fabricmanager running?"
	case code == codeMismatch:
		advice = "the driver's library and kernel module differ; reboot after a driver update"
	default:
		return fmt.Errorf("cuda: %s: %s (error %d)", what, name, code)
	}
	return &op.Failure{Kind: kind, Text: fmt.Sprintf("cuda: %s: %s (error %d, %s)", what, advice, code, name)}
}

const freeTheCard = "free the card of other programs (nvidia-smi lists them)"

// outOfMemory says how much was asked for and how much there is.
func outOfMemory(bytes int, free, total int64) error {
	return &op.Failure{Kind: op.ErrMemory, Text: fmt.Sprintf("cuda: out of memory: %s asked for, %s of %s free: "+freeTheCard, gigabytes(int64(bytes)), gigabytes(free), gigabytes(total))}
}

func gigabytes(b int64) string { return fmt.Sprintf("%.2f GB", float64(b)/1e9) }

// explainCuDNN turns a status of cuDNN's into words; more is what the library
// said about it, over any number of lines.
func explainCuDNN(what, name, more string) error {
	if words := strings.Join(strings.Fields(more), " "); words != "" {
		name += ": " + words
	}
	return cudnnFailure(fmt.Sprintf("cuda: %s: cuDNN: %s", what, name))
}

// cudnnFailure is an error of cuDNN's, which may be all it knows of one of the
// driver's.
type cudnnFailure string

func (f cudnnFailure) Error() string { return string(f) }

// noPlan says why a convolution cannot be computed.
func noPlan(proposals, limit int, refused error) error {
	why := ""
	if refused != nil {
		why = fmt.Sprintf(" (%v)", refused)
	}
	return &op.Failure{Kind: op.ErrFormat, Text: fmt.Sprintf("cuda: none of cuDNN's %d proposals computes a convolution within %d MB of workspace%s: update cuDNN", proposals, limit>>20, why)}
}

// cudnnMissing lists what was looked for.
func cudnnMissing(tried []string) error {
	return fmt.Errorf("cuDNN 8 or 9 not found (looked for %s): install it with \"pip install nvidia-cudnn-cu12\" (nvidia-cudnn-cu13 for a driver of CUDA 13) or your system's cudnn package, or name the file in %s",
		strings.Join(tried, ", "), cudnnVariable)
}

// cudnnVariable is the environment variable that names the cuDNN library, and
// syncVariable the one that makes the engine wait for each kernel.
const (
	cudnnVariable = "LARGESTEP_CUDNN"
	syncVariable  = "LARGESTEP_CUDA_SYNC"
)
