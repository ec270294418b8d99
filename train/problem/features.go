package problem

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/data"
	"largestep/nets"
	"largestep/train/machine"
	"largestep/train/safetensors"
	"largestep/train/weights"
)

// Features are the features of images and the logits, of a net in evaluation mode,
// on variables of their own.
type Features struct {
	vars    *machine.Variables
	model   *nets.Model
	machine *machine.Machine
	outputs []*gorgonia.Node // the features, then the logits
	images  int
	batch   int
}

const varFeatureIndex = "features/index"

// NewFeatures builds the graph on an empty set of variables, and brings the images
// there.
func NewFeatures(vars *machine.Variables, net nets.Net, images *data.Images, n data.Normalization) (*Features, error) {
	f := &Features{vars: vars, model: nets.NewModel(tensor.Float32, false), images: images.Len()}
	f.batch = min(evaluationBatch(vars.Engine()), f.images)
	set := resident("images", images, n)
	batch := set.inputs(f.model)
	batch.Index = f.model.Input(varFeatureIndex, tensor.Int32, f.batch)
	x, _, err := set.gather(batch, tensor.Float32)
	if err != nil {
		return nil, err
	}
	logits, err := net.Output(f.model, x)
	if err != nil {
		return nil, err
	}
	f.outputs = append(f.model.Taps, logits)
	if f.machine, err = machine.New(f.vars, f.outputs...); err != nil {
		return nil, err
	}
	return f, set.Upload(f.vars, images)
}

// Import takes the parameters from a file's tensors.
func (f *Features) Import(tensors []safetensors.Tensor) error {
	return weights.Import(f.vars, f.model.Variables, tensors)
}

// Count is the number of features, without the logits.
func (f *Features) Count() int { return len(f.outputs) - 1 }

// Shape is that of the k-th feature, counted from 0, for all images; of the logits
// for k = Count.
func (f *Features) Shape(k int) []int {
	s := append([]int{}, f.outputs[k].Shape()...)
	s[0] = f.images
	return s
}

// Each calls do with the k-th feature of one image after the other, row-major. The
// slice is only valid during the call.
func (f *Features) Each(k int, do func(row []float32) error) error {
	if k < 0 || k >= len(f.outputs) {
		return fmt.Errorf("feature %d of %d", k+1, f.Count())
	}
	values := make([]float32, f.outputs[k].Shape().TotalSize())
	size := len(values) / f.batch
	for first := 0; first < f.images; first += f.batch {
		index := make([]int32, f.batch)
		for i := range index {
			index[i] = int32(min(first+i, f.images-1)) // the last again, to fill the batch
		}
		if err := f.vars.Set(varFeatureIndex, index); err != nil {
			return err
		}
		if err := f.machine.RunAll(); err != nil {
			return err
		}
		if err := f.machine.Output(f.outputs[k], values); err != nil {
			return err
		}
		for i := range min(f.batch, f.images-first) {
			if err := do(values[i*size : (i+1)*size]); err != nil {
				return err
			}
		}
	}
	return nil
}

// all is the k-th feature of all images.
func (f *Features) all(k int) ([]float64, error) {
	var x []float64
	err := f.Each(k, func(row []float32) error {
		for _, v := range row {
			x = append(x, float64(v))
		}
		return nil
	})
	return x, err
}

// load copies the parameters of a training.
func (f *Features) load(from *machine.Variables) error {
	for _, v := range f.model.Variables {
		if v.Node == nil {
			continue
		}
		t, err := weights.Download(from, v.Name)
		if err != nil {
			return err
		}
		x, err := t.Float64s()
		if err != nil {
			return err
		}
		if err := f.vars.SetFloats(v.Name, x); err != nil {
			return err
		}
	}
	return nil
}
