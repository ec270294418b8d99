//go:build gpu

package cuda

import (
	"fmt"
	"unsafe"

	"gorgonia.org/cu"
	"gorgonia.org/tensor"
	"largestep/nets/op"
)

// scratch is memory that kernels share, one after the other.
type scratch struct {
	partial  address    // sums of blocks: two float32 for each of a tile's channels
	arrivals address    // a counter for each tile, 0 between kernels
	meetings address    // the same, for kernels whose blocks meet
	vectors  [4]address // results of batch norm that nobody wants: mean, 1/σ, dγ, dβ
}

func (e *Engine) newScratch() (s scratch, err error) {
	const vectorBytes = maxTiles * tile * 4
	sizes := []int{partials(e.multiprocessors) * tile * 8, maxTiles * 4, maxTiles * 4, vectorBytes, vectorBytes, vectorBytes, vectorBytes}
	for i, p := range []*address{&s.partial, &s.arrivals, &s.meetings, &s.vectors[0], &s.vectors[1], &s.vectors[2], &s.vectors[3]} {
		if *p, err = e.cleared(&e.memory, sizes[i]); err != nil {
			return s, err
		}
	}
	return s, nil
}

// or gives scratch memory to a result that nobody wants but the next kernel.
func or(t op.Tensor, vector address) address {
	if t.Wanted() {
		return at(t)
	}
	return vector
}

// ready tells whether to queue a kernel on these operands, after the updates
// that wait.
func (e *Engine) ready(operands ...op.Tensor) bool {
	e.settle()
	for _, t := range operands {
		if err := checkFloat64(t); err != nil {
			e.fail(err)
		}
	}
	return e.err == nil
}

// launch queues a kernel of kernels.cu.
func (e *Engine) launch(name string, g grid, args ...any) {
	e.queue(name, g, args, func(f cu.Function, slots []uint64) error {
		pointers := make([]unsafe.Pointer, len(slots))
		for i := range slots {
			pointers[i] = unsafe.Pointer(&slots[i])
		}
		return driverError("kernel "+name, f.Launch(g.x, g.y, 1, g.blockX, g.blockY, 1, 0, e.stream, pointers))
	})
}

// queue lets a kernel be queued with its arguments.
func (e *Engine) queue(name string, g grid, args []any, launch func(f cu.Function, slots []uint64) error) {
	if e.err != nil {
		return
	}
	defer e.enter()()
	f, err := e.function(name)
	if err != nil {
		e.fail(err)
		return
	}
	e.fused.touch(args)
	e.fail(launch(f, slots(args...)))
	if e.diagnosis.sync {
		e.wait(fmt.Sprintf("kernel %s of %d x %d blocks of %d x %d threads on %v", name, g.x, g.y, g.blockX, g.blockY, args))
	}
}

// function is a kernel of kernels.cu.
func (e *Engine) function(name string) (cu.Function, error) {
	f, ok := e.functions[name]
	if !ok {
		var err error
		if f, err = e.module.Function(name); err != nil {
			return f, driverError("kernel "+name, err)
		}
		e.functions[name] = f
	}
	return f, nil
}

// format is the suffix of kernels that touch activations.
func (e *Engine) format() string {
	if e.precision == BF16 {
		return "_bf16"
	}
	return "_fp32"
}

// activation is how a kernel sees an activation: rows, channels, padded channels.
func (e *Engine) activation(t op.Tensor) (rows, channels, columns int32) {
	l, _ := layoutOf(t.Spec, e.precision)
	return int32(l.rows), int32(l.channels), int32(l.columns)
}

// tiled is the grid of a batch-norm kernel on x.
func (e *Engine) tiled(x op.Tensor) grid {
	l, _ := layoutOf(x.Spec, e.precision)
	return tiled(l.rows, l.columns, e.multiprocessors)
}

// flat is a grid for n items.
func (e *Engine) flat(n int) grid { return flat(n, e.multiprocessors) }

