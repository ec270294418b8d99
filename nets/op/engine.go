package op

import (
	"slices"

	"gorgonia.org/tensor"
)

// Engine is a device with memory and the kernels that work on it. Kernels are
// asynchronous and report nothing: after a failure they do nothing, and the
// next Sync or Download returns the first error.
type Engine interface {
	Memory
	Kernels
}

// Float64Engine is an engine whose own kernels compute in float32 alone, and that
// has others, on the same memory, for float64.
type Float64Engine interface {
	Engine
	Float64() Kernels
}

// KernelsFor are the kernels of an engine that an operation with these operands
// and results runs on. It computes in float64 if none of them is float32:
// counters are float64 always.
func KernelsFor(e Engine, operands, results []Spec) Kernels {
	f, ok := e.(Float64Engine)
	isFloat32 := func(s Spec) bool { return s.Dtype == tensor.Float32 }
	if !ok || slices.ContainsFunc(operands, isFloat32) || slices.ContainsFunc(results, isFloat32) {
		return e
	}
	return f.Float64()
}

// Memory places tensors on a device.
type Memory interface {
	// Name identifies the engine: "cpu", "cuda", "reference".
	Name() string
	// Device says in words what it runs on.
	Device() string
	// Bytes is the size of a tensor in the engine's layout.
	Bytes(s Spec) int
	// Alloc reserves zeroed memory; the error says how much was asked for.
	Alloc(bytes int) (Arena, error)
	// Place is the tensor of the given spec at an offset, a multiple of
	// Alignment, of an arena.
	Place(a Arena, offset int, s Spec) Tensor
	// Upload copies src, a slice of the tensor's dtype in row-major order, to
	// the engine. The slice may be reused as soon as Upload returns.
	Upload(dst Tensor, src any) error
	// Download copies a tensor into dst, a slice of its dtype, in row-major
	// order, after all kernels queued before it.
	Download(dst any, src Tensor) error
	// Sync waits for all queued kernels.
	Sync() error
	// Free gives all arenas back, after a training that another is to follow.
	Free() error
	// Close gives everything back.
	Close() error
}

// Arena is memory that an engine allocated.
type Arena any

// Alignment of every tensor in an arena, in bytes: a cache line of the
// processor, and what CUDA's vector loads want.
const Alignment = 256

// Kernels is what an engine computes. [Reference] defines each of them. Results
// come first; a result that is not Wanted may be skipped. Results share no
// memory with operands except where said.
type Kernels interface {
	// Conv: y = x * w (cross-correlation).
	Conv(c Convolution, y, x, w Tensor)
	// ConvBackwardData: dx = ∂/∂x ⟨dy, x * w⟩, added to dx if accumulate.
	ConvBackwardData(c Convolution, dx, dy, w Tensor, accumulate bool)
	// ConvBackwardFilter: dw = ∂/∂w ⟨dy, x * w⟩, a FilterGradient; or a Filter, in
	// float32 with exact products, where x and dy are one pixel large.
	ConvBackwardFilter(c Convolution, dw, dy, x Tensor)

	// BatchNorm normalises with the statistics of the mini-batch.
	BatchNorm(b BatchNorm, r BatchNormResults, x, gamma, beta, residual Tensor)
	// BatchNormBackward gives the gradients; y, or without a residual beta, is
	// needed for ReLU's mask only.
	// Gradients.Residual may share memory with dy.
	BatchNormBackward(b BatchNorm, g BatchNormGradients, dy, x, y, gamma, beta, mean, invStd Tensor)
	// BatchNormInference normalises with the running statistics; y may share
	// memory with x.
	BatchNormInference(b BatchNorm, y, x, gamma, beta, mean, variance, residual Tensor)

	// AveragePool: y[n,c] = mean over h, w of x[n,c,h,w].
	AveragePool(y, x Tensor)
	// AveragePoolBackward: dx[n,c,h,w] = dy[n,c] / (H·W).
	AveragePoolBackward(dx, dy Tensor)

	// MaxPool: y = the largest element in each window of x; NaN is the largest.
	MaxPool(p Pooling, y, x Tensor)
	// MaxPoolBackward: dx = Σ dy over the windows in which x is the first element
	// that equals y, row by row, or is NaN.
	MaxPoolBackward(p Pooling, dx, dy, x, y Tensor)

	// Linear: y = x wᵀ + b, with x (N, I), w (O, I), b (O).
	Linear(y, x, w, b Tensor)
	// LinearBackward: dx = dy w, dw = dyᵀ x, db = Σ_n dy.
	LinearBackward(dx, dw, db, dy, x, w Tensor)

	// CrossEntropy: loss = mean over n of −log softmax(logits[n])[labels[n]].
	CrossEntropy(loss, logits, labels Tensor)
	// CrossEntropyBackward: dlogits = (softmax(logits) − onehot(labels))·dloss/N.
	CrossEntropyBackward(dlogits, dloss, logits, labels Tensor)

	// Gather picks a mini-batch from a resident data set of bytes (M, C, H, W):
	// x[i] = (images[index[i]]/255 − mean)/std, in float32, and y[i] =
	// labels[index[i]]. An index of −1 gives a black image and the label −1. With
	// a window, (N, 3) rows of (dy, dx, flip): the image is padded with black by
	// g.Pad, cropped at (dy, dx) in 0…2·g.Pad, and mirrored left to right where
	// flip is 1.
	Gather(g Gathering, x, y, images, labels, index, window Tensor)

	// SGD updates one parameter in place: g = grad + λw; v = μv + g; w −= η·v.
	// v is not Wanted without momentum. eta is a scalar.
	SGD(s SGD, w, v, grad, eta Tensor)
	// Accumulate: sum = decay·sum + scale·x, in place; decay is a scalar.
	Accumulate(sum, x, decay Tensor, scale float64)
	// Add: z = x + y; z may share memory with x or y.
	Add(z, x, y Tensor)

	// Record: log[position] = loss, in place; log is float64.
	Record(log, loss, position Tensor)
	// Score adds the sum of the losses, the number of errors and the number of
	// images to totals, three float64; images with the label −1 do not count.
	// Logits with a NaN are an error.
	Score(totals, logits, labels Tensor)
	// Positives adds the number of x > 0 over the images whose label is not −1
	// to total, one float64. x is (N, C) or (N, C, H, W).
	Positives(total, x, labels Tensor)
}
