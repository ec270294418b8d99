//go:build gpu

package cuda

import (
	_ "embed"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"gorgonia.org/cu"
	"largestep/nets/op"
	"largestep/train/machine"
)

// The kernels, compiled for a virtual architecture; the driver compiles them
// for the card.
//
//go:generate nvcc -ptx -arch=compute_80 -O3 -o kernels.ptx kernels.cu
//go:embed kernels.ptx
var kernelsPTX string

// Engine computes on one of the GPUs that the driver lists
// (CUDA_VISIBLE_DEVICES chooses which). It is used by one goroutine at a time.
type Engine struct {
	precision Precision
	device    string
	card
	diagnosis    diagnosis
	context      cu.CUContext
	stream       cu.Stream
	module       cu.Module
	functions    map[string]cu.Function
	uploads      *ring
	convolutions *convolver
	fused        *fused
	norms        map[string]bool // batch norms by what they are, and whether they are one kernel
	arenas       []cu.DevicePtr
	memory       []cu.DevicePtr // other than arenas
	scratch      scratch
	updates      updates
	recordings   []recording
	capturing    bool
	err          error // the first
	closed       bool
}

var (
	_ op.Engine         = (*Engine)(nil)
	_ op.FeatureKernels = (*Engine)(nil)
	_ machine.Replayer  = (*Engine)(nil)
)

// Devices counts the GPUs that the driver lists.
func Devices() int {
	if probeDriver() != nil {
		return 0
	}
	n, _ := cu.NumDevices() // known to work
	return n
}

// Probe describes a device, counted from 0, that an engine can run on, or says why
// there can be none. It looks for cuDNN too.
func Probe(device int) (string, error) {
	c, err := cardOf(device)
	if err != nil {
		return "", err
	}
	if err := loadCuDNN(); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, CUDA %s, cuDNN %s", c.name, cudaVersion(cu.Version()), cudnnVersion()), nil
}

// card is what a device is.
type card struct {
	name            string
	multiprocessors int
	blockMemory     int // that a block may share, in bytes
}

// cardOf looks at a device, which has to be one for the kernels.
func cardOf(device int) (c card, err error) {
	if err := probeDriver(); err != nil {
		return c, err
	}
	if n := Devices(); device < 0 || device >= n {
		return c, fmt.Errorf("no device %d: the driver lists %d, from 0; CUDA_VISIBLE_DEVICES chooses which", device, n)
	}
	d := cu.Device(device)
	if c.name, err = d.Name(); err != nil {
		return c, driverError("name of the device", err)
	}
	const maxSharedMemoryPerBlockOptin = cu.DeviceAttribute(97) // CU_DEVICE_ATTRIBUTE_…, which cu does not name
	var values [4]int
	for i, a := range []cu.DeviceAttribute{cu.ComputeCapabilityMajor, cu.ComputeCapabilityMinor, cu.MultiprocessorCount, maxSharedMemoryPerBlockOptin} {
		if values[i], err = d.Attribute(a); err != nil {
			return c, driverError("attributes of the device", err)
		}
	}
	c.multiprocessors, c.blockMemory = values[2], values[3]
	return c, checkDevice(c.name, values[0], values[1], cu.Version())
}

