//go:build gpu

package cuda

// #include "libcuda.h"
// #include <cuda.h>
// #include <stdint.h>
//
// // CUstream is a pointer, and so are the others here.
// static CUresult begin(void *s) { return cuStreamBeginCapture((CUstream)s, CU_STREAM_CAPTURE_MODE_RELAXED); }
// static CUresult end(void *s, CUgraph *g) { return cuStreamEndCapture((CUstream)s, g); }
// static CUresult launch(CUgraphExec e, void *s) { return cuGraphLaunch(e, (CUstream)s); }
//
// // allow lets a launch give so much memory to a block of a kernel.
// static CUresult allow(CUfunction f, int bytes) { return cuFuncSetAttribute(f, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes); }
//
// // together launches a kernel whose blocks run at the same time.
// static CUresult together(CUfunction f, unsigned gx, unsigned gy, unsigned bx, unsigned by, unsigned shared, void *s, uint64_t *slots, int n) {
//     void *parameters[32];
//     if (n > 32) return CUDA_ERROR_INVALID_VALUE;
//     for (int i = 0; i < n; i++) parameters[i] = &slots[i];
//     return cuLaunchCooperativeKernel(f, gx, gy, 1, bx, by, 1, shared, (CUstream)s, parameters);
// }
import "C"

import (
	"fmt"
	"largestep/nets/op"
	"reflect"
	"unsafe"

	"gorgonia.org/cu"
)

// driverError explains an error of cu, or nil.
func driverError(what string, err error) error {
	if err == nil {
		return nil
	}
	if v := reflect.ValueOf(err); v.CanInt() { // cu's own type, which is not exported
		return explain(what, int(v.Int()), err.Error())
	}
	return fmt.Errorf("cuda: %s: %w", what, err)
}

// resultError is driverError for what cu lacks.
func resultError(what string, r C.CUresult) error {
	if r == C.CUDA_SUCCESS {
		return nil
	}
	var name *C.char
	if C.cuGetErrorName(r, &name) != C.CUDA_SUCCESS {
		return explain(what, int(r), "unknown")
	}
	return explain(what, int(r), C.GoString(name))
}

// probeDriver tells whether there is a driver with a device.
func probeDriver() error {
	var why *C.char
	switch status := C.largestep_driver_status(&why); status {
	case 0:
	case C.LARGESTEP_NO_DRIVER:
		return &op.Failure{Kind: op.ErrNoDevice, Text: fmt.Sprintf("no NVIDIA driver (%s): install it", C.GoString(why))}
	default:
		return resultError("start", C.CUresult(status))
	}
	count, err := cu.NumDevices()
	if err == nil && count == 0 {
		err = cu.NoDevice
	}
	return driverError("list devices", err)
}

// launchTogether launches a kernel whose blocks run at the same time, each with so
// many bytes of shared memory beside its own; cu lacks that.
func launchTogether(f cu.Function, g grid, shared int, s cu.Stream, slots []uint64) error {
	function := *(*C.CUfunction)(unsafe.Pointer(&f)) // the only field of cu's type
	if err := resultError("shared memory", C.allow(function, C.int(shared))); err != nil {
		return err
	}
	return resultError("launch blocks that meet", C.together(function, C.uint(g.x), C.uint(g.y), C.uint(g.blockX), C.uint(g.blockY), C.uint(shared),
		pointer(s), (*C.uint64_t)(unsafe.SliceData(slots)), C.int(len(slots))))
}

// pointer is a stream as C sees it.
func pointer(s cu.Stream) unsafe.Pointer { return unsafe.Pointer(s.C()) }

// capture records what fn queues on a stream, instead of running it.
func capture(s cu.Stream, fn func() error) (recording, error) {
	if err := resultError("begin recording", C.begin(pointer(s))); err != nil {
		return recording{}, err
	}
	failed := fn()
	var graph C.CUgraph
	err := resultError("end recording", C.end(pointer(s), &graph))
	if failed != nil {
		err = failed
	}
	if graph == nil {
		return recording{}, err
	}
	defer C.cuGraphDestroy(graph)
	if err != nil {
		return recording{}, err
	}
	var r recording
	return r, resultError("make a graph", C.cuGraphInstantiateWithFlags(&r.exec, graph, 0))
}

// recording is a graph that can be launched.
type recording struct{ exec C.CUgraphExec }

func (r recording) launch(s cu.Stream) error {
	return resultError("launch a graph", C.launch(r.exec, pointer(s)))
}

func (r recording) destroy() { C.cuGraphExecDestroy(r.exec) }

// allocPinned gives page-locked host memory, which the device reads by itself.
func allocPinned(bytes int) ([]byte, error) {
	var p unsafe.Pointer
	if err := resultError("page-locked memory", C.cuMemHostAlloc(&p, C.size_t(bytes), 0)); err != nil {
		return nil, err
	}
	return unsafe.Slice((*byte)(p), bytes), nil
}

func freePinned(b []byte) { C.cuMemFreeHost(unsafe.Pointer(unsafe.SliceData(b))) }
