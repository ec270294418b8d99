package lecture

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"text/tabwriter"

	"largestep/data"
	"largestep/metrics/atomicfile"
	"largestep/metrics/figure"
	"largestep/train/schedule"
	"largestep/train/trainer"
)

// About is what the figure shows, in a line.
const About = "finite sums in one variable: the region of confusion, how far SGD stays, how fast it comes"

// Figure is the diagrams and their numbers.
type Figure struct {
	Panels  []figure.Panel
	Numbers []Number
}

// terms is n of the sums of one variable.
const terms = 10

// Make trains what the diagrams show.
func Make(ctx context.Context) (*Figure, error) {
	f := &Figure{}
	q := scalarProblem(terms)
	f.Panels = append(f.Panels, parabolas(q))
	for _, add := range []func(context.Context, quadratic) error{f.paths, f.radius, f.schedules, f.replacement, f.batches, f.heavyBall} {
		if err := add(ctx, q); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Draw makes finite-sums.png, .svg and .pdf, and the numbers as .txt and .csv. It
// returns the table and the first file.
func (f *Figure) Draw(dir string) (table, file string, err error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", "", err
	}
	files := figure.Files(dir, "finite-sums")
	if err := figure.Panels(f.Panels, "Finite sums of parabolas", files...); err != nil {
		return "", "", err
	}
	var text, csv bytes.Buffer
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "slope\tmeasured\ttheory\n")
	fmt.Fprintf(&csv, "slope,measured,theory\n")
	for _, n := range f.Numbers {
		fmt.Fprintf(w, "%s\t%.3g\t%.3g\n", n.Name, n.Measured, n.Theory)
		fmt.Fprintf(&csv, "%q,%g,%g\n", n.Name, n.Measured, n.Theory)
	}
	if err := w.Flush(); err != nil {
		return "", "", err
	}
	if err := atomicfile.WriteFile(filepath.Join(dir, "finite-sums.csv"), csv.Bytes()); err != nil {
		return "", "", err
	}
	return text.String(), files[0], atomicfile.WriteFile(filepath.Join(dir, "finite-sums.txt"), text.Bytes())
}

func (f *Figure) number(name string, measured, theory float64) {
	f.Numbers = append(f.Numbers, Number{name, measured, theory})
}

// parabolas are the terms and their mean.
func parabolas(q quadratic) figure.Panel {
	low, high := q.confusion()
	p := figure.Panel{Heading: "The terms fᵢ and their mean", X: "x", Upright: true, Shaded: &figure.Interval{Label: "region of confusion", Low: low, High: high}}
	var grid []float64
	for k := range 81 {
		grid = append(grid, low-1.5+(high-low+3)*float64(k)/80)
	}
	curve := func(of func(x float64) float64) (y []float64) {
		for _, x := range grid {
			y = append(y, of(x))
		}
		return y
	}
	mean := func(x float64) float64 {
		return q.mean(func(a, b float64) float64 { return (a*x - b) * (a*x - b) / 2 })
	}
	p.Lines = append(p.Lines, figure.Line{Label: "mean", X: grid, Y: curve(mean)})
	for i, b := range q.b {
		label := ""
		if i == 0 {
			label = "terms"
		}
		p.Lines = append(p.Lines, figure.Line{Label: label, Dashed: true, X: grid, Y: curve(func(x float64) float64 { return (q.a[i]*x - b) * (q.a[i]*x - b) / 2 })})
	}
	return p
}