// New takes a device, counted from 0. Close gives it back.
func New(p Precision, device int) (*Engine, error) {
	description, err := Probe(device)
	if err != nil {
		return nil, err
	}
	e := &Engine{precision: p, device: fmt.Sprintf("%s, %s", description, p), functions: map[string]cu.Function{}, norms: map[string]bool{}, updates: updates{tables: map[string]address{}}}
	if e.diagnosis, err = newDiagnosis(); err != nil {
		return nil, err
	}
	if err := e.open(device); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

func (e *Engine) open(device int) (err error) {
	if e.card, err = cardOf(device); err != nil {
		return err
	}
	if e.context, err = primaryContext(device); err != nil {
		return driverError("open the device", err)
	}
	defer e.enter()()
	if e.err != nil {
		return e.err
	}
	if e.stream, err = cu.MakeStream(cu.NonBlocking); err != nil {
		return driverError("make a stream", err)
	}
	if e.module, err = cu.LoadData(kernelsPTX); err != nil {
		return driverError("load the kernels", err)
	}
	if e.uploads, err = newRing(); err != nil {
		return err
	}
	if e.scratch, err = e.newScratch(); err != nil {
		return err
	}
	e.convolutions, err = newConvolver(e)
	e.fused = newFused(e.convolutions)
	return err
}

// primaryContext is a device's, kept until the process ends: without an owner it
// would be reset, and with it what cuDNN has loaded into it.
func primaryContext(device int) (cu.CUContext, error) {
	primary.Lock()
	defer primary.Unlock()
	if c, ok := primary.contexts[device]; ok {
		return c, nil
	}
	c, err := cu.Device(device).RetainPrimaryCtx()
	if err == nil {
		primary.contexts[device] = c
	}
	return c, err
}

var primary = struct {
	sync.Mutex
	contexts map[int]cu.CUContext
}{contexts: map[int]cu.CUContext{}}

// enter makes the context current: to the driver it belongs to an OS thread, to
// which the goroutine is bound until the returned function is called.
func (e *Engine) enter() func() {
	runtime.LockOSThread()
	if err := cu.SetCurrentContext(e.context); err != nil {
		e.fail(driverError("enter the context", err))
	}
	return runtime.UnlockOSThread
}

// fail keeps the first error.
func (e *Engine) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

// Name is "cuda".
func (e *Engine) Name() string { return "cuda" }

// Device names the card, the versions of CUDA and cuDNN, and the precision.
func (e *Engine) Device() string { return e.device }

// EvaluationBatch is how many images are best evaluated at once: with fewer than a
// thousand the launches of a ResNet-18's 60 kernels take as long as their work.
func (e *Engine) EvaluationBatch() int { return 1000 }

// Bytes is the size in the engine's layout and number format.
func (e *Engine) Bytes(s op.Spec) int { return bytesOf(s, e.precision) }

// Alloc reserves zeroed memory of the device.
func (e *Engine) Alloc(bytes int) (op.Arena, error) {
	if bytes < 0 || bytes > op.MaxAlloc {
		return nil, fmt.Errorf("cannot allocate %d bytes of memory: use a smaller mini-batch or width", bytes)
	}
	if e.err != nil {
		return nil, e.err
	}
	defer e.enter()()
	return e.cleared(&e.arenas, max(bytes, op.Alignment))
}

// Free waits for the device and gives the arenas back; chosen plans stay.
func (e *Engine) Free() error {
	err := e.Sync()
	if e.closed || e.context == (cu.CUContext{}) {
		return err
	}
	defer e.enter()()
	for _, r := range e.recordings {
		r.destroy()
	}
	for _, p := range e.arenas {
		cu.MemFree(p)
	}
	if e.fused != nil {
		e.fused.forget()
	}
	e.recordings, e.arenas = nil, nil
	return err
}

// cleared reserves memory and queues its clearing.
func (e *Engine) cleared(list *[]cu.DevicePtr, bytes int) (address, error) {
	p, err := reserve(list, bytes)
	if err != nil {
		return 0, err
	}
	return address(p), driverError("clear memory", cu.MemsetD8Async(p, 0, int64(bytes), e.stream))
}

// reserve gives memory as it comes, and notes it in a list.
func reserve(list *[]cu.DevicePtr, bytes int) (cu.DevicePtr, error) {
	p, err := cu.MemAlloc(int64(bytes))
	if err == cu.OutOfMemory {
		free, total, err := cu.MemInfo()
		if err != nil {
			return 0, driverError("memory", err)
		}
		return 0, outOfMemory(bytes, free, total)
	}
	if err != nil {
		return 0, driverError("memory", err)
	}
	*list = append(*list, p)
	return p, nil
}

// Place is an address; a tensor's Data is one.
func (e *Engine) Place(a op.Arena, offset int, s op.Spec) op.Tensor {
	return op.Tensor{Spec: s, Data: a.(address) + address(offset)}
}

// at is where a tensor lies; 0 for one that nobody wants.
func at(t op.Tensor) address {
	if t.Data == nil {
		return 0
	}
	return t.Data.(address)
}

// Upload changes layout and number format on the host and queues the copy.
func (e *Engine) Upload(dst op.Tensor, src any) error {
	if err := op.CheckHost(dst.Spec, src); err != nil {
		return err
	}
	e.settle()
	if e.err != nil {
		return e.err
	}
	raw := bytesOfSlice(src)
	if l, ok := layoutOf(dst.Spec, e.precision); ok {
		raw = make([]byte, bytesOf(dst.Spec, e.precision))
		l.encode(raw, src.([]float32))
	}
	defer e.enter()()
	e.fused.touch([]any{at(dst)})
	e.fail(e.uploads.upload(cu.DevicePtr(at(dst)), raw, e.stream))
	return e.err
}

// Download waits for all kernels and copies.
func (e *Engine) Download(dst any, src op.Tensor) error {
	if err := op.CheckHost(src.Spec, dst); err != nil {
		return err
	}
	if err := e.Sync(); err != nil {
		return err
	}
	raw := bytesOfSlice(dst)
	l, ok := layoutOf(src.Spec, e.precision)
	if ok {
		raw = make([]byte, bytesOf(src.Spec, e.precision))
	}
	if len(raw) == 0 {
		return nil
	}
	defer e.enter()()
	e.fail(driverError("copy from the device", cu.MemcpyDtoH(unsafe.Pointer(&raw[0]), cu.DevicePtr(at(src)), int64(len(raw)))))
	if e.err == nil && ok {
		l.decode(dst.([]float32), raw)
	}
	return e.err
}

// bytesOfSlice views a host slice, which CheckHost has seen, as bytes.
func bytesOfSlice(s any) []byte {
	switch v := s.(type) {
	case []float32:
		return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 4*len(v))
	case []float64:
		return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 8*len(v))
	case []int32:
		return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 4*len(v))
	default:
		return v.([]uint8)
	}
}

