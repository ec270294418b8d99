//go:build gpu

package cuda

import (
	"unsafe"

	"gorgonia.org/cu"
)

const (
	ringSegments  = 4
	segmentBytes  = 4 << 20
	segmentCopies = 256
)

// ring is page-locked memory through which uploads go. A segment is used again
// once the copies out of it are done, which is what keeps the host from running
// far ahead of the device: by 256 steps of training, which upload four times.
type ring struct {
	memory  []byte
	segment int
	used    int // bytes of the segment
	copies  int // out of the segment
	done    [ringSegments]cu.Event
	pending [ringSegments]bool
}

func newRing() (*ring, error) {
	r := &ring{}
	var err error
	if r.memory, err = allocPinned(ringSegments * segmentBytes); err != nil {
		return nil, err
	}
	for i := range r.done {
		if r.done[i], err = cu.MakeEvent(cu.DisableTiming); err != nil {
			return r, driverError("make an event", err)
		}
	}
	return r, nil
}

func (r *ring) close() {
	for i := range r.done {
		if r.done[i] != (cu.Event{}) {
			cu.DestroyEvent(&r.done[i])
		}
	}
	freePinned(r.memory)
}

// upload queues a copy to the device; src may be reused at once.
func (r *ring) upload(dst cu.DevicePtr, src []byte, s cu.Stream) error {
	for len(src) > 0 {
		if r.used == segmentBytes || r.copies == segmentCopies {
			if err := r.next(s); err != nil {
				return err
			}
		}
		at := r.segment*segmentBytes + r.used
		n := copy(r.memory[at:(r.segment+1)*segmentBytes], src)
		if err := cu.MemcpyHtoDAsync(dst, unsafe.Pointer(&r.memory[at]), int64(n), s); err != nil {
			return driverError("copy to the device", err)
		}
		r.used = min(segmentBytes, (r.used+n+63)&^63)
		r.copies++
		dst, src = dst+cu.DevicePtr(n), src[n:]
	}
	return nil
}

// next moves to the next segment, and waits until it is free.
func (r *ring) next(s cu.Stream) error {
	if err := r.done[r.segment].Record(s); err != nil {
		return driverError("record an event", err)
	}
	r.pending[r.segment] = true
	r.segment = (r.segment + 1) % ringSegments
	r.used, r.copies = 0, 0
	if !r.pending[r.segment] {
		return nil
	}
	r.pending[r.segment] = false
	return driverError("copy to the device", r.done[r.segment].Synchronize())
}
