// Package enginetest is the test suite that every engine passes: each operation
// on random operands of many shapes, forward and backward, against a formula or
// against [op.Reference], and symbolic gradients against central differences.
//
// What judges a kernel shares no code with it. [op.Reference] is the judge of
// kernels that no engine takes from it; the others, and what host engines share,
// have formulas.
package enginetest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/data"
	"largestep/nets/op"
)

// graph is one case under construction.
type graph struct {
	*gorgonia.ExprGraph
	dtype  tensor.Dtype
	rng    *rand.Rand
	values map[string]any // of the inputs
	wrt    gorgonia.Nodes // inputs with a gradient
}

// test is an operation, or several, on random operands. build returns the
// outputs to compare; the first is differentiated by all operands that were
// made with normal, if grad is set. want is nil where the reference is the judge.
type test struct {
	name  string
	grad  bool
	build func(g *graph) (gorgonia.Nodes, error)
	want  formula
}

func newGraph(dtype tensor.Dtype) *graph {
	return &graph{
		ExprGraph: gorgonia.NewGraph(), dtype: dtype,
		rng: rand.New(rand.NewPCG(1, 2)), values: map[string]any{},
	}
}

// input declares an input of the graph with a value.
func (g *graph) input(name string, dtype tensor.Dtype, v any, shape ...int) *gorgonia.Node {
	g.values[name] = v
	if len(shape) == 0 {
		return gorgonia.NewScalar(g.ExprGraph, dtype, gorgonia.WithName(name))
	}
	return gorgonia.NewTensor(g.ExprGraph, dtype, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(name))
}

// float declares an input of normal random numbers times scale plus shift.
func (g *graph) float(name string, scale, shift float64, shape ...int) *gorgonia.Node {
	n := 1
	for _, d := range shape {
		n *= d
	}
	v := make([]float64, n)
	for i := range v {
		v[i] = short(g.rng.NormFloat64()*scale + shift)
	}
	return g.input(name, g.dtype, g.host(v), shape...)
}

// short cuts a number to the 16 bits of a bfloat16, which every number format
// holds exactly: an engine's rounding of the inputs then moves none of them over
// a ReLU's threshold.
func short(x float64) float64 {
	return float64(math.Float32frombits(math.Float32bits(float32(x)) &^ 0xffff))
}

// host is a slice of the graph's float type.
func (g *graph) host(v []float64) any {
	if g.dtype == tensor.Float64 {
		return v
	}
	v32 := make([]float32, len(v))
	for i, x := range v {
		v32[i] = float32(x)
	}
	return v32
}

// normal is a random input that the case differentiates by.
func (g *graph) normal(name string, shape ...int) *gorgonia.Node {
	n := g.float(name, 1, 0, shape...)
	g.wrt = append(g.wrt, n)
	return n
}

func (g *graph) labels(n, classes int) *gorgonia.Node {
	v := make([]int32, n)
	for i := range v {
		v[i] = g.rng.Int32N(int32(classes))
	}
	return g.input("labels", tensor.Int32, v, n)
}

// withIgnored sets every third label to −1.
func (g *graph) withIgnored(labels *gorgonia.Node) *gorgonia.Node {
	v := g.values["labels"].([]int32)
	for i := 1; i < len(v); i += 3 {
		v[i] = -1
	}
	return labels
}

// tests lists all cases; large ones only where the engine is fast.
func tests(large bool) []test {
	return slices.Concat(convolutions(large), norms(large), layers(large), maxPools(large), training(), features(large))
}

