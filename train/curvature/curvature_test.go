package curvature_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/metrics/measure"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/curvature"
	"largestep/train/machine"
	"largestep/train/machine/cpu/cputest"
	"largestep/train/problem"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const images, channels, side, classes = 9, 2, 6, 3

// pictures is the cross-entropy of a small net with all that image nets are made
// of: batch norm with ReLU and with a residual, a shortcut, both pools.
type pictures struct{ dtype tensor.Dtype }

func (pictures) Examples() int         { return images }
func (p pictures) Dtype() tensor.Dtype { return p.dtype }

func (p pictures) Loss(m *nets.Model, index *gorgonia.Node) (*gorgonia.Node, error) {
	x, labels, err := op.Gather(op.Batch{
		Images: m.Input("images", tensor.Uint8, images, channels, side, side),
		Labels: m.Input("labels", tensor.Int32, images), Index: index,
	}, op.Gathering{}, p.dtype)
	if err != nil {
		return nil, err
	}
	logits, err := smallNet{}.Output(m, x)
	if err != nil {
		return nil, err
	}
	return op.CrossEntropy(logits, labels)
}

func (pictures) Upload(vars *machine.Variables) error {
	rng := rand.New(rand.NewPCG(1, 2))
	pixels, labels := make([]uint8, images*channels*side*side), make([]int32, images)
	for i := range pixels {
		pixels[i] = uint8(rng.Uint32())
	}
	for i := range labels {
		labels[i] = int32(rng.IntN(classes))
	}
	if err := vars.Set("images", pixels); err != nil {
		return err
	}
	return vars.Set("labels", labels)
}

type smallNet struct{}

func (smallNet) Output(m *nets.Model, x *gorgonia.Node) (*gorgonia.Node, error) {
	var err error
	step := func(y *gorgonia.Node, e error) *gorgonia.Node {
		if err == nil {
			err = e
		}
		return y
	}
	x = step(m.Convolution("a", x, 3, 3, 1))
	if err != nil {
		return nil, err
	}
	x = step(m.BatchNorm("na", x, nil, true))
	x = step(m.MaxPool(x, 2, 2))
	y := step(m.Convolution("b", x, 4, 3, 2))
	y = step(m.BatchNorm("nb", y, nil, false))
	s := step(m.Convolution("c", x, 4, 1, 2))
	s = step(m.BatchNorm("nc", s, y, true))
	s = step(m.AveragePool(s))
	s = step(m.Dense("d", s, classes, nets.UniformFanIn(4), nets.Constant(0.1)))
	return s, err
}

// probe is at random parameters, far from the symmetric start.
func probe(t *testing.T, e op.Engine, l curvature.Loss, batch int, mode curvature.Mode) (*curvature.Probe, []float64) {
	t.Helper()
	p, err := curvature.New(machine.NewVariables(e), l, batch, mode)
	check(t, err)
	values := map[string][]float64{}
	rng := rand.New(rand.NewPCG(3, 4))
	m := nets.NewModel(l.Dtype(), mode == curvature.Training)
	_, err = l.Loss(m, m.Input("index", tensor.Int32, batch))
	check(t, err)
	for _, v := range m.Variables {
		x := make([]float64, v.Len())
		for i := range x {
			x[i] = 0.6 * rng.NormFloat64()
			if v.Name[len(v.Name)-1] == 'r' { // running_var
				x[i] = 0.5 + rng.Float64()
			}
		}
		values[v.Name] = x
	}
	read := func(name string) ([]float64, error) {
		x, ok := values[name]
		if !ok {
			return nil, fmt.Errorf("no %s", name)
		}
		return x, nil
	}
	check(t, p.Load(read))
	x, err := p.Point()
	check(t, err)
	return p, x
}

// dense is the Hessian, column by column, from the products.
func dense(t *testing.T, apply measure.Operator, n int) *mat.Dense {
	t.Helper()
	h := mat.NewDense(n, n, nil)
	for j := range n {
		v, column := make([]float64, n), make([]float64, n)
		v[j] = 1
		check(t, apply(column, v))
		h.SetCol(j, column)
	}
	return h
}

// differences is the Hessian from central differences, of fourth order, of the
// gradients.
func differences(t *testing.T, p *curvature.Probe, x []float64) *mat.Dense {
	t.Helper()
	const step = 2e-5 // short, so that no ReLU changes sides
	n := p.Parameters()
	h := mat.NewDense(n, n, nil)
	g := make([]float64, n)
	for j := range n {
		column := make([]float64, n)
		for _, at := range []struct{ by, weight float64 }{{1, 8}, {-1, -8}, {2, -1}, {-2, 1}} {
			moved := append([]float64{}, x...)
			moved[j] += at.by * step
			check(t, p.Move(moved))
			for k := range p.Batches() {
				_, err := p.Gradient(g, k)
				check(t, err)
				floats.AddScaled(column, at.weight/(12*step*float64(p.Batches())), g)
			}
		}
		h.SetCol(j, column)
	}
	check(t, p.Move(x))
	return h
}

// off is the largest difference, relative to the largest element.
func off(a, b mat.Matrix) float64 {
	var d mat.Dense
	d.Sub(a, b)
	return mat.Norm(&d, math.Inf(1)) / mat.Norm(b, math.Inf(1))
}

