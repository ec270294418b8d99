package problem

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/data"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/machine"
	"largestep/train/trainer"
)

// Images is the problem of classifying images: f_i is the cross-entropy of a
// network's logits for image i.
type Images struct {
	Net        nets.Net
	Data       *data.Dataset
	Augment    bool // random crop and flip
	LabelNoise bool // mini-batches come with labels of their own
	Normalize  data.Normalization
	Sparsity   bool // measure the features' sparsity
	Measures   []Measure
	Around     Around // what measures see
}

var (
	_ trainer.Problem        = (*Images)(nil)
	_ trainer.Classification = (*Images)(nil)
	_ trainer.Described      = (*Images)(nil)
	_ trainer.Noisy          = (*Images)(nil)
)

// residentSet is where a data set of n images lives on the engine.
type residentSet struct {
	Name      string // "train", "test"
	Len, Side int    // images, and pixels of their sides
	normalize data.Normalization
}

func resident(name string, images *data.Images, n data.Normalization) residentSet {
	return residentSet{name, images.Len(), images.Side, n}
}

// gather picks a mini-batch of the data set in a graph.
func (d residentSet) gather(batch op.Batch, dtype tensor.Dtype) (x, labels *gorgonia.Node, err error) {
	return op.Gather(batch, op.Gathering{Pad: data.CropPadding, Normalization: op.Normalization(d.normalize)}, dtype)
}

// inputs declares the data set in a graph.
func (d residentSet) inputs(m *nets.Model) op.Batch {
	return op.Batch{
		Images: m.Input(d.Name+"/images", tensor.Uint8, d.Len, data.Channels, d.Side, d.Side),
		Labels: m.Input(d.Name+"/labels", tensor.Int32, d.Len),
	}
}

// Upload copies the images to the engine, once a graph that reads them exists.
func (d residentSet) Upload(vars *machine.Variables, images *data.Images) error {
	if err := vars.Set(d.Name+"/images", images.Pixels); err != nil {
		return err
	}
	return vars.Set(d.Name+"/labels", images.Labels)
}

func (p *Images) train() residentSet { return resident("train", p.Data.Train, p.Normalize) }
func (p *Images) test() residentSet  { return resident("test", p.Data.Test, p.Normalize) }

// Examples is the number of training images.
func (p *Images) Examples() int { return p.Data.Train.Len() }

// Classes is the number of the images' classes.
func (p *Images) Classes() int { return len(p.Data.Train.Classes) }

// DrawLabelNoise makes each label of a mini-batch any other with the amount as probability.
func (p *Images) DrawLabelNoise(b *trainer.MiniBatch, amount float64, seed uint64, epoch, step int) {
	b.Labels = make([]int32, len(b.Index))
	for i, at := range b.Index {
		b.Labels[i] = p.Data.Train.Labels[at]
	}
	if amount == 0 {
		return
	}
	k := int32(p.Classes())
	for i, flip := range data.LabelFlips(seed, epoch, step, len(b.Index), int(k), amount) {
		b.Labels[i] = (b.Labels[i] + flip) % k
	}
}

// Metadata say how to use the parameters; see About.
func (p *Images) Metadata() map[string]string {
	return About{Classes: p.Data.Train.Classes, Normalize: &p.Normalize}.Metadata()
}

// Dtype is float32.
func (p *Images) Dtype() tensor.Dtype { return tensor.Float32 }

// Fingerprints are those of the images.
func (p *Images) Fingerprints() (train, test string) {
	return p.Data.Train.Fingerprint(), p.Data.Test.Fingerprint()
}

// Columns are the active shares of the network's features, then their sparsity
// without duplicates, then the measures.
func (p *Images) Columns() []string {
	var names []string
	side := p.Data.Train.Side
	features, err := nets.Features(p.Net, 1, data.Channels, side, side)
	if err != nil {
		return nil // Loss, which builds the same network, says why
	}
	for i := range features {
		names = append(names, fmt.Sprintf("active_%d", i+1))
	}
	if p.Sparsity {
		for i := range features {
			names = append(names, fmt.Sprintf("sparsity_%d", i+1))
		}
	}
	return append(names, columns(p.Measures)...)
}