func convolutions(large bool) []test {
	var list []test
	add := func(n, ic, oc, size, kernel, stride int) {
		list = append(list, test{
			name: fmt.Sprintf("conv/n%d_%dto%d_size%d_kernel%d_stride%d", n, ic, oc, size, kernel, stride),
			grad: true,
			build: func(g *graph) (gorgonia.Nodes, error) {
				x, w := g.normal("x", n, ic, size, size), g.normal("w", oc, ic, kernel, kernel)
				y, err := op.Conv(x, w, op.Convolution{Stride: stride, Pad: kernel / 2})
				return gorgonia.Nodes{y}, err
			},
		})
	}
	add(2, 3, 4, 5, 3, 1)
	add(2, 3, 4, 6, 3, 2)
	add(3, 2, 3, 5, 3, 2)
	add(2, 3, 5, 4, 1, 1)
	add(1, 5, 2, 4, 1, 2)
	add(1, 1, 1, 3, 3, 1)
	if large {
		add(13, 3, 8, 12, 3, 1)
		add(15, 8, 8, 9, 3, 1)
		add(33, 8, 16, 8, 3, 2)
		add(7, 16, 16, 7, 3, 1)
		add(32, 16, 32, 8, 1, 2)
		add(17, 20, 36, 6, 3, 1)
		add(9, 64, 64, 8, 3, 1)
		add(14, 65, 33, 5, 3, 2)
		add(64, 40, 64, 4, 3, 1)
		add(16, 32, 32, 8, 3, 1) // here, and in the next two, rows of pixels are whole pages
		add(16, 32, 16, 8, 3, 2)
		add(32, 16, 64, 4, 1, 1)
		add(3, 3, 8, 64, 3, 1)
		add(2, 9, 16, 64, 3, 2)
		add(3, 17, 9, 64, 1, 2)
		add(33, 40, 33, 2, 3, 1) // images smaller than the filter
		add(17, 33, 40, 1, 3, 1)
	}
	return list
}

func norms(large bool) []test {
	shapes := [][]int{{3, 4, 3, 2}}
	if large {
		shapes = append(shapes, []int{5, 1, 1, 1}, []int{7, 5, 3, 3}, []int{32, 8, 6, 6}, []int{5, 16, 4, 4}, []int{9, 24, 5, 5}, []int{64, 64, 4, 4}, []int{13, 100, 2, 2}, []int{3, 20, 64, 64}, []int{9, 512, 1, 1})
	}
	var list []test
	for _, s := range shapes {
		for _, v := range []op.BatchNorm{{}, {ReLU: true}, {Residual: true}, {ReLU: true, Residual: true}} {
			v.Epsilon, v.Momentum = 1e-5, 0.1
			name := strings.Trim(strings.ReplaceAll(fmt.Sprint(s), " ", "x"), "[]")
			if v.ReLU {
				name += "_relu"
			}
			if v.Residual {
				name += "_residual"
			}
			list = append(list,
				test{"batch_norm/" + name, true, func(g *graph) (gorgonia.Nodes, error) { return normalizeBatch(g, v, s) }, nil},
				test{"batch_norm_inference/" + name, false, func(g *graph) (gorgonia.Nodes, error) { return normalize(g, v, s) }, nil})
		}
	}
	return list
}

func normInputs(g *graph, b op.BatchNorm, s []int) (x, residual *gorgonia.Node, p op.BatchNormParameters) {
	x = g.float("x", 2, 3, s...)
	p.Gamma, p.Beta = g.normal("gamma", s[1]), g.normal("beta", s[1])
	g.wrt = append(g.wrt, x)
	p.RunningMean, p.RunningVar = g.float("mean", 1, 0, s[1]), g.float("variance", 0.1, 2, s[1])
	if b.Residual {
		residual = g.normal("residual", s...)
	}
	return x, residual, p
}

func normalizeBatch(g *graph, b op.BatchNorm, s []int) (gorgonia.Nodes, error) {
	x, residual, p := normInputs(g, b, s)
	y, mean, variance, err := op.NormalizeBatch(x, p, residual, b)
	return gorgonia.Nodes{y, mean, variance}, err
}

func normalize(g *graph, b op.BatchNorm, s []int) (gorgonia.Nodes, error) {
	x, residual, p := normInputs(g, b, s)
	y, err := op.Normalize(x, p, residual, b)
	return gorgonia.Nodes{y}, err
}

