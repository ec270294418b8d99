package train

import (
	"fmt"

	"gorgonia.org/tensor"
	"largestep/data"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/machine"
	"largestep/train/safetensors"
)

// NetFile is a trained ResNet-18 as a file: one of our checkpoints, or any
// safetensors file with the names and shapes of PyTorch's ResNets for CIFAR.
type NetFile struct {
	Dataset string // that it was trained on, if the file says so

	path    string
	net     *nets.ResNet
	tensors []safetensors.Tensor
}

// OpenNet reads the file and finds width and classes from its shapes.
func OpenNet(path string) (*NetFile, error) {
	tensors, metadata, err := safetensors.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var width, classes int
	for _, t := range tensors {
		switch {
		case t.Name == "conv1.weight" && len(t.Shape) == 4:
			width = t.Shape[0]
		case t.Name == "linear.weight" && len(t.Shape) == 2:
			classes = t.Shape[0]
		}
	}
	if width == 0 || classes == 0 {
		return nil, fmt.Errorf("%s: no conv1.weight and linear.weight: not a ResNet-18 for CIFAR", path)
	}
	net, err := nets.NewResNet18(width, classes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &NetFile{metadata["dataset"], path, net, tensors}, nil
}

// Evaluate measures the network on images; see evaluation.Run for logits.
func (f *NetFile) Evaluate(e op.Engine, images *data.Images, logits func(image int, z []float64) error) (Result, error) {
	if c := len(images.Classes); c > f.net.Classes {
		return Result{}, fmt.Errorf("%s has %d classes, the data set %d", f.path, f.net.Classes, c)
	}
	vars := machine.NewVariables(e)
	d := residentSet{"test", images.Len()}
	v, err := newEvaluation(vars, f.net, d, d.Len, tensor.Float32, false)
	if err != nil {
		return Result{}, err
	}
	if err := importParameters(vars, v.variables, f.tensors); err != nil {
		return Result{}, fmt.Errorf("%s: %w", f.path, err)
	}
	if err := d.Upload(vars, images); err != nil {
		return Result{}, err
	}
	return v.Run(logits)
}
