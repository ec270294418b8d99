package enginetest

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"largestep/nets"
	"largestep/nets/op"
)

// networks are the losses and all gradients of narrow networks.
func networks() []test {
	var list []test
	add := func(name string, images, size, classes int, net nets.Net) {
		list = append(list, test{name, true, func(g *graph) (gorgonia.Nodes, error) {
			return networkStep(g, net, images, size, classes)
		}, nil})
	}
	add("resnet18", 6, 16, 10, &nets.ResNet{Blocks: [4]int{2, 2, 2, 2}, Width: 8, Classes: 10})
	add("resnet18_size64", 2, 64, 100, &nets.ResNet{Blocks: [4]int{2, 2, 2, 2}, Width: 8, Classes: 100})
	add("vgg", 5, 32, 10, vgg{8, 10})
	return list
}

// vgg has five pools, so that images of 32×32 end as one pixel.
type vgg struct{ width, classes int }

func (v vgg) Output(m *nets.Model, x *gorgonia.Node) (*gorgonia.Node, error) {
	var err error
	for k := range 5 {
		if x, err = m.Convolution(fmt.Sprint("conv", k), x, v.width+k, 3, 1); err != nil {
			return nil, err
		}
		if x, err = m.BatchNorm(fmt.Sprint("bn", k), x, nil, true); err != nil {
			return nil, err
		}
		if x, err = m.MaxPool(x, 2, 2); err != nil {
			return nil, err
		}
	}
	if x, err = m.AveragePool(x); err != nil {
		return nil, err
	}
	return m.Dense("linear", x, v.classes, nets.UniformFanIn(x.Shape()[1]), nets.Constant(0))
}

func networkStep(g *graph, net nets.Net, images, size, classes int) (gorgonia.Nodes, error) {
	m := nets.NewModel(g.dtype, true)
	m.Graph = g.ExprGraph
	logits, err := net.Output(m, g.float("x", 0.3, 0.5, images, 3, size, size))
	if err != nil {
		return nil, err
	}
	loss, err := op.CrossEntropy(logits, g.labels(images, classes))
	if err != nil {
		return nil, err
	}
	for _, v := range m.Variables {
		g.values[v.Name] = g.host(v.Initial(3))
		if v.Trained {
			g.wrt = append(g.wrt, v.Node)
		}
	}
	return gorgonia.Nodes{loss}, nil
}