// paths of gradient descent and of SGD from far out.
func (f *Figure) paths(_ context.Context, q quadratic) error {
	const x0, steps, eta = 5, 60, 0.3
	low, high := q.confusion()
	p := figure.Panel{Heading: "From far out to confusion", X: "Step", Y: "x", Shaded: &figure.Interval{Label: "region of confusion", Low: low, High: high}}
	all := data.Order(0, 0, terms, data.Sequential)
	for _, way := range []struct {
		label    string
		options  trainer.StepOptions
		schedule schedule.Schedule
	}{
		{"gradient descent", trainer.StepOptions{Batch: terms, Parts: 1}, schedule.Constant(eta)},
		{"SGD, η constant", single, schedule.Constant(eta)},
		{"SGD, C/(1 + t/10)", single, schedule.Constant(eta).With(schedule.Rule{Name: "inverse", Parameters: []float64{10}})},
	} {
		d, err := newDescent(q, way.options)
		if err != nil {
			return err
		}
		if err := d.start(x0); err != nil {
			return err
		}
		line := figure.Line{Label: way.label, X: []float64{0}, Y: []float64{x0}}
		for t := range steps {
			batch := all
			if way.options.Batch == 1 {
				batch = data.Order(3, t/terms, terms, data.WithReplacement)[t%terms : t%terms+1]
			}
			x, err := d.run(batch, way.schedule.StepSize(t, steps))
			if err != nil {
				return err
			}
			line.X, line.Y = append(line.X, float64(t+1)), append(line.Y, x[0])
		}
		p.Lines = append(p.Lines, line)
	}
	f.Panels = append(f.Panels, p)
	return nil
}

func (f *Figure) radius(ctx context.Context, q quadratic) error {
	etas, measured, theory, err := neighbourhood(ctx, q)
	if err != nil {
		return err
	}
	const small = 4 // step sizes at which the distance is proportional to η
	f.number("mean (x − x*)² against η, small η", slope(etas[:small], measured[:small], 0), 1)
	f.Panels = append(f.Panels, figure.Panel{
		Heading: "How far SGD stays", X: "Step size", Y: "mean (x − x*)²", LogX: true, LogY: true, Corner: figure.Corner{Left: true},
		Lines: []figure.Line{{Label: "measured", X: etas, Y: measured, Dots: true}, {Label: "theory", X: etas, Y: theory, Dashed: true}},
	})
	return nil
}

// schedules compare step sizes c/t of two constants with C/√t. With the curvature
// h the square distance falls as 1/t if 2ch > 1, else as t^(−2ch); as 1/√t with the
// other.
func (f *Figure) schedules(ctx context.Context, q quadratic) error {
	const total, seeds = 2000, 1000
	x0 := q.optimum() + 0.3 // near, for the noise to decide soon
	h, at := q.curvature(), spread(total, 1, 40)
	p := figure.Panel{Heading: "C/t, and C/√t", X: "Step", Y: "mean (x − x*)²", LogX: true, LogY: true, Corner: figure.Corner{Left: true, Bottom: true}}
	for _, way := range []struct {
		label, rule string
		c, t0       float64 // c of c/t, or of c/√t
		theory      float64
	}{
		{"c/t, ch = 1.5", "inverse", 1.5 / h, 10, -1},
		{"c/t, ch = 0.2", "inverse", 0.2 / h, 1, -0.4},
		{"c/√t", "inverse-sqrt", 0.5, 1, -0.5},
	} {
		eta := way.c / way.t0
		s := schedule.Constant(eta).With(schedule.Rule{Name: way.rule, Parameters: []float64{way.t0}})
		d, err := distances(ctx, q, data.WithReplacement, s, x0, total, at, seeds)
		if err != nil {
			return err
		}
		p.Lines = append(p.Lines, figure.Line{Label: way.label, X: d.steps, Y: d.distance})
		f.number("(x − x*)² against steps, "+way.label, slope(d.steps, d.distance, 0.6), way.theory)
	}
	f.Panels = append(f.Panels, p)
	return nil
}

