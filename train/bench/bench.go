// Package bench measures whole training steps on an engine.
package bench

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"largestep/data"
	"largestep/nets/op"
	"largestep/train/catalog"
	"largestep/train/machine"
	"largestep/train/problem"
	"largestep/train/trainer"
)

// Options are what to measure.
type Options struct {
	Net          string // a classifier of images
	Width, Batch int
	Side         int // of the random images, in pixels
	Classes      int // of the images
	Precision    string
	Time         time.Duration // about how long to measure
}

// Result is what was measured. The headline numbers are those of the fastest
// step, the one least disturbed by other programs.
type Result struct {
	Engine               string   `json:"engine"`
	Device               string   `json:"device"`
	Threads              int      `json:"threads,omitempty"`
	Precision            string   `json:"precision"`
	Net                  string   `json:"net"`
	Width                int      `json:"width"`
	Batch                int      `json:"batch"`
	Side                 int      `json:"side"`
	Classes              int      `json:"classes"`
	Steps                int      `json:"steps"`
	ImagesPerSecond      float64  `json:"images_per_second"`
	GFLOPS               float64  `json:"gflops"` // 1e9 floating-point operations per second
	SecondsPerStep       float64  `json:"seconds_per_step"`
	MedianSecondsPerStep float64  `json:"median_seconds_per_step"`
	ArenaBytes           int      `json:"arena_bytes"`
	Kernels              []Kernel `json:"kernels"`
}

// Kernel is the share of a step that one kind of kernel takes.
type Kernel struct {
	Name  string  `json:"name"`
	Share float64 `json:"share"`
}

// maxBatch takes 50 GB at width 64.
const maxBatch = 10_000

// stepSize is small enough for the parameters to stay finite.
const stepSize = 0.01

// Run measures steps of a classifier on random images.
func Run(ctx context.Context, e op.Engine, o Options) (*Result, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	step, index, err := prepare(e, o)
	if err != nil {
		return nil, err
	}
	seconds, steps, err := measure(ctx, e, o.Time, stepper(step, index))
	if err != nil {
		return nil, err
	}
	best, median := seconds[0], seconds[len(seconds)/2]
	r := &Result{
		Engine: e.Name(), Device: e.Device(), Precision: o.Precision, Net: o.Net, Width: o.Width, Batch: o.Batch, Side: o.Side, Classes: o.Classes, Steps: steps,
		ImagesPerSecond: float64(o.Batch) / best, SecondsPerStep: best, MedianSecondsPerStep: median,
		GFLOPS: step.Machine().FLOP() / best / 1e9, ArenaBytes: step.Machine().ArenaBytes(),
	}
	r.Kernels, err = profile(step.Machine())
	return r, err
}

func (o *Options) check() error {
	if o.Batch < 2 || o.Batch > maxBatch {
		return fmt.Errorf("batch of %d: want 2 (batch norm needs two images) to %d", o.Batch, maxBatch)
	}
	if o.Time < 0 {
		return fmt.Errorf("%v to measure: want 0 or more", o.Time)
	}
	return nil
}

// stepper returns what takes one step on the same mini-batch.
func stepper(s *trainer.Step, index []int32) func() error {
	return func() error { return s.Run(trainer.MiniBatch{Index: index}, stepSize) }
}

// prepare makes a step and the indices of its mini-batch.
func prepare(e op.Engine, o Options) (*trainer.Step, []int32, error) {
	entry, err := catalog.Find(o.Net)
	if err != nil {
		return nil, nil, err
	}
	if !entry.Reads() {
		return nil, nil, fmt.Errorf("%s: only classifiers of images are measured", o.Net)
	}
	if err := entry.CheckPrecision(o.Precision); err != nil {
		return nil, nil, err
	}
	if o.Side < 1 || o.Side > data.MaxSide {
		return nil, nil, fmt.Errorf("images of %d×%[1]d pixels: want 1 to %d", o.Side, data.MaxSide)
	}
	net, err := entry.Net(o.Width, o.Classes)
	if err != nil {
		return nil, nil, err
	}
	vars := machine.NewVariables(e)
	images := randomImages(2*o.Batch, o)
	p := &problem.Images{Net: net, Data: &data.Dataset{Train: images}}
	step, err := trainer.NewStep(vars, p, trainer.StepOptions{Batch: o.Batch, Parts: 1, SGD: op.SGD{WeightDecay: 5e-4}})
	if err != nil {
		return nil, nil, err
	}
	if err := p.Upload(vars); err != nil {
		return nil, nil, err
	}
	if err := step.Initialize(0); err != nil {
		return nil, nil, err
	}
	return step, data.Order(0, 0, images.Len(), data.Shuffle)[:o.Batch], nil
}

func randomImages(n int, o Options) *data.Images {
	rng := rand.New(rand.NewPCG(1, 1))
	images := &data.Images{Side: o.Side, Labels: make([]int32, n)}
	images.Pixels = make([]uint8, n*images.ImageBytes())
	for i := range images.Pixels {
		images.Pixels[i] = uint8(rng.Uint32())
	}
	for i := range images.Labels {
		images.Labels[i] = int32(rng.IntN(o.Classes))
	}
	return images
}

// groupTime is about how long steps are timed together at least: the host queues
// the next step while the engine is at one, and waits only at the end.
const groupTime = 100 * time.Millisecond

// measure times groups of steps and returns the seconds of a step in each, in
// order, and the number of steps.
func measure(ctx context.Context, e op.Engine, d time.Duration, run func() error) (seconds []float64, steps int, err error) {
	group := func(n int) (time.Duration, error) {
		start := time.Now()
		for range n {
			if err := run(); err != nil {
				return 0, err
			}
		}
		err := e.Sync()
		return time.Since(start), err
	}
	if _, err := group(2); err != nil { // warm up: plans, scratch memory, caches
		return nil, 0, err
	}
	one, err := group(1)
	if err != nil {
		return nil, 0, err
	}
	n := max(1, int(groupTime/max(one, 1)))
	for end := time.Now().Add(d); len(seconds) < 3 || time.Now().Before(end); {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		took, err := group(n)
		if err != nil {
			return nil, 0, err
		}
		seconds = append(seconds, took.Seconds()/float64(n))
	}
	slices.Sort(seconds)
	return seconds, n * len(seconds), nil
}

// profile gives the share of each kind of kernel, the largest first.
func profile(m *machine.Machine) ([]Kernel, error) {
	total := 0.0
	byName := map[string]float64{}
	for range 3 {
		err := m.Profile(func(k machine.Kernel, d time.Duration) {
			byName[k.Name] += d.Seconds()
			total += d.Seconds()
		})
		if err != nil {
			return nil, err
		}
	}
	var kernels []Kernel
	for name, s := range byName {
		kernels = append(kernels, Kernel{name, s / total})
	}
	slices.SortFunc(kernels, func(a, b Kernel) int { return cmp.Compare(b.Share, a.Share) })
	return kernels, nil
}

// Write writes the result in words, and where the time goes.
func (r *Result) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n", r.Engine, r.Device)
	fmt.Fprintf(&b, "%s width %d, batch %d, %s: %.1f images/s, %.1f GFLOP/s, %.1f ms a step (best of %d; median %.1f), %d MB of working memory\n",
		r.Net, r.Width, r.Batch, r.Precision, r.ImagesPerSecond, r.GFLOPS, 1000*r.SecondsPerStep, r.Steps, 1000*r.MedianSecondsPerStep, r.ArenaBytes>>20)
	for _, k := range r.Kernels {
		fmt.Fprintf(&b, "  %5.1f %%  %s\n", 100*k.Share, k.Name)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