func layers(large bool) []test {
	var list []test
	add := func(name string, grad bool, want formula, build func(g *graph) (gorgonia.Nodes, error)) {
		list = append(list, test{name, grad, build, want})
	}
	sizes := [][4]int{{2, 3, 4, 5}} // images, features, size, classes
	if large {
		sizes = append(sizes, [4]int{1, 1, 1, 2}, [4]int{33, 40, 4, 10}, [4]int{64, 512, 3, 10}, [4]int{7, 65, 5, 7}, [4]int{9, 512, 1, 1000}, [4]int{5, 64, 8, 200}, [4]int{2, 24, 64, 100})
	}
	for _, s := range sizes {
		n, c, size, classes := s[0], s[1], s[2], s[3]
		suffix := fmt.Sprintf("/n%d_%d_size%d_classes%d", n, c, size, classes)
		add("average_pool"+suffix, true, nil, func(g *graph) (gorgonia.Nodes, error) {
			y, err := op.AveragePool(g.normal("x", n, c, size, size))
			return gorgonia.Nodes{y}, err
		})
		add("linear"+suffix, true, nil, func(g *graph) (gorgonia.Nodes, error) {
			y, err := op.Linear(g.normal("x", n, c), g.normal("w", classes, c), g.normal("b", classes))
			return gorgonia.Nodes{y}, err
		})
		add("cross_entropy"+suffix, true, crossEntropyFormula(n, classes), func(g *graph) (gorgonia.Nodes, error) {
			loss, err := op.CrossEntropy(g.normal("logits", n, classes), g.labels(n, classes))
			return gorgonia.Nodes{loss}, err
		})
		add("score"+suffix, false, scoreFormula(n, classes), func(g *graph) (gorgonia.Nodes, error) {
			totals := g.input("totals", tensor.Float64, []float64{1, 2, 3}, 3)
			y, err := op.Score(totals, g.float("logits", 3, 0, n, classes), g.withIgnored(g.labels(n, classes)))
			return gorgonia.Nodes{y}, err
		})
		for _, shape := range [][]int{{n, c}, {n, c, size, size}} {
			add(fmt.Sprintf("positives%s_rank%d", suffix, len(shape)), false, nil, func(g *graph) (gorgonia.Nodes, error) {
				return positives(g, shape)
			})
		}
	}
	return list
}

func positives(g *graph, shape []int) (gorgonia.Nodes, error) {
	x, err := g.feature(shape)
	if err != nil {
		return nil, err
	}
	total := g.input("total", tensor.Float64, []float64{7}, 1)
	y, err := op.Positives(total, x, g.withIgnored(g.labels(shape[0], 3)))
	return gorgonia.Nodes{y}, err
}