func (e *Engine) BatchNormInference(b op.BatchNorm, y, x, gamma, beta, mean, variance, residual op.Tensor) {
	if !e.ready(x) {
		return
	}
	rows, channels, columns := e.activation(x)
	e.launch("norm_apply"+e.format(), e.tiled(x), at(y), at(x), at(residual), at(gamma), at(beta), at(mean), at(variance),
		true, rows, channels, columns, float32(b.Epsilon), b.ReLU)
}

func (e *Engine) AveragePool(y, x op.Tensor) {
	if !e.ready(x) {
		return
	}
	_, channels, columns := e.activation(x)
	n, area := x.Shape[0], x.Shape[2]*x.Shape[3]
	e.launch("average_pool"+e.format(), e.flat(n*int(columns)/vector), at(y), at(x), int32(n), int32(area), channels, columns)
}

func (e *Engine) AveragePoolBackward(dx, dy op.Tensor) {
	if !e.ready(dx) {
		return
	}
	rows, channels, columns := e.activation(dx)
	n, area := dx.Shape[0], dx.Shape[2]*dx.Shape[3]
	e.launch("average_pool_grad"+e.format(), e.flat(int(rows)*int(columns)/vector), at(dx), at(dy), int32(n), int32(area), channels, columns)
}

// windows are the arguments of a max pool's kernels after the tensors: images,
// padded channels, and Windows in kernels.cu.
func (e *Engine) windows(p op.Pooling, x, y op.Tensor) []any {
	_, _, columns := e.activation(x)
	list := []any{int32(x.Shape[0]), columns}
	for _, n := range []int{x.Shape[2], x.Shape[3], y.Shape[2], y.Shape[3], p.Size, p.Stride} {
		list = append(list, int32(n))
	}
	return list
}

func (e *Engine) MaxPool(p op.Pooling, y, x op.Tensor) {
	if e.ready(x) {
		rows, _, columns := e.activation(y)
		e.launch("max_pool"+e.format(), e.flat(int(rows)*int(columns)/vector), append([]any{at(y), at(x)}, e.windows(p, x, y)...)...)
	}
}

func (e *Engine) MaxPoolBackward(p op.Pooling, dx, dy, x, y op.Tensor) {
	if e.ready(x) {
		rows, _, columns := e.activation(x)
		e.launch("max_pool_grad"+e.format(), e.flat(int(rows)*int(columns)/vector), append([]any{at(dx), at(dy), at(x), at(y)}, e.windows(p, x, y)...)...)
	}
}

func (e *Engine) Linear(y, x, w, b op.Tensor) {
	if !e.ready(x) {
		return
	}
	n, in, out := x.Shape[0], x.Shape[1], w.Shape[0]
	e.launch("linear", grid{out, (n + 7) / 8, 32, 8}, at(y), at(x), at(w), at(b), int32(n), int32(in), int32(out))
}

func (e *Engine) LinearBackward(dx, dw, db, dy, x, w op.Tensor) {
	if !e.ready(x) {
		return
	}
	n, in, out := x.Shape[0], x.Shape[1], w.Shape[0]
	if dx.Wanted() {
		e.launch("linear_grad_x", e.flat(n*in), at(dx), at(dy), at(w), int32(n), int32(in), int32(out))
	}
	if dw.Wanted() || db.Wanted() {
		e.launch("linear_grad_w", grid{in/32 + 1, out, 32, 8}, at(dw), at(db), at(dy), at(x), int32(n), int32(in), int32(out))
	}
}

// one is a grid of a single block.
var one = grid{1, 1, threads, 1}

func (e *Engine) CrossEntropy(loss, logits, labels op.Tensor) {
	if e.ready(logits) {
		e.launch("cross_entropy", one, at(loss), at(logits), at(labels), int32(logits.Shape[0]), int32(logits.Shape[1]))
	}
}

func (e *Engine) CrossEntropyBackward(dlogits, dloss, logits, labels op.Tensor) {
	if e.ready(logits) {
		n, classes := logits.Shape[0], logits.Shape[1]
		e.launch("cross_entropy_grad", e.flat(n), at(dlogits), at(dloss), at(logits), at(labels), int32(n), int32(classes))
	}
}

