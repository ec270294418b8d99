//go:build gpu

package cuda

import (
	"unsafe"

	"gorgonia.org/cu"
	"largestep/nets/op"
)

// updates are the SGD steps of parameters that wait to be taken by one kernel:
// most parameters are so small that a kernel for each would be all launch.
type updates struct {
	op.SGD
	eta    address
	rows   []update
	tables map[string]address // of rows, in the device's memory
}

// update is a piece of a parameter, a row of the kernel's table: Update in
// kernels.cu.
type update struct {
	w, copy, v, grad address
	elements         uint32
	half             uint32 // 1 if the gradient is bfloat16
}

// piece is how many numbers of a parameter a block updates.
const piece = 4096

// pieces splits the update of a parameter.
func (u update) pieces() []update {
	var list []update
	for at := uint32(0); at < u.elements; at += piece {
		p := u
		p.elements = min(piece, u.elements-at)
		p.w += address(4 * at)
		p.grad += address(4 * at >> u.half)
		if u.copy != 0 {
			p.copy += address(2 * at)
		}
		if u.v != 0 {
			p.v += address(4 * at)
		}
		list = append(list, p)
	}
	return list
}

// SGD implements op.Kernels. The update is queued before anything else is.
func (e *Engine) SGD(s op.SGD, w, v, grad, eta op.Tensor) {
	if err := checkFloat64(w); err != nil {
		e.fail(err)
		return
	}
	n, copy := e.parameter(w)
	u := &e.updates
	if len(u.rows) > 0 && (u.SGD != s || u.eta != at(eta) || u.has(at(w))) {
		e.settle()
	}
	u.SGD, u.eta = s, at(eta)
	row := update{w: at(w), copy: copy, v: at(v), grad: at(grad), elements: uint32(n)}
	if e.half(grad) {
		row.half = 1
	}
	u.rows = append(u.rows, row.pieces()...)
}

// has tells whether a parameter waits: two updates of it are not for one kernel.
func (u *updates) has(w address) bool {
	for _, r := range u.rows {
		if r.w == w {
			return true
		}
	}
	return false
}

// settle queues the updates that wait.
func (e *Engine) settle() {
	u := &e.updates
	rows := u.rows
	u.rows = nil
	if len(rows) == 0 || e.err != nil {
		return
	}
	table, err := e.table(rows)
	if err != nil {
		e.fail(err)
		return
	}
	e.launch("sgd", grid{len(rows), 1, threads, 1}, table, u.eta, float32(u.Momentum), float32(u.WeightDecay))
}

// table finds the rows in the device's memory, or copies them there, beside the
// stream, which may be capturing. From memory that is not page-locked the copy
// could end after the call.
func (e *Engine) table(rows []update) (address, error) {
	raw := unsafe.Slice((*byte)(unsafe.Pointer(&rows[0])), len(rows)*int(unsafe.Sizeof(rows[0])))
	if t, ok := e.updates.tables[string(raw)]; ok {
		return t, nil
	}
	defer e.enter()()
	staged, err := allocPinned(len(raw))
	if err != nil {
		return 0, err
	}
	defer freePinned(staged)
	copy(staged, raw)
	p, err := reserve(&e.memory, len(raw))
	if err != nil {
		return 0, err
	}
	e.updates.tables[string(raw)] = address(p)
	return address(p), driverError("copy to the device", cu.MemcpyHtoD(p, unsafe.Pointer(&staged[0]), int64(len(raw))))
}