// replacement compares the ends of epochs with step sizes c/t: without replacement
// the noise of an epoch cancels but for a part of order η, so that the square
// distance falls as 1/t² instead of 1/t (Gürbüzbalaban, Ozdaglar and Parrilo 2021).
func (f *Figure) replacement(ctx context.Context, q quadratic) error {
	x0, c := q.optimum()+0.3, 3/q.curvature()
	s := schedule.Constant(c / 20).With(schedule.Rule{Name: "inverse", Parameters: []float64{20}})
	p := figure.Panel{Heading: "With and without replacement", X: "Step", Y: "mean (x − x*)²", LogX: true, LogY: true, Corner: figure.Corner{Left: true, Bottom: true}}
	for _, way := range []struct {
		label        string
		how          data.Sampling
		total, seeds int // longer where the limit comes late, fewer where the noise cancels
		theory       float64
	}{{"with", data.WithReplacement, 10_000, 160, -1}, {"without", data.Shuffle, 100_000, 24, -2}} {
		d, err := distances(ctx, q, way.how, s, x0, way.total, spread(way.total, terms, 30), way.seeds)
		if err != nil {
			return err
		}
		p.Lines = append(p.Lines, figure.Line{Label: way.label + " replacement", X: d.steps, Y: d.distance})
		f.number("(x − x*)² against steps, "+way.label+" replacement", slope(d.steps, d.distance, 0.7), way.theory)
	}
	f.Panels = append(f.Panels, p)
	return nil
}

func (f *Figure) batches(_ context.Context, _ quadratic) error {
	q := scalarProblem(100)
	p := figure.Panel{Heading: "Gradient of a mini-batch", X: "Batch", Y: "variance", LogX: true, LogY: true, Corner: figure.Corner{Left: true, Bottom: true}}
	noise, n := q.gradientNoise(3), float64(len(q.b))
	for _, way := range []struct {
		label  string
		how    data.Sampling
		theory func(b float64) float64
	}{
		{"with replacement", data.WithReplacement, func(b float64) float64 { return noise / b }},
		{"without", data.Shuffle, func(b float64) float64 { return noise / b * (n - b) / (n - 1) }},
	} {
		batch, measured, err := variances(q, way.how)
		if err != nil {
			return err
		}
		theory := make([]float64, len(batch))
		for i, b := range batch {
			theory[i] = way.theory(b)
		}
		p.Lines = append(p.Lines, figure.Line{Label: way.label, X: batch, Y: measured, Dots: true}, figure.Line{X: batch, Y: theory, Dashed: true})
		if way.how == data.WithReplacement {
			f.number("variance of the gradient against the batch", slope(batch, measured, 0), -1)
		}
	}
	f.Panels = append(f.Panels, p)
	return nil
}

// heavyBall descends a ravine of the condition κ = 100 with the best constants
// (Polyak 1964): gradient descent contracts by (κ − 1)/(κ + 1) a step, heavy ball
// by (√κ − 1)/(√κ + 1).
func (f *Figure) heavyBall(_ context.Context, _ quadratic) error {
	const low, high = 1., 100.
	root := math.Sqrt(high / low)
	plain, heavy := (high-low)/(high+low), (root-1)/(root+1)
	p := figure.Panel{Heading: "Heavy ball on diag(1, 100)", X: "Step", Y: "‖x‖", LogY: true, Corner: figure.Corner{Left: true, Bottom: true}}
	for _, way := range []struct {
		label         string
		eta, momentum float64
		contraction   float64
	}{
		{"gradient descent", 2 / (high + low), 0, plain},
		{"heavy ball", 4 / math.Pow(math.Sqrt(high)+math.Sqrt(low), 2), heavy * heavy, heavy},
	} {
		distance, err := descendRavine(way.eta, way.momentum)
		if err != nil {
			return err
		}
		line := figure.Line{Label: way.label, Y: distance}
		for t := range distance {
			line.X = append(line.X, float64(t+1))
		}
		p.Lines = append(p.Lines, line)
		half := len(distance) / 2
		measured := math.Log(distance[len(distance)-1]/distance[half]) / float64(len(distance)-1-half)
		f.number("log distance against steps, "+way.label, measured, math.Log(way.contraction))
	}
	f.Panels = append(f.Panels, p)
	return nil
}
