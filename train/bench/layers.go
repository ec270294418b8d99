package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"gorgonia.org/tensor"
	"largestep/nets/op"
	"largestep/train/machine"
	"largestep/train/machine/cpu"
	"largestep/train/machine/cpu/conv"
)

// ErrNoLimits is returned for an engine that cannot tell what limits it.
var ErrNoLimits = errors.New("its layers cannot be measured")

// Roofline is how close the layers of a net come to what the processor can do
// (Williams, Waterman and Patterson, Roofline, 2009).
type Roofline struct {
	Device string     `json:"device"`
	Net    string     `json:"net"`
	Width  int        `json:"width"`
	Batch  int        `json:"batch"`
	Steps  int        `json:"steps"` // of which the fastest run of each kernel counts
	Limits cpu.Limits `json:"limits_per_second"`
	Layers []Layer    `json:"layers"`
}

// Layer is one kernel of a step, on one shape. Shares are of 1.
type Layer struct {
	Kernel  string  `json:"kernel"`
	Shape   string  `json:"shape"`
	Count   int     `json:"count"`   // in a step
	Seconds float64 `json:"seconds"` // of each, their mean
	// GFLOPS counts the multiply-adds that the definition of a convolution takes.
	GFLOPS float64 `json:"gflops"`
	// Peak is the share that the multiply-adds which were computed have of what
	// the processor can do in that time. Winograd's are a quarter of the definition's.
	Peak float64 `json:"peak_share"`
	// Bandwidth is the share that reading every operand once and writing every
	// result has of what memory can do in that time.
	Bandwidth float64 `json:"bandwidth_share"`
	// Transforms is the share of the time that threads are in Winograd's transforms.
	Transforms float64 `json:"transform_share"`

	flop, computed, bytes float64
}

// Left is the time of a step, in seconds, that the layers lie above the limit
// which is nearer.
func (l *Layer) Left() float64 {
	return float64(l.Count) * l.Seconds * max(1-max(l.Peak, l.Bandwidth), 0)
}

// A run is one kernel of a step.
type run struct {
	machine.Kernel
	best    time.Duration
	metered time.Duration // the fastest while the meter was on
	spent   conv.Spent    // in that
}

// Layers measures the convolutions and batch norms of a step.
func Layers(ctx context.Context, e op.Engine, o Options) (*Roofline, error) {
	engine, ok := e.(*cpu.Engine)
	if !ok {
		return nil, fmt.Errorf("engine %s: %w", e.Name(), ErrNoLimits)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	step, index, err := prepare(e, o)
	if err != nil {
		return nil, err
	}
	if _, _, err := measure(ctx, e, 0, stepper(step, index)); err != nil {
		return nil, err
	}
	r := &Roofline{Device: e.Device(), Net: o.Net, Width: o.Width, Batch: o.Batch}
	r.Limits = engine.Limits()
	var runs []run
	for end := time.Now().Add(o.Time); r.Steps < 4 || time.Now().Before(end); r.Steps++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if runs, err = profileLayers(engine, step.Machine(), runs, r.Steps%2 == 1); err != nil {
			return nil, err
		}
	}
	after := engine.Limits() // other programs may have disturbed the first
	r.Limits = cpu.Limits{FLOP: max(r.Limits.FLOP, after.FLOP), Bytes: max(r.Limits.Bytes, after.Bytes)}
	r.Layers = layers(engine, runs, r.Limits)
	return r, nil
}

// profileLayers runs a step and keeps what was fastest in runs.
func profileLayers(e *cpu.Engine, m *machine.Machine, runs []run, metered bool) ([]run, error) {
	var meter conv.Meter
	if metered {
		e.Meter(&meter)
		defer e.Meter(nil)
	}
	n := 0
	err := m.Profile(func(k machine.Kernel, d time.Duration) {
		if n == len(runs) {
			runs = append(runs, run{Kernel: k})
		}
		at := &runs[n]
		n++
		if !metered && (at.best == 0 || d < at.best) {
			at.best = d
		}
		if spent := meter.Take(); metered && (at.metered == 0 || d < at.metered) {
			at.metered, at.spent = d, spent
		}
	})
	return runs, err
}

