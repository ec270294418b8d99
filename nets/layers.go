package nets

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/nets/op"
)

// Convolution is a square convolution without bias, x (N, C, H, W) to (N, out, H′,
// W′). Padded by kernel/2 it keeps the size at stride 1, if the kernel is odd, and
// halves it at stride 2. The parameter is name.weight, (out, C, kernel, kernel), from
// HeNormal.
func (m *Model) Convolution(name string, x *gorgonia.Node, out, kernel, stride int) (*gorgonia.Node, error) {
	if err := rank(name, x, 4, "(N, C, H, W)"); err != nil {
		return nil, err
	}
	w, err := m.Parameter(name+".weight", HeNormal(out*kernel*kernel), out, x.Shape()[1], kernel, kernel)
	if err != nil {
		return nil, err
	}
	return named(name)(op.Conv(x, w, op.Convolution{Stride: stride, Pad: kernel / 2}))
}

// ConvolutionBias says that PyTorch's convolution of that name has a bias. Before
// a batch norm, whose name is norm, it changes nothing, as the mean takes it off
// again: it is always zero here, name.bias (out) in files, and one that is read is
// subtracted from norm.running_mean.
func (m *Model) ConvolutionBias(name, norm string, out int) {
	m.Variables = append(m.Variables, &Variable{Name: name + ".bias", Shape: tensor.Shape{out}, FoldedInto: norm + ".running_mean"})
}

// BatchNorm is relu(γ·(x − μ)/√(σ² + ε) + β + residual) for each channel of x (N, C,
// H, W), with PyTorch's defaults: ε is 1e-5, and running statistics move by 0.1 to
// those of a mini-batch. residual, of x's shape, may be nil; without relu there is no
// ReLU. The parameters γ and β are name.weight, from 1, and name.bias, from 0; the
// buffers name.running_mean and name.running_var; all are (C).
func (m *Model) BatchNorm(name string, x, residual *gorgonia.Node, relu bool) (*gorgonia.Node, error) {
	if err := rank(name, x, 4, "(N, C, H, W)"); err != nil {
		return nil, err
	}
	p, err := m.batchNormParameters(name, x.Shape()[1])
	if err != nil {
		return nil, err
	}
	b := op.BatchNorm{Epsilon: 1e-5, Momentum: 0.1, ReLU: relu}
	if !m.Training {
		return named(name)(op.Normalize(x, p, residual, b))
	}
	y, mean, variance, err := op.NormalizeBatch(x, p, residual, b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	m.Updates = append(m.Updates, mean, variance)
	return y, nil
}

func (m *Model) batchNormParameters(name string, c int) (p op.BatchNormParameters, err error) {
	for _, v := range []struct {
		node    **gorgonia.Node
		name    string
		trained bool
		init    float64
	}{
		{&p.Gamma, "weight", true, 1}, {&p.Beta, "bias", true, 0},
		{&p.RunningMean, "running_mean", false, 0}, {&p.RunningVar, "running_var", false, 1},
	} {
		if *v.node, err = m.variable(name+"."+v.name, v.trained, Constant(v.init), []int{c}); err != nil {
			return p, err
		}
	}
	return p, nil
}

// Dense is a fully connected layer, x (N, I) to (N, out). The parameters are
// name.weight, (out, I), and name.bias, (out); a nil bias is none, for which only
// engines with op.SmallKernels have a kernel.
func (m *Model) Dense(name string, x *gorgonia.Node, out int, weight, bias Initializer) (*gorgonia.Node, error) {
	if err := rank(name, x, 2, "(N, I)"); err != nil {
		return nil, err
	}
	w, err := m.Parameter(name+".weight", weight, out, x.Shape()[1])
	if err != nil {
		return nil, err
	}
	if bias == nil {
		return named(name)(op.Product(x, w))
	}
	b, err := m.Parameter(name+".bias", bias, out)
	if err != nil {
		return nil, err
	}
	return named(name)(op.Linear(x, w, b))
}

// MaxPool is the largest element in each window of size × size pixels that moves by
// stride, without padding: x (N, C, H, W) to (N, C, (H − size)/stride + 1, (W −
// size)/stride + 1), rounded down.
func (m *Model) MaxPool(x *gorgonia.Node, size, stride int) (*gorgonia.Node, error) {
	return op.MaxPool(x, op.Pooling{Size: size, Stride: stride})
}

// AveragePool is the mean over height and width, the global average pool: x (N, C,
// H, W) to (N, C).
func (m *Model) AveragePool(x *gorgonia.Node) (*gorgonia.Node, error) { return op.AveragePool(x) }

// rank checks a layer's operand.
func rank(name string, x *gorgonia.Node, want int, shape string) error {
	if len(x.Shape()) != want {
		return fmt.Errorf("%s: x %v: want %s", name, x.Shape(), shape)
	}
	return nil
}

// named puts a layer's name before an error.
func named(name string) func(*gorgonia.Node, error) (*gorgonia.Node, error) {
	return func(y *gorgonia.Node, err error) (*gorgonia.Node, error) {
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return y, nil
	}
}
