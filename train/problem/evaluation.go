package problem

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/data"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/machine"
	"largestep/train/safetensors"
	"largestep/train/weights"
)

// evaluationBatch is how many images are evaluated at once: 200, or as many as the
// engine needs to be busy.
func evaluationBatch(e op.Engine) int {
	if e, ok := e.(interface{ EvaluationBatch() int }); ok {
		return e.EvaluationBatch()
	}
	return 200
}

// evaluation is a network in evaluation mode as a graph on an engine, with a
// data set to go through.
type evaluation struct {
	vars      *machine.Variables
	data      residentSet
	images    int // of the data set, the first
	batch     int
	dtype     tensor.Dtype
	machine   *machine.Machine
	logits    *gorgonia.Node
	variables []*nets.Variable // of the network
	taps      []int            // entries of each feature for one image
	moments   []*moments       // of each feature, if its sparsity is measured
}

// Result is what an evaluation measures.
type Result struct {
	Loss   float64   // mean cross-entropy
	Error  float64   // fraction of images whose largest logit is not the label's
	Active []float64 // fraction of positive entries of each feature
	// Sparsity is the same without duplicate units, as the paper measures it;
	// empty if it is not measured.
	Sparsity []float64
}

// newEvaluation builds the graph, to go through the first images of a data set,
// on the variables that a training step, or a checkpoint, fills. The features'
// sparsity wants an engine with op.FeatureKernels.
func newEvaluation(vars *machine.Variables, net nets.Net, d residentSet, images int, dtype tensor.Dtype, sparsity bool) (*evaluation, error) {
	e := &evaluation{vars: vars, data: d, images: images, dtype: dtype, batch: min(evaluationBatch(vars.Engine()), images)}
	m := nets.NewModel(dtype, false)
	batch := d.inputs(m)
	batch.Index = m.Input(e.name("index"), tensor.Int32, e.batch)
	x, labels, err := d.gather(batch, dtype)
	if err != nil {
		return nil, err
	}
	if e.logits, err = net.Output(m, x); err != nil {
		return nil, err
	}
	totals, err := op.Score(m.Input(e.name("totals"), tensor.Float64, 3), e.logits, labels)
	if err != nil {
		return nil, err
	}
	e.variables = m.Variables
	outputs := []*gorgonia.Node{totals, e.logits}
	for i, tap := range m.Taps {
		e.taps = append(e.taps, tap.Shape().TotalSize()/e.batch)
		p, err := op.Positives(m.Input(e.positives(i), tensor.Float64, 1), tap, labels)
		if err != nil {
			return nil, err
		}
		outputs = append(outputs, p)
	}
	if sparsity {
		sums, err := e.addSparsity(m, labels)
		if err != nil {
			return nil, err
		}
		outputs = append(outputs, sums...)
	}
	e.machine, err = machine.New(vars, outputs...)
	return e, err
}

func (e *evaluation) name(s string) string { return fmt.Sprintf("evaluation/%s/%s", e.data.Name, s) }

func (e *evaluation) varDecay() string { return e.name("decay") }

func (e *evaluation) positives(tap int) string { return e.name(fmt.Sprintf("positives/%d", tap)) }

// Run goes through the data set. With logits not nil it is called with those of
// each image, in order; the slice is only valid during the call.
func (e *evaluation) Run(logits func(image int, z []float64) error) (Result, error) {
	if err := e.reset(); err != nil {
		return Result{}, err
	}
	for first := 0; first < e.images; first += e.batch {
		index := make([]int32, e.batch)
		for i := range index {
			index[i] = int32(first + i)
			if first+i >= e.images {
				index[i] = -1
			}
		}
		if err := e.vars.Set(e.name("index"), index); err != nil {
			return Result{}, err
		}
		if err := e.setDecay(first); err != nil {
			return Result{}, err
		}
		if err := e.machine.RunAll(); err != nil {
			return Result{}, err
		}
		if logits != nil {
			if err := e.handOut(first, logits); err != nil {
				return Result{}, err
			}
		}
	}
	return e.result()
}

func (e *evaluation) reset() error {
	if err := e.vars.Set(e.name("totals"), make([]float64, 3)); err != nil {
		return err
	}
	for i := range e.taps {
		if err := e.vars.Set(e.positives(i), []float64{0}); err != nil {
			return err
		}
	}
	for _, s := range e.moments {
		if err := s.reset(); err != nil {
			return err
		}
	}
	return nil
}

// setDecay lets the moments start over with the first mini-batch.
func (e *evaluation) setDecay(first int) error {
	if len(e.moments) == 0 {
		return nil
	}
	decay := 1.0
	if first == 0 {
		decay = 0
	}
	return e.vars.SetFloats(e.varDecay(), []float64{decay})
}

func (e *evaluation) result() (Result, error) {
	totals := make([]float64, 3)
	if err := e.vars.Get(e.name("totals"), totals); err != nil {
		return Result{}, err
	}
	images := totals[2]
	r := Result{Loss: totals[0] / images, Error: totals[1] / images}
	for i, size := range e.taps {
		count := make([]float64, 1)
		if err := e.vars.Get(e.positives(i), count); err != nil {
			return Result{}, err
		}
		r.Active = append(r.Active, count[0]/(images*float64(size)))
	}
	for _, s := range e.moments {
		v, err := s.sparsity()
		if err != nil {
			return Result{}, err
		}
		r.Sparsity = append(r.Sparsity, v)
	}
	return r, nil
}

// handOut gives the logits of the last batch to f.
func (e *evaluation) handOut(first int, f func(image int, z []float64) error) error {
	z, err := e.machine.Floats(e.logits)
	if err != nil {
		return err
	}
	classes := len(z) / e.batch
	for i := 0; i < e.batch && first+i < e.images; i++ {
		if err := f(first+i, z[i*classes:(i+1)*classes]); err != nil {
			return err
		}
	}
	return nil
}

// Evaluate measures a network of given parameters on images, which are normalised
// first, on an empty set of variables. With logits not nil it is called with those of
// each image, in order; the slice is only valid during the call.
func Evaluate(vars *machine.Variables, net nets.Net, parameters []safetensors.Tensor, images *data.Images, n data.Normalization, logits func(image int, z []float64) error) (Result, error) {
	d := resident("test", images, n)
	v, err := newEvaluation(vars, net, d, d.Len, tensor.Float32, false)
	if err != nil {
		return Result{}, err
	}
	if err := weights.Import(vars, v.variables, parameters); err != nil {
		return Result{}, err
	}
	if err := d.Upload(vars, images); err != nil {
		return Result{}, err
	}
	return v.Run(logits)
}
