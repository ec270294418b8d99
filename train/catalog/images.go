package catalog

import (
	"fmt"
	"slices"

	"largestep/data"
	"largestep/nets"
	"largestep/train/problem"
	"largestep/train/run"
	"largestep/train/trainer"
)

var resNet18 = ofImages(Problem{
	Name: "resnet18", Title: "ResNet-18", About: "residual network of the paper's main figure",
	Net:   func(width, classes int) (nets.Net, error) { return nets.NewResNet18(width, classes) },
	First: "conv1.weight", Last: "linear.weight", Part: "stage", Pool: 5,
})

var resNet34 = ofImages(Problem{
	Name: "resnet34", Title: "ResNet-34", About: "the same with 16 blocks instead of 8",
	Net:   func(width, classes int) (nets.Net, error) { return nets.NewResNet34(width, classes) },
	First: "conv1.weight", Last: "linear.weight", Part: "stage", Pool: 5,
})

var vgg16 = ofImages(Problem{
	Name: "vgg16", Title: "VGG-16", About: "configuration D with batch norm, as CIFAR repositories have it",
	Net:   func(width, classes int) (nets.Net, error) { return nets.NewVGG16(width, classes) },
	First: "features.0.weight", Last: "classifier.weight", Part: "stage", Pool: 6,
})

// ofImages completes an entry with what all classifiers of images have in common.
func ofImages(p Problem) Problem {
	p.Options = append(p.Options, "width", "augment", "normalize", "dataset", "test_size", "subset", "measure_images", "measure_mode")
	p.Precisions = []string{"fp32", "tf32", "bf16"}
	p.Classes, p.Coupled, p.Long = true, true, true
	p.Defaults = func(at Circumstances) run.Config { return SuitableScale(at).Config(p.Name) }
	p.Make = func(c run.Config, set *data.Dataset, more ...problem.Measure) (trainer.Problem, run.Config, error) {
		around := p.around(&c)
		images, err := p.classification(c, set, more)
		if err != nil {
			return nil, c, err
		}
		images.Around = around
		return images, c, nil
	}
	return p
}

// classification is the problem of a config and the images that it asks for.
func (p Problem) classification(c run.Config, set *data.Dataset, more []problem.Measure) (*problem.Images, error) {
	net, err := p.Net(c.Width, len(set.Train.Classes))
	if err != nil {
		return nil, err
	}
	if c.LabelNoise > 0 && len(set.Train.Classes) < 2 {
		return nil, fmt.Errorf("label noise %g: images of one class have no other", c.LabelNoise)
	}
	if n := set.Test.Len(); n != c.TestSize {
		return nil, fmt.Errorf("%d test images, config says %d", n, c.TestSize)
	}
	return &problem.Images{
		Net: net, Data: set, Augment: c.Augment, LabelNoise: c.LabelNoise > 0, Normalize: c.Normalize, Sparsity: slices.Contains(c.Measures, sparsity),
		Measures: append(chosen(p, c), more...),
	}, nil
}

func (p Problem) validateImages(c run.Config) error {
	if _, err := p.Net(c.Width, 2); err != nil { // with any number of classes
		return err
	}
	if c.TestSize < 1 {
		return fmt.Errorf("%d test images: want 1 or more", c.TestSize)
	}
	return nil
}
