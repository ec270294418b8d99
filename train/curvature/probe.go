// Package curvature looks at a loss around the parameters of a net: the gradients
// of its mini-batches, and the Hessian by its products with vectors.
package curvature

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/machine"
	"largestep/train/safetensors"
	"largestep/train/weights"
)

// Loss is a finite sum, as trainer.Problem is one. Its mini-batches have neither
// augmentation nor label noise.
type Loss interface {
	Examples() int
	Dtype() tensor.Dtype
	Loss(m *nets.Model, index *gorgonia.Node) (*gorgonia.Node, error)
	Upload(vars *machine.Variables) error
}

// Probe is a loss on variables of its own: what it measures disturbs no training
// on the same engine.
//
// Its mini-batches are the first examples in order, an incomplete last one left
// out. With batch norm in training mode the loss of a mini-batch, which training
// descends, couples its examples; in evaluation mode the running statistics are
// constants.
type Probe struct {
	vars    *machine.Variables
	model   *nets.Model
	batch   int
	batches int
	size    int // number of parameters

	cost, dot gorgonia.Nodes // the loss, and the gradient's tangents
	grads     gorgonia.Nodes

	loss, gradient, product *machine.Machine // once they are needed
}

// Mode is how a probe takes batch norm.
type Mode string

const (
	// Training takes the statistics of the mini-batch, as a training's steps do.
	Training Mode = "training"
	// Evaluation takes the running ones, which count as constants.
	Evaluation Mode = "evaluation"
)

func (m *Mode) String() string { return string(*m) }

// Type is what a flag of it is called.
func (m *Mode) Type() string { return "mode" }

// Set takes one of the two names.
func (m *Mode) Set(text string) error {
	if *m = Mode(text); *m != Training && *m != Evaluation {
		return fmt.Errorf("want %s or %s", Training, Evaluation)
	}
	return nil
}

const varIndex = "batch/index"

// New builds the graph on an empty set of variables, and brings the examples there.
func New(vars *machine.Variables, l Loss, batch int, mode Mode) (*Probe, error) {
	if n := l.Examples(); batch < 1 || batch > n {
		return nil, fmt.Errorf("mini-batches of %d of %d examples: want 1 to %[2]d", batch, n)
	}
	p := &Probe{vars: vars, model: nets.NewModel(l.Dtype(), mode == Training), batch: batch, batches: l.Examples() / batch}
	loss, err := l.Loss(p.model, p.model.Input(varIndex, tensor.Int32, batch))
	if err != nil {
		return nil, err
	}
	p.cost = gorgonia.Nodes{loss}
	for _, w := range p.model.Parameters() {
		p.size += w.Shape().TotalSize()
	}
	if p.grads, err = gorgonia.Grad(loss, p.model.Parameters()...); err != nil {
		return nil, err
	}
	if p.gradient, err = machine.New(p.vars, append(gorgonia.Nodes{loss}, p.grads...)...); err != nil {
		return nil, err
	}
	return p, l.Upload(p.vars)
}

// Parameters is how many numbers are trained.
func (p *Probe) Parameters() int { return p.size }

// Batches is the number of mini-batches, Batch that of examples in each.
func (p *Probe) Batches() int { return p.batches }

// Batch is the number of examples in a mini-batch.
func (p *Probe) Batch() int { return p.batch }

// Load takes over the net's parameters and running statistics, row-major, by name.
func (p *Probe) Load(read func(name string) ([]float64, error)) error {
	for _, v := range p.model.Variables {
		if v.Node == nil {
			continue
		}
		x, err := read(v.Name)
		if err != nil {
			return err
		}
		if err := p.vars.SetFloats(v.Name, x); err != nil {
			return err
		}
	}
	return nil
}

// Import takes them from a file's tensors.
func (p *Probe) Import(tensors []safetensors.Tensor) error {
	return weights.Import(p.vars, p.model.Variables, tensors)
}