// layers puts kernels of one shape together, in the order of a step.
func layers(e *cpu.Engine, runs []run, limits cpu.Limits) []Layer {
	var list []Layer
	at := map[[2]string]int{}
	for _, r := range runs {
		shape := shapeOf(r.Kernel)
		if shape == "" {
			continue
		}
		key := [2]string{r.Name, shape}
		i, ok := at[key]
		if !ok {
			i = len(list)
			at[key] = i
			list = append(list, Layer{Kernel: r.Name, Shape: shape})
		}
		l := &list[i]
		l.Count++
		l.Seconds += r.best.Seconds()
		l.flop += r.FLOP
		l.computed += r.spent.FLOP
		l.Transforms += r.spent.Transforms.Seconds() / r.metered.Seconds() / float64(e.Threads())
		for _, t := range slices.Concat(operands(r.Kernel), r.Out) {
			if t.Wanted() {
				l.bytes += float64(e.Bytes(t.Spec))
			}
		}
	}
	for i := range list {
		l := &list[i]
		l.GFLOPS = l.flop / l.Seconds / 1e9
		l.Peak = l.computed / l.Seconds / limits.FLOP
		l.Bandwidth = l.bytes / l.Seconds / limits.Bytes
		l.Seconds /= float64(l.Count)
		l.Transforms /= float64(l.Count)
	}
	return list
}

// operands are those that a kernel reads: of batch norm's gradient without a residual all but
// the output, which follows from the input.
func operands(k machine.Kernel) []op.Tensor {
	if k.Name == "batch norm backward" && len(k.Out) == 3 {
		return k.In[:len(k.In)-1]
	}
	return k.In
}

// shapeOf describes the shape of a convolution, as in 64@32×32 → 128@16×16, 3×3, or
// a batch norm; of other kernels it is "".
func shapeOf(k machine.Kernel) string {
	conv := func(x, y, w tensor.Shape) string {
		return fmt.Sprintf("%s → %s, %d×%d", imageOf(x), imageOf(y), w[2], w[3])
	}
	switch k.Name {
	case "conv":
		return conv(k.In[0].Shape, k.Out[0].Shape, k.In[1].Shape)
	case "conv backward data":
		return conv(k.Out[0].Shape, k.In[0].Shape, k.In[1].Shape)
	case "conv backward filter":
		return conv(k.In[1].Shape, k.In[0].Shape, k.Out[0].Shape)
	case "batch norm", "batch norm backward":
		shape := imageOf(k.In[0].Shape)
		if len(k.In) > 5 && len(k.In[5].Shape) == 4 || len(k.Out) > 3 && len(k.Out[3].Shape) == 4 && k.Out[3].Wanted() {
			shape += ", residual"
		}
		return shape
	}
	return ""
}

func imageOf(s tensor.Shape) string { return fmt.Sprintf("%d@%d×%d", s[1], s[2], s[3]) }

// Write prints the table.
func (r *Roofline) Write(w io.Writer) error {
	const row = "%-20s  %-30s  %2s  %8s  %8s  %6s  %6s  %10s  %7s\n"
	fmt.Fprintf(w, "%s: products at %.0f GFLOP/s, memory at %.1f GB/s\n", r.Device, r.Limits.FLOP/1e9, r.Limits.Bytes/1e9)
	fmt.Fprintf(w, "%s width %d, batch %d; the fastest of %d runs of each kernel\n\n", r.Net, r.Width, r.Batch, r.Steps)
	fmt.Fprintf(w, row, "kernel", "shape", "×", "ms", "GFLOP/s", "peak", "memory", "transforms", "left ms")
	var sum, left float64
	percent := func(v float64) string {
		if v == 0 {
			return "–"
		}
		return fmt.Sprintf("%.0f %%", 100*v)
	}
	for _, l := range r.Layers {
		rate := "–"
		if l.GFLOPS > 0 {
			rate = fmt.Sprintf("%.1f", l.GFLOPS)
		}
		sum += float64(l.Count) * l.Seconds
		left += l.Left()
		fmt.Fprintf(w, row, l.Kernel, l.Shape, fmt.Sprint(l.Count), fmt.Sprintf("%.3f", 1000*l.Seconds), rate,
			percent(l.Peak), percent(l.Bandwidth), percent(l.Transforms), fmt.Sprintf("%.2f", 1000*l.Left()))
	}
	_, err := fmt.Fprintf(w, row, "all", "", "", fmt.Sprintf("%.3f", 1000*sum), "", "", "", "", fmt.Sprintf("%.2f", 1000*left))
	return err
}
