//go:build gpu

package cuda

import (
	"fmt"

	"gorgonia.org/cu"
	"largestep/nets/op"
)

// cooperative is the way of a batch norm whose two passes are one kernel, with the
// activation kept on the chip between them as far as it fits (cooperative.cuh).
var cooperative = config{-3, "cooperative"}

// kernel names a batch norm.
func (n normForward) kernel() string { return "batch norm " + n.spell(n.x) }

func (n normBackward) kernel() string { return "batch norm backward " + n.spell(n.x) }

func (b norm) spell(x op.Tensor) string {
	text := fmt.Sprintf("%dx%dx%dx%d", x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3])
	if b.ReLU {
		text += " relu"
	}
	if b.Residual {
		text += " residual"
	}
	return text
}

// isTogether tells whether a batch norm on x is to be one kernel, which is measured
// the first time.
func (e *Engine) isTogether(kernel string, x op.Tensor, apart, together func()) bool {
	if !e.diagnosis.tries.norm {
		return false
	}
	if chosen, ok := e.norms[kernel]; ok || e.capturing || e.err != nil {
		return chosen
	}
	if _, fits := e.meeting(x); !fits {
		return false
	}
	defer e.enter()()
	ways := []way{{config: separate, run: e.attempt(apart)}, {config: cooperative, run: e.attempt(together)}}
	chosen, err := e.convolutions.contest(kernel, ways)
	if err != nil {
		e.fail(err)
		return false
	}
	e.norms[kernel] = chosen > 0
	return chosen > 0
}

// attempt is what f queues as a function that returns its error, which does not
// stick.
func (e *Engine) attempt(f func()) func() error {
	return func() error {
		f()
		err := e.err
		e.err = nil
		return err
	}
}

// meeting is the grid of a batch norm on x whose blocks meet; ok is false if not
// all of them could run at the same time.
func (e *Engine) meeting(x op.Tensor) (g grid, ok bool) {
	l, _ := layoutOf(x.Spec, e.precision)
	return meeting(l.rows, l.columns, e.multiprocessors)
}

// launchTogether queues a kernel of cooperative.cuh on x, which keeps n vectors for
// each of a thread's rows. args gives its arguments for the number of rows that a
// thread keeps.
func (e *Engine) launchTogether(name string, x op.Tensor, n int, args func(keep int32) []any) {
	if e.err != nil {
		return
	}
	defer e.enter()()
	f, err := e.function(name)
	if err != nil {
		e.fail(err)
		return
	}
	own, err := f.Attribute(cu.SharedSizeBytes)
	if err != nil {
		e.fail(driverError("memory of kernel "+name, err))
		return
	}
	l, _ := layoutOf(x.Spec, e.precision)
	g, _ := e.meeting(x)
	row := lanes * depth * n * vector * bytesOf(x.Spec, e.precision) / l.elements // in bytes
	keep := min((e.blockMemory-own)/row, (l.rows+g.y*depth-1)/(g.y*depth))
	e.queue(name, g, args(int32(keep)), func(f cu.Function, slots []uint64) error {
		return launchTogether(f, g, keep*row, e.stream, slots)
	})
}

func (e *Engine) normForwardTogether(n normForward) {
	rows, channels, columns := e.activation(n.x)
	e.launchTogether("norm_forward"+e.format(), n.x, 1, func(keep int32) []any {
		return []any{at(n.y), at(n.x), at(n.residual), at(n.gamma), at(n.beta), n.mean, n.invStd, n.runningMean, n.runningVar,
			e.scratch.partial, e.scratch.meetings, keep, rows, channels, columns, n.Epsilon, n.Momentum, n.ReLU}
	})
}

func (e *Engine) normBackwardTogether(n normBackward) {
	rows, channels, columns := e.activation(n.x)
	e.launchTogether("norm_backward"+e.format(), n.x, 2, func(keep int32) []any {
		return []any{at(n.dx), at(n.dresidual), n.dgamma, n.dbeta, at(n.dy), at(n.x), n.output, at(n.gamma), at(n.beta), at(n.mean), at(n.invStd),
			e.scratch.partial, e.scratch.meetings, keep, rows, channels, columns, n.ReLU}
	})
}