// Point are the parameters, one after the other, as vectors of Product are.
func (p *Probe) Point() (x []float64, err error) {
	for _, w := range p.model.Parameters() {
		t, err := weights.Download(p.vars, w.Name())
		if err != nil {
			return nil, err
		}
		v, err := t.Float64s()
		if err != nil {
			return nil, err
		}
		x = append(x, v...)
	}
	return x, nil
}

// Move sets the parameters to a point.
func (p *Probe) Move(x []float64) error {
	for _, w := range p.model.Parameters() {
		n := w.Shape().TotalSize()
		if err := p.vars.SetFloats(w.Name(), x[:n]); err != nil {
			return err
		}
		x = x[n:]
	}
	return nil
}

// run computes on the k-th mini-batch.
func (p *Probe) run(m *machine.Machine, k int) error {
	index := make([]int32, p.batch)
	for i := range index {
		index[i] = int32(k*p.batch + i)
	}
	if err := p.vars.Set(varIndex, index); err != nil {
		return err
	}
	return m.RunAll()
}

// Loss is that of the k-th mini-batch.
func (p *Probe) Loss(k int) (float64, error) {
	if p.loss == nil {
		var err error
		if p.loss, err = machine.New(p.vars, p.cost...); err != nil {
			return 0, err
		}
	}
	return p.lossOf(p.loss, k)
}

func (p *Probe) lossOf(m *machine.Machine, k int) (float64, error) {
	if err := p.run(m, k); err != nil {
		return 0, err
	}
	loss, err := m.Floats(p.cost[0])
	if err != nil {
		return 0, err
	}
	return loss[0], nil
}

// Gradient writes that of the k-th mini-batch to g, and gives its loss.
func (p *Probe) Gradient(g []float64, k int) (loss float64, err error) {
	if loss, err = p.lossOf(p.gradient, k); err != nil {
		return 0, err
	}
	_, err = p.gradient.AppendFloats(g[:0], p.grads)
	return loss, err
}

const dotPrefix = "dot/"

// differentiate adds the Hessian's product with a vector to the graph.
func (p *Probe) differentiate() (err error) {
	direction := map[*gorgonia.Node]*gorgonia.Node{}
	for _, w := range p.model.Parameters() {
		direction[w] = p.model.Input(dotPrefix+w.Name(), p.model.Dtype, w.Shape()...)
	}
	if p.dot, err = op.Tangents(p.grads, direction); err != nil {
		return err
	}
	var nodes gorgonia.Nodes
	for _, n := range p.dot {
		if n != nil { // not of what the loss is linear in
			nodes = append(nodes, n)
		}
	}
	p.product, err = machine.New(p.vars, nodes...)
	return err
}

// Check tells whether the engine can compute Product.
func (p *Probe) Check() error {
	if p.product != nil {
		return nil
	}
	return p.differentiate()
}

// Product writes the product of the k-th mini-batch's Hessian with v to dst. Not
// every engine has the kernels.
func (p *Probe) Product(dst, v []float64, k int) error {
	if err := p.Check(); err != nil {
		return err
	}
	if err := p.setDirection(v); err != nil {
		return err
	}
	if err := p.run(p.product, k); err != nil {
		return err
	}
	for i, w := range p.model.Parameters() {
		n := w.Shape().TotalSize()
		if p.dot[i] == nil {
			clear(dst[:n])
		} else if _, err := p.product.AppendFloats(dst[:0], p.dot[i:i+1]); err != nil {
			return err
		}
		dst = dst[n:]
	}
	return nil
}

// setDirection leaves out what no product reads.
func (p *Probe) setDirection(v []float64) error {
	for _, w := range p.model.Parameters() {
		n := w.Shape().TotalSize()
		if _, used := p.vars.Spec(dotPrefix + w.Name()); used {
			if err := p.vars.SetFloats(dotPrefix+w.Name(), v[:n]); err != nil {
				return err
			}
		}
		v = v[n:]
	}
	return nil
}
