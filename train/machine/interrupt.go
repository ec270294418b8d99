package machine

import (
	"context"
	"errors"

	"largestep/nets/op"
)

// ErrInterrupted is returned by what a context has ended.
var ErrInterrupted = errors.New("interrupted")

// Until makes all machines on these variables, and on those beside them, end early, between two kernels, once
// the context has ended; context.Background lets them run to their ends again. What
// a run that ended early has computed is undefined, variables that it updates
// included.
func (v *Variables) Until(ctx context.Context) { *v.until = ctx.Done() }

func (v *Variables) interrupted() bool {
	select {
	case <-*v.until: // never, if nil
		return true
	default:
		return false
	}
}

// A Transaction is runs of several machines, one after the other, which a context that
// ends before the last kernel of any undoes.
type Transaction struct{ changed undo }

// Run is RunAll of the next machine, but for a context that ends before its last kernel:
// then the variables are what they were before the first machine, and the error is
// ErrInterrupted. It takes memory and time for copies of what it updates. On an engine
// that queues its kernels it is RunAll, which returns at once there.
func (t *Transaction) Run(ctx context.Context, m *Machine) error {
	if _, queues := m.engine.(Replayer); queues || ctx.Done() == nil {
		return m.RunAll()
	}
	for k := range m.instructions {
		if ctx.Err() != nil {
			t.changed.restore()
			return ErrInterrupted
		}
		i := &m.instructions[k]
		for _, u := range i.updates {
			t.changed.keep(i.in[u])
		}
		if err := m.execute(i); err != nil {
			return err
		}
	}
	m.ran = true
	return nil
}

// undo restores host memory, the last change first.
type undo []func()

func (u *undo) keep(t op.Tensor) {
	switch x := t.Data.(type) {
	case []float32:
		*u = append(*u, restorer(x))
	case []float64:
		*u = append(*u, restorer(x))
	case []int32:
		*u = append(*u, restorer(x))
	}
}

func restorer[T any](x []T) func() {
	old := append([]T(nil), x...)
	return func() { copy(x, old) }
}

func (u undo) restore() {
	for k := len(u) - 1; k >= 0; k-- {
		u[k]()
	}
}
