package cpu

import "largestep/nets/op"

// Kernels that touch row-major tensors alone, and few numbers: the reference's
// loops do.

func (e *Engine) CrossEntropy(loss, logits, labels op.Tensor) {
	e.host.CrossEntropy(loss, logits, labels)
}

func (e *Engine) CrossEntropyBackward(dlogits, dloss, logits, labels op.Tensor) {
	e.host.CrossEntropyBackward(dlogits, dloss, logits, labels)
}

func (e *Engine) Record(log, loss, position op.Tensor) { e.host.Record(log, loss, position) }

func (e *Engine) Score(totals, logits, labels op.Tensor) { e.host.Score(totals, logits, labels) }

// Rows implements op.SmallKernels, as do the methods that follow.
func (e *Engine) Rows(x, y, xs, ys, index op.Tensor) { e.host.Rows(x, y, xs, ys, index) }

func (e *Engine) Product(y, x, w op.Tensor) { e.host.Product(y, x, w) }

func (e *Engine) ProductBackward(dx, dw, dy, x, w op.Tensor) {
	e.host.ProductBackward(dx, dw, dy, x, w)
}

func (e *Engine) Multiply(z, x, y op.Tensor) { e.host.Multiply(z, x, y) }

func (e *Engine) ReLU(y, x op.Tensor) { e.host.ReLU(y, x) }

func (e *Engine) ReLUBackward(dx, dy, y op.Tensor) { e.host.ReLUBackward(dx, dy, y) }

func (e *Engine) Loss(l op.Loss, loss, h, y op.Tensor) { e.host.Loss(l, loss, h, y) }

func (e *Engine) LossBackward(l op.Loss, dh, dloss, h, y op.Tensor) {
	e.host.LossBackward(l, dh, dloss, h, y)
}

func (e *Engine) SumSquares(s, x op.Tensor, scale float64) { e.host.SumSquares(s, x, scale) }

func (e *Engine) SumSquaresBackward(dx, ds, x op.Tensor, scale float64) {
	e.host.SumSquaresBackward(dx, ds, x, scale)
}