func (e *Engine) Gather(g op.Gathering, x, y, images, labels, index, window op.Tensor) {
	if !e.ready(x) {
		return
	}
	rows, channels, columns := e.activation(x)
	var mean, std [3]float32
	for c := range mean {
		mean[c], std[c] = g.Of(c)
	}
	e.launch("gather"+e.format(), e.flat(int(rows)*int(columns)/vector), at(x), or(y, e.scratch.vectors[0]), at(images), at(labels), at(index), at(window),
		int32(x.Shape[0]), channels, int32(x.Shape[2]), int32(x.Shape[3]), columns, int32(g.Pad), mean[0], mean[1], mean[2], std[0], std[1], std[2])
}

// parameter is how an elementwise kernel sees a float32 tensor: its number of
// elements with padding, and where its bfloat16 copy is, if it has one.
func (e *Engine) parameter(t op.Tensor) (elements int, copy address) {
	l, _ := layoutOf(t.Spec, e.precision)
	if l.copy {
		copy = e.filterOf(t)
	}
	return l.elements, copy
}

// half tells whether a tensor is bfloat16.
func (e *Engine) half(t op.Tensor) bool {
	l, _ := layoutOf(t.Spec, e.precision)
	return l.half
}

func (e *Engine) Accumulate(sum, x, decay op.Tensor, scale float64) {
	if e.ready(sum) {
		n, copy := e.parameter(sum)
		e.launch("accumulate", e.flat(n), at(sum), copy, at(x), e.half(x), at(decay), n, float32(scale))
	}
}

func (e *Engine) Add(z, x, y op.Tensor) {
	if !e.ready(z) {
		return
	}
	n, copy := e.parameter(z)
	if z.Kind == op.Activation || z.Kind == op.FilterGradient {
		e.launch("add_activations"+e.format(), e.flat(n/vector), at(z), at(x), at(y), n)
	} else {
		e.launch("add", e.flat(n), at(z), copy, at(x), at(y), n)
	}
}

func (e *Engine) Record(log, loss, position op.Tensor) {
	if e.ready(loss) {
		e.launch("record", grid{1, 1, 1, 1}, at(log), at(loss), at(position))
	}
}

func (e *Engine) Score(totals, logits, labels op.Tensor) {
	if e.ready(logits) {
		e.launch("score", one, at(totals), at(logits), at(labels), int32(logits.Shape[0]), int32(logits.Shape[1]))
	}
}

func (e *Engine) Positives(total, x, labels op.Tensor) {
	if !e.ready(x) {
		return
	}
	l, ok := layoutOf(x.Spec, e.precision)
	name := "positives_fp32"
	if ok {
		name = "positives" + e.format()
	}
	size := l.elements / x.Shape[0]
	e.launch(name, grid{e.flat(size / (8 * vector)).x, x.Shape[0], threads, 1}, at(total), at(x), at(labels), int32(size))
}

// Select implements op.FeatureKernels.
func (e *Engine) Select(z, x, units, labels op.Tensor) {
	if !e.ready(z) {
		return
	}
	n, count := z.Shape[0], z.Shape[1]
	area, columns, name := 1, x.Shape[1], "select_plain"
	if l, ok := layoutOf(x.Spec, e.precision); ok {
		area, columns, name = l.area, l.columns, "select_units"
	}
	e.launch(name+e.format(), e.flat(n*padded(count)/vector), at(z), at(x), at(units), at(labels),
		int32(n), int32(area), int32(columns), int32(count), int32(padded(count)))
}

// CountPositive implements op.FeatureKernels.
func (e *Engine) CountPositive(total, z op.Tensor) {
	if e.ready(z) {
		n, count := z.Shape[0], z.Shape[1]
		e.launch("count_positive"+e.format(), grid{(count + 31) / 32, 1, 32, 8}, at(total), at(z), int32(n), int32(count), int32(padded(count)))
	}
}

// checkFloat64 refuses what the engine has no kernels for.
func checkFloat64(t op.Tensor) error {
	if t.Dtype == tensor.Float64 {
		return &op.Failure{Kind: op.ErrNoKernel, Text: fmt.Sprintf("the cuda engine computes in float32: a tensor is %v", t.Spec)}
	}
	return nil
}
