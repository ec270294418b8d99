package problem

import (
	"math"
	"testing"

	"gorgonia.org/tensor"
	"largestep/data"
	"largestep/metrics/measure"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/machine"
	"largestep/train/machine/cpu/cputest"
	"largestep/train/trainer"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// withoutFeatures is an engine that lacks the optional kernels.
type withoutFeatures struct{ op.Engine }

func imagesProblem(t *testing.T, train, test int) *Images {
	t.Helper()
	set := data.MadeUp(1, train, test)
	net, err := nets.NewResNet18(4, len(set.Train.Classes))
	check(t, err)
	return &Images{Net: net, Data: set, Sparsity: true}
}

// meter makes a problem's meter with first parameters, and brings the examples.
func meter(t *testing.T, p *Images, e op.Engine) (trainer.Meter, *machine.Variables) {
	t.Helper()
	vars := machine.NewVariables(e)
	step, err := trainer.NewStep(vars, p, trainer.StepOptions{Batch: 20, Parts: 1})
	check(t, err)
	m, err := p.Meter(vars)
	check(t, err)
	check(t, step.Initialize(3))
	check(t, p.Upload(vars))
	for i := range 8 { // away from the symmetric start
		check(t, step.Run(trainer.MiniBatch{Index: data.Order(1, i, p.Examples(), data.Shuffle)[:20]}, 0.5))
	}
	return m, vars
}

// TestSparsityColumns compares what is recorded with the features themselves,
// downloaded, twice: the second time the moments must start over.
func TestSparsityColumns(t *testing.T) {
	const images = 250 // more than one batch, and an incomplete one
	p := imagesProblem(t, images, 20)
	m, vars := meter(t, p, cputest.New(t, 2))
	if got := p.Columns(); len(got) != 10 || got[4] != "active_5" || got[5] != "sparsity_1" || got[9] != "sparsity_5" {
		t.Fatalf("columns %v", got)
	}
	want := featureSparsity(t, p, vars)
	for range 2 {
		got, err := m.Measure(trainer.Latest{StepSize: 0.5})
		check(t, err)
		for i, w := range want {
			if got := got.Own[5+i]; !(math.Abs(got-w) <= 2e-3) { // a pair at the threshold
				t.Errorf("sparsity_%d is %g, want %g", i+1, got, w)
			}
		}
	}
}

// featureSparsity downloads the taps for all images in one batch.
func featureSparsity(t *testing.T, p *Images, vars *machine.Variables) (all []float64) {
	t.Helper()
	m := nets.NewModel(tensor.Float32, false)
	batch := p.train().inputs(m)
	batch.Index = m.Input("index", tensor.Int32, p.Examples())
	x, _, err := op.Gather(batch, op.Gathering{Pad: data.CropPadding}, tensor.Float32)
	check(t, err)
	_, err = p.Net.Output(m, x)
	check(t, err)
	taps, err := machine.New(vars, m.Taps...)
	check(t, err)
	check(t, vars.Set("index", data.Order(0, 0, p.Examples(), data.Sequential)))
	check(t, taps.RunAll())
	for _, tap := range m.Taps {
		values := make([]float32, tap.Shape().TotalSize())
		check(t, taps.Output(tap, values))
		size := len(values) / p.Examples()
		units := measure.DrawUnits(size, measure.SparsityUnits, unitsSeed)
		f := measure.NewFeatures[float32](len(units), p.Examples())
		for n := range p.Examples() {
			row := make([]float32, len(units))
			for k, u := range units {
				row[k] = values[n*size+u]
			}
			check(t, f.Add(row))
		}
		s := f.Sparsity(measure.DuplicateConv)
		t.Logf("%d of %d units: %+v", len(units), size, s)
		all = append(all, s.Distinct)
	}
	return all
}

func TestSparsityIsOptional(t *testing.T) {
	p := imagesProblem(t, 30, 20)
	m, _ := meter(t, p, withoutFeatures{cputest.New(t, 2)})
	got, err := m.Measure(trainer.Latest{StepSize: 0.5})
	check(t, err)
	if len(got.Own) != 10 || math.IsNaN(got.Own[4]) || !math.IsNaN(got.Own[5]) || !math.IsNaN(got.Own[9]) {
		t.Errorf("without the kernels: %v", got.Own)
	}
	p.Sparsity = false
	m, _ = meter(t, p, cputest.New(t, 2))
	if got, err = m.Measure(trainer.Latest{StepSize: 0.5}); err != nil || len(got.Own) != 5 || len(p.Columns()) != 5 {
		t.Errorf("not asked for: %v, columns %v, error %v", got.Own, p.Columns(), err)
	}
}