// Sync waits for all that is queued.
func (e *Engine) Sync() error {
	e.settle()
	if e.err != nil || e.closed || e.stream == (cu.Stream{}) {
		return e.err
	}
	defer e.enter()()
	e.fail(driverError("run", e.stream.Synchronize()))
	return e.err
}

// lost is the error that stays with the device, if there is one; it waits for all
// that is queued.
func (e *Engine) lost() error {
	if e.capturing {
		return nil
	}
	return driverError("run", e.stream.Synchronize())
}

// wait waits for what was queued last, where that is asked for, and blames it for
// an error.
func (e *Engine) wait(what string) {
	if e.err == nil && e.diagnosis.sync {
		e.fail(driverError(what, e.stream.Synchronize()))
	}
}

// record makes a function that queues again what fn queues, as one graph.
func (e *Engine) record(fn func() error) (replay func() error, free func(), err error) {
	if e.diagnosis.eager {
		return fn, func() {}, nil
	}
	r, err := capture(e.stream, fn)
	return func() error { return r.launch(e.stream) }, r.destroy, err
}

// Chosen names the plans of convolutions, in the order in which they were chosen.
func (e *Engine) Chosen() []string { return e.convolutions.notes }

// Capture implements machine.Replayer with a CUDA graph.
func (e *Engine) Capture(run func() error) (replay func() error, err error) {
	e.settle()
	if e.err != nil {
		return nil, e.err
	}
	all := func() error {
		if err := run(); err != nil {
			return err
		}
		e.settle()
		return e.err
	}
	if e.diagnosis.eager {
		return all, nil
	}
	defer e.enter()()
	e.capturing = true
	defer func() { e.capturing = false }()
	r, err := capture(e.stream, all)
	if err != nil {
		e.fail(err)
		return nil, err
	}
	e.recordings = append(e.recordings, r)
	return func() error { return e.replay(r) }, nil
}

func (e *Engine) replay(r recording) error {
	e.settle()
	if e.err != nil {
		return e.err
	}
	defer e.enter()()
	e.fail(r.launch(e.stream))
	return e.err
}

// Close waits for the device and gives everything back.
func (e *Engine) Close() error {
	if e.closed {
		return nil
	}
	err := e.Free()
	e.closed = true
	if e.context == (cu.CUContext{}) {
		return err
	}
	defer e.enter()()
	e.diagnosis.close()
	if e.fused != nil {
		e.fused.close()
	}
	if e.convolutions != nil {
		e.convolutions.close()
	}
	for _, p := range e.memory {
		cu.MemFree(p)
	}
	if e.uploads != nil {
		e.uploads.close()
	}
	if e.module != (cu.Module{}) {
		e.module.Unload()
	}
	if e.stream != (cu.Stream{}) {
		e.stream.Destroy()
	}
	return err
}