func vectors(kind op.LossKind) *problem.Vectors {
	rng := rand.New(rand.NewPCG(5, 6))
	s := problem.Sample{X: make([]float64, 7*3), Y: make([]float64, 7)}
	for i := range s.X {
		s.X[i] = rng.NormFloat64()
	}
	for i := range s.Y {
		s.Y[i] = float64(2*rng.IntN(2) - 1)
	}
	return &problem.Vectors{
		Net:   &nets.ReLU{Widths: []int{4, 3}, Bias: []bool{true, false, true}},
		Train: s, Fit: op.Loss{Kind: kind, Scale: 0.7}, Norm: 0.3,
	}
}

func TestHessian(t *testing.T) {
	diagonal := vectors(op.Squared)
	diagonal.Net = nets.Diagonal{U: 0.3}
	diagonal.Norm = 0
	for name, c := range map[string]struct {
		loss  curvature.Loss
		batch int
		mode  curvature.Mode
	}{
		"batch norm in training":    {pictures{tensor.Float64}, 4, curvature.Training},
		"batch norm in evaluation":  {pictures{tensor.Float64}, 3, curvature.Evaluation},
		"all images in a batch":     {pictures{tensor.Float64}, images, curvature.Training},
		"squared loss of ReLU net":  {vectors(op.Squared), 2, curvature.Training},
		"hinge loss of ReLU net":    {vectors(op.Hinge), 7, curvature.Training},
		"logistic loss of ReLU net": {vectors(op.Logistic), 7, curvature.Training},
		"diagonal net":              {diagonal, 3, curvature.Training},
	} {
		t.Run(name, func(t *testing.T) {
			p, x := probe(t, op.Reference{}, c.loss, c.batch, c.mode)
			h := dense(t, p.Hessian(), p.Parameters())
			if d := off(h, differences(t, p, x)); !(d <= 1e-8) {
				t.Errorf("off by %.2g from differences of gradients", d)
			}
			if d := off(h.T(), h); !(d <= 1e-12) {
				t.Errorf("asymmetric by %.2g", d)
			}
			testSpectrum(t, p, h)
		})
	}
}

// testSpectrum compares eigenvalues and trace with those of the dense Hessian.
func testSpectrum(t *testing.T, p *curvature.Probe, h *mat.Dense) {
	n := p.Parameters()
	sym := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			sym.SetSym(i, j, (h.At(i, j)+h.At(j, i))/2)
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(sym, false) {
		t.Fatal("no eigenvalues")
	}
	want := eigen.Values(nil)
	e, err := p.Eigenvalues(measure.EigenOptions{Count: 3, Tolerance: 1e-6, Products: 1000})
	check(t, err)
	t.Logf("%d parameters, eigenvalues %v after %d products", n, e.Values, e.Products)
	for k, got := range e.Values {
		if w := want[n-1-k]; !(math.Abs(got-w) <= 1e-8*math.Abs(want[n-1])) {
			t.Errorf("eigenvalue %d is %.12g, want %.12g", k+1, got, w)
		}
	}
	const signs = 2000
	trace, deviation, err := p.Trace(signs)
	check(t, err)
	if w := mat.Trace(h); !(math.Abs(trace-w) <= 4*deviation+1e-9*math.Abs(w)) {
		t.Errorf("trace %g ± %g, want %g", trace, deviation, w)
	}
}

// TestEngine compares the products of the cpu engine in float32 with the
// reference's in float64.
func TestEngine(t *testing.T) {
	e := cputest.New(t, 2)
	for _, mode := range []curvature.Mode{curvature.Training, curvature.Evaluation} {
		want, _ := probe(t, op.Reference{}, pictures{tensor.Float64}, 4, mode)
		got, _ := probe(t, e, pictures{tensor.Float32}, 4, mode)
		n := want.Parameters()
		if d := off(dense(t, got.Hessian(), n), dense(t, want.Hessian(), n)); !(d <= 1e-5) {
			t.Errorf("%s mode: off by %.2g", mode, d)
		} else {
			t.Logf("%s mode: off by %.2g", mode, d)
		}
	}
}

// TestBatchStatistics compares with formulas on the gradients and dense Hessians of
// the mini-batches.
func TestBatchStatistics(t *testing.T) {
	p, _ := probe(t, op.Reference{}, pictures{tensor.Float64}, 3, curvature.Training)
	n, batches := p.Parameters(), p.Batches()
	mean, sharpness, squares := mat.NewVecDense(n, nil), 0.0, 0.0
	for k := range batches {
		g := make([]float64, n)
		_, err := p.Gradient(g, k)
		check(t, err)
		h := dense(t, func(dst, v []float64) error { return p.Product(dst, v, k) }, n)
		v := mat.NewVecDense(n, g)
		mean.AddScaledVec(mean, 1/float64(batches), v)
		sharpness += mat.Inner(v, h, v) / mat.Dot(v, v) / float64(batches)
		squares += mat.Dot(v, v)
	}
	near := func(what string, got, want, tolerance float64) {
		t.Helper()
		if !(math.Abs(got-want) <= tolerance*math.Abs(want)) {
			t.Errorf("%s is %.10g, want %.10g", what, got, want)
		}
	}
	got, err := p.BatchSharpness()
	check(t, err)
	near("batch sharpness", got, sharpness, 1e-10)
	cheap, err := p.BatchSharpnessByLosses(1e-4)
	check(t, err)
	near("batch sharpness by losses", cheap, sharpness, 1e-3)
	g, err := p.Gradients()
	check(t, err)
	norm := mat.Norm(mean, 2)
	noise := (squares - float64(batches)*norm*norm) / float64(batches-1)
	near("gradient norm", g.Norm, norm, 1e-10)
	near("noise", g.Noise, noise, 1e-10)
	near("noise scale", g.NoiseScale, 3*noise/(norm*norm), 1e-10)
}
