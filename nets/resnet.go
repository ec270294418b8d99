package nets

import (
	"fmt"

	"gorgonia.org/gorgonia"
)

// ResNet is the residual network for CIFAR of He et al. (2016), section 4.2, in
// the form of the paper's code: post-activation basic blocks in four stages of
// Width, 2·Width, 4·Width and 8·Width channels, a 3×3 stem without pooling, and
// a projection shortcut where the shape changes.
type ResNet struct {
	Blocks  [4]int // basic blocks of each stage
	Width   int
	Classes int
}

// minWidth is the narrowest ResNet that still trains; maxWidth, 16 times the
// paper's, has three billion parameters, 11 GB.
const minWidth, maxWidth = 4, 1024

// NewResNet18 has two blocks in each stage; width 64 is the paper's.
func NewResNet18(width, classes int) (*ResNet, error) {
	return newResNet(width, classes, 2, 2, 2, 2)
}

// NewResNet34 has the blocks of He et al.'s table 1.
func NewResNet34(width, classes int) (*ResNet, error) {
	return newResNet(width, classes, 3, 4, 6, 3)
}

func newResNet(width, classes int, blocks ...int) (*ResNet, error) {
	if err := checkSizes(width, classes); err != nil {
		return nil, err
	}
	return &ResNet{Blocks: [4]int(blocks), Width: width, Classes: classes}, nil
}

func checkSizes(width, classes int) error {
	if width < minWidth || width > maxWidth {
		return fmt.Errorf("width %d: want %d to %d", width, minWidth, maxWidth)
	}
	if classes < 2 {
		return fmt.Errorf("%d classes: want 2 or more", classes)
	}
	return nil
}

// Output gives the logits (N, Classes) for images x (N, 3, H, W). The taps are
// the post-ReLU outputs of the four stages and the average pool.
func (r *ResNet) Output(m *Model, x *gorgonia.Node) (*gorgonia.Node, error) {
	x, err := r.stem(m, x)
	if err != nil {
		return nil, err
	}
	for stage, blocks := range r.Blocks {
		for b := range blocks {
			stride := 1
			if stage > 0 && b == 0 {
				stride = 2
			}
			name := fmt.Sprintf("layer%d.%d", stage+1, b)
			if x, err = basicBlock(m, name, x, r.Width<<stage, stride); err != nil {
				return nil, err
			}
		}
		m.Tap(x)
	}
	if x, err = m.AveragePool(x); err != nil {
		return nil, err
	}
	m.Tap(x)
	return m.Dense("linear", x, r.Classes, UniformFanIn(x.Shape()[1]), Constant(0))
}

func (r *ResNet) stem(m *Model, x *gorgonia.Node) (*gorgonia.Node, error) {
	x, err := m.Convolution("conv1", x, r.Width, 3, 1)
	if err != nil {
		return nil, err
	}
	return m.BatchNorm("bn1", x, nil, true)
}

// basicBlock: relu(bn(conv(relu(bn(conv(x))))) + shortcut(x)).
func basicBlock(m *Model, name string, x *gorgonia.Node, out, stride int) (*gorgonia.Node, error) {
	y, err := m.Convolution(name+".conv1", x, out, 3, stride)
	if err != nil {
		return nil, err
	}
	if y, err = m.BatchNorm(name+".bn1", y, nil, true); err != nil {
		return nil, err
	}
	if y, err = m.Convolution(name+".conv2", y, out, 3, 1); err != nil {
		return nil, err
	}
	shortcut := x
	if stride != 1 || x.Shape()[1] != out {
		if shortcut, err = m.Convolution(name+".shortcut.0", x, out, 1, stride); err != nil {
			return nil, err
		}
		if shortcut, err = m.BatchNorm(name+".shortcut.1", shortcut, nil, false); err != nil {
			return nil, err
		}
	}
	return m.BatchNorm(name+".bn2", y, shortcut, true)
}
