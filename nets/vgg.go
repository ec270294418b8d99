package nets

import (
	"fmt"

	"gorgonia.org/gorgonia"
)

// VGG is a configuration of Simonyan and Zisserman (2015), table 1, in the form that
// repositories for CIFAR give it: batch norm after each convolution, five stages of
// Width, 2·Width, 4·Width and twice 8·Width channels that each end with a 2×2 max
// pool, and one linear layer.
type VGG struct {
	Convolutions [5]int // of each stage
	Width        int
	Classes      int
}

// NewVGG16 is configuration D; width 64 is the original's.
func NewVGG16(width, classes int) (*VGG, error) {
	if err := checkSizes(width, classes); err != nil {
		return nil, err
	}
	return &VGG{Convolutions: [5]int{2, 2, 3, 3, 3}, Width: width, Classes: classes}, nil
}

// Output gives the logits (N, Classes) for images x (N, 3, H, W), H and W 32 or
// more. The taps are the stages' post-ReLU outputs before their pools, and the
// average pool, which has one pixel to average of images of 32×32.
func (v *VGG) Output(m *Model, x *gorgonia.Node) (*gorgonia.Node, error) {
	var err error
	layer := 0 // of nn.Sequential: convolution, batch norm, ReLU
	for stage, convolutions := range v.Convolutions {
		channels := v.Width << min(stage, 3)
		for range convolutions {
			conv, norm := fmt.Sprintf("features.%d", layer), fmt.Sprintf("features.%d", layer+1)
			if x, err = m.Convolution(conv, x, channels, 3, 1); err != nil {
				return nil, err
			}
			m.ConvolutionBias(conv, norm, channels)
			if x, err = m.BatchNorm(norm, x, nil, true); err != nil {
				return nil, err
			}
			layer += 3
		}
		m.Tap(x)
		if x, err = m.MaxPool(x, 2, 2); err != nil {
			return nil, err
		}
		layer++
	}
	if x, err = m.AveragePool(x); err != nil {
		return nil, err
	}
	m.Tap(x)
	return m.Dense("classifier", x, v.Classes, UniformFanIn(x.Shape()[1]), Constant(0))
}