// Loss picks the mini-batch, with augmentation where the input batch/window
// asks for it, and adds the network and the cross-entropy.
func (p *Images) Loss(m *nets.Model, index *gorgonia.Node) (*gorgonia.Node, error) {
	if side := p.Data.Train.Side; side < 1 {
		return nil, fmt.Errorf("images of %d×%[1]d pixels", side)
	}
	batch := p.train().inputs(m)
	batch.Index = index
	if p.Augment {
		batch.Window = m.Input(trainer.VarWindow, tensor.Int32, index.Shape()[0], 3)
	}
	x, labels, err := p.train().gather(batch, m.Dtype)
	if err != nil {
		return nil, err
	}
	if p.LabelNoise {
		labels = m.Input(trainer.VarLabels, tensor.Int32, index.Shape()[0])
	}
	logits, err := p.Net.Output(m, x)
	if err != nil {
		return nil, err
	}
	return op.CrossEntropy(logits, labels)
}

// Upload brings the images to the engine.
func (p *Images) Upload(vars *machine.Variables) error {
	if err := p.train().Upload(vars, p.Data.Train); err != nil {
		return err
	}
	if _, ok := vars.Spec("test/images"); !ok { // a step alone reads no test images
		return nil
	}
	return p.test().Upload(vars, p.Data.Test)
}

// trainLossImages is how many training images, at most, the recorded training
// loss, active shares and sparsity are measured on. (The paper takes 10,752 for
// the sparsity.)
const trainLossImages = 10_000

// Meter evaluates the first training images and all test images. On an engine
// without op.FeatureKernels the sparsity is NaN.
func (p *Images) Meter(vars *machine.Variables) (trainer.Meter, error) {
	m := imageMeter{problem: p, vars: vars}
	var err error
	m.onTrain, err = newEvaluation(vars, p.Net, p.train(), min(p.Examples(), trainLossImages), p.Dtype(),
		p.Sparsity && op.HasFeatures(vars.Engine()))
	if err != nil {
		return nil, err
	}
	if m.onTest, err = newEvaluation(vars, p.Net, p.test(), p.Data.Test.Len(), p.Dtype(), false); err != nil {
		return nil, err
	}
	m.around, err = p.around(vars)
	return m, err
}

// around is the loss on the first training images, as they are.
func (p *Images) around(vars *machine.Variables) (*around, error) {
	if p.Around.Examples == 0 {
		return nil, nil
	}
	images, err := p.Data.Train.Subset(p.Around.Examples)
	if err != nil {
		return nil, fmt.Errorf("images to measure on: %w", err)
	}
	part := &Images{Net: p.Net, Data: &data.Dataset{Train: images}, Normalize: p.Normalize}
	a := &around{Around: p.Around}
	if p.Around.Features {
		if a.features, err = NewFeatures(vars.Beside(), p.Net, images, p.Normalize); err != nil {
			return nil, err
		}
	}
	err = a.add(&a.batches, vars, part, p.Around.Batch)
	a.whole = a.batches
	return a, err
}

type imageMeter struct {
	problem         *Images
	vars            *machine.Variables
	onTrain, onTest *evaluation
	around          *around // nil if no measure needs it
}

// Begin does nothing.
func (m imageMeter) Begin() error { return nil }

// Measure evaluates both sets, and computes the measures.
func (m imageMeter) Measure(l trainer.Latest) (trainer.Measurement, error) {
	train, err1 := m.onTrain.Run(nil)
	test, err2 := m.onTest.Run(nil)
	result := trainer.Measurement{
		TrainLoss: train.Loss, TrainError: train.Error, TestLoss: test.Loss, TestError: test.Error,
		Own: slices.Concat(train.Active, train.Sparsity),
	}
	for len(result.Own) < len(m.problem.Columns())-len(m.problem.Measures) {
		result.Own = append(result.Own, math.NaN())
	}
	if err := errors.Join(err1, err2); err != nil {
		return result, err
	}
	state := &State{TrainLoss: result.TrainLoss, Latest: l, vars: m.vars, variables: m.onTrain.variables, around: m.around}
	values, err := state.measure(m.problem.Measures)
	result.Own = append(result.Own, values...)
	return result, err
}