func training() []test {
	list := []test{
		{"accumulate_first", false, func(g *graph) (gorgonia.Nodes, error) { return accumulate(g, 0) }, nil},
		{"accumulate", false, func(g *graph) (gorgonia.Nodes, error) { return accumulate(g, 1) }, nil},
		{"filter_gradient", false, filterGradient, nil},
		{"updated_filters", false, updatedFilters, nil},
		{"positives_of_a_variable", false, func(g *graph) (gorgonia.Nodes, error) {
			total, err := op.Positives(g.input("total", tensor.Float64, []float64{7}, 1), g.float("x", 1, 0, 5, 3, 4, 4), g.withIgnored(g.labels(5, 3)))
			return gorgonia.Nodes{total}, err
		}, nil},
		{"record", false, record, recordFormula},
		{"add", true, residualSum, nil},
		{"add_activations", false, activationSum, nil},
	}
	for _, c := range []struct {
		name   string
		side   int
		how    op.Gathering
		window []int32
	}{
		{"gather", 32, op.Gathering{Pad: 4}, nil},
		{"gather_augmented", 32, op.Gathering{Pad: 4}, data.Augmentation(1, 2, 3, gathered)},
		{"gather_padding2", 32, op.Gathering{Pad: 2}, []int32{0, 4, 1, 2, 2, 0, 1, 1, 1, 4, 0, 1, 3, 3, 0, 0, 0, 1, 4, 4, 0}},
		{"gather_size64", 64, op.Gathering{Pad: 4}, data.Augmentation(1, 2, 3, gathered)},
		{"gather_size7", 7, op.Gathering{Pad: 4}, data.Augmentation(1, 2, 3, gathered)},
		{"gather_normalized", 32, op.Gathering{Pad: 4, Normalization: op.Normalization{Mean: [3]float32{0.5, 0.25, -1}, Std: [3]float32{0.25, 3, 1}}}, data.Augmentation(1, 2, 3, gathered)},
	} {
		list = append(list, test{c.name, false,
			func(g *graph) (gorgonia.Nodes, error) { return gather(g, c.side, c.how, c.window) }, gatherFormula(c.side, c.how)})
	}
	list = append(list, test{"gather_images", false, // whose labels come from elsewhere
		func(g *graph) (gorgonia.Nodes, error) {
			both, err := gather(g, 32, op.Gathering{Pad: 4}, nil)
			return both[:1], err
		}, func(in values) [][]float64 { return gatherFormula(32, op.Gathering{Pad: 4})(in)[:1] }})
	for _, s := range []op.SGD{{}, {WeightDecay: 0.1}, {Momentum: 0.9}, {Momentum: 0.9, WeightDecay: 0.1}} {
		list = append(list, test{fmt.Sprintf("sgd/momentum%g_decay%g", s.Momentum, s.WeightDecay), false,
			func(g *graph) (gorgonia.Nodes, error) { return descend(g, s) }, nil})
	}
	return list
}

// A mini-batch that is gathered.
const gathered, channels = 7, 3

// gather picks square images.
func gather(g *graph, side int, how op.Gathering, window []int32) (gorgonia.Nodes, error) {
	const images = 5
	pixels := make([]uint8, images*channels*side*side)
	for i := range pixels {
		pixels[i] = uint8(g.rng.Uint32())
	}
	b := op.Batch{
		Images: g.input("images", tensor.Uint8, pixels, images, channels, side, side),
		Labels: g.input("labels", tensor.Int32, []int32{3, 1, 400, 1, 70_000}, images),
		Index:  g.input("index", tensor.Int32, []int32{4, 0, -1, 2, 2, 3, 1}, gathered),
	}
	if window != nil {
		b.Window = g.input("window", tensor.Int32, window, gathered, 3)
	}
	x, labels, err := op.Gather(b, how, g.dtype)
	return gorgonia.Nodes{x, labels}, err
}

// descend updates a filter, a matrix and a vector.
func descend(g *graph, s op.SGD) (gorgonia.Nodes, error) {
	eta := g.float("eta", 0, 0.1)
	var updates []op.Update
	for _, shape := range [][]int{{5, 3, 3, 3}, {7, 9}, {33}} {
		name := fmt.Sprint("w", len(shape))
		updates = append(updates, op.Update{
			W: g.float(name, 1, 0, shape...), V: g.float(name+" v", 1, 0, shape...), Grad: g.float(name+" g", 1, 0, shape...),
		})
	}
	return op.Descend(s, eta, updates)
}

func accumulate(g *graph, decay float64) (gorgonia.Nodes, error) {
	sums := []*gorgonia.Node{g.float("filter sum", 1, 0, 5, 3, 3, 3), g.float("vector sum", 1, 0, 33)}
	terms := []*gorgonia.Node{g.float("filter", 1, 0, 5, 3, 3, 3), g.float("vector", 1, 0, 33)}
	return op.Accumulate(sums, terms, g.float("decay", 0, decay), 0.25)
}

// filterGradient is the gradient by a filter that is used twice, a sum of two, and
// what training does with one.
func filterGradient(g *graph) (gorgonia.Nodes, error) {
	y, w := g.float("x", 1, 0, 3, 5, 6, 6), g.float("w", 1, 0, 5, 5, 3, 3)
	var err error
	for range 2 {
		if y, err = op.Conv(y, w, op.Convolution{Stride: 1, Pad: 1}); err != nil {
			return nil, err
		}
	}
	cost, err := gorgonia.Sum(y)
	if err != nil {
		return nil, err
	}
	dw, err := gorgonia.Grad(cost, w)
	if err != nil {
		return nil, err
	}
	sum, err := op.Accumulate(gorgonia.Nodes{g.float("sum", 1, 0, 5, 5, 3, 3)}, dw, g.float("decay", 0, 1), 0.25)
	if err != nil {
		return nil, err
	}
	descended, err := op.Descend(op.SGD{Momentum: 0.9}, g.float("eta", 0, 0.1), []op.Update{{W: w, V: g.float("v", 1, 0, 5, 5, 3, 3), Grad: dw[0]}})
	return slices.Concat(dw, sum, descended), err
}

// updatedFilters convolves with what the kernels that write filters leave.
func updatedFilters(g *graph) (gorgonia.Nodes, error) {
	filter := func(name string) *gorgonia.Node { return g.float(name, 1, 0, 9, 5, 3, 3) }
	filters, err := op.Descend(op.SGD{}, g.float("eta", 0, 0.1), []op.Update{{W: filter("w"), Grad: filter("gradient")}})
	if err != nil {
		return nil, err
	}
	sums, err := op.Accumulate(gorgonia.Nodes{filter("sum")}, gorgonia.Nodes{filter("term")}, g.float("decay", 0, 1), 0.25)
	if err != nil {
		return nil, err
	}
	sum, err := gorgonia.Add(filters[0], sums[0])
	if err != nil {
		return nil, err
	}
	x := g.float("x", 1, 0, 3, 5, 6, 6)
	var outputs gorgonia.Nodes
	for _, w := range append(append(filters, sums...), sum) {
		y, err := op.Conv(x, w, op.Convolution{Stride: 1, Pad: 1})
		if err != nil {
			return nil, err
		}
		outputs = append(outputs, y)
	}
	return outputs, nil
}

func record(g *graph) (gorgonia.Nodes, error) {
	log := g.input("log", tensor.Float64, make([]float64, 9), 9)
	y, err := op.Record(log, g.float("loss", 1, 0), g.input("position", tensor.Int32, []int32{4}))
	return gorgonia.Nodes{y}, err
}

// residualSum is a block whose input is used twice, so that its gradient is a
// sum of two.
func residualSum(g *graph) (gorgonia.Nodes, error) {
	const c = 6
	x, w := g.normal("x", 5, c, 2, 2), g.normal("w", c, c, 3, 3)
	norm := func(name string, x, residual *gorgonia.Node) (*gorgonia.Node, error) {
		p := op.BatchNormParameters{
			Gamma: g.normal(name+".gamma", c), Beta: g.normal(name+".beta", c),
			RunningMean: g.float(name+".mean", 0, 0, c), RunningVar: g.float(name+".variance", 0, 1, c),
		}
		y, _, _, err := op.NormalizeBatch(x, p, residual, op.BatchNorm{Epsilon: 1e-5, Momentum: 0.1, ReLU: true})
		return y, err
	}
	x, err := norm("first", x, nil)
	if err != nil {
		return nil, err
	}
	y, err := op.Conv(x, w, op.Convolution{Stride: 1, Pad: 1})
	if err != nil {
		return nil, err
	}
	y, err = norm("second", y, x)
	return gorgonia.Nodes{y}, err
}

// activationSum is a sum of two activations that nothing else can take part in.
func activationSum(g *graph) (gorgonia.Nodes, error) {
	x, residual, p := normInputs(g, op.BatchNorm{Residual: true}, []int{5, 9, 3, 3})
	b := op.BatchNorm{Epsilon: 1e-5}
	y, err := op.Normalize(x, p, nil, b)
	if err != nil {
		return nil, err
	}
	if x, err = op.Normalize(residual, p, nil, b); err != nil {
		return nil, err
	}
	z, err := gorgonia.Add(x, y)
	return gorgonia.Nodes{z}, err
}
