package request

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/pflag"
	"largestep/cmd/internal/flags"
	"largestep/metrics/measure"
	"largestep/nets/op"
	"largestep/train/curvature"
)

// Hessian is what is asked for of the Hessian of a checkpoint's training loss.
type Hessian struct {
	flags.Checkpoint
	Mode         curvature.Mode
	Eigen        measure.EigenOptions
	TraceVectors int
	Of           *flags.Images    // once prepared
	Probe        *curvature.Probe // once prepared

	images, batch int
	engine        op.Engine
}

// NewHessian is a request with its defaults.
func NewHessian() *Hessian { return &Hessian{Mode: curvature.Training} }

// Add adds its flags to a command's.
func (h *Hessian) Add(f *pflag.FlagSet) {
	f.IntVar(&h.images, "images", 1000, "training images, the first of those that the run trained on, or of the set, all where there are fewer; an incomplete last mini-batch is left out")
	f.IntVar(&h.batch, "batch", 0, "images of a mini-batch (default: as the run's, or 100)")
	f.Var(&h.Mode, "mode", "statistics of batch norm: training, those of the mini-batch; or evaluation, the running ones")
	f.IntVar(&h.Eigen.Count, "eigenvalues", 1, "how many")
	f.Float64Var(&h.Eigen.Tolerance, "tolerance", 1e-3, "of the eigenvalues, relative; float32 reaches about 1e-5")
	f.IntVar(&h.Eigen.Products, "products", 500, "products of the Hessian with a vector, at most")
	f.IntVar(&h.TraceVectors, "trace-vectors", 10, "random vectors for the trace; 0 leaves it out")
	h.Checkpoint.Add(f)
}

// Prepare reads checkpoint and images, and opens the engine; Close gives it back. Once
// the context has ended, so does what the probe computes.
func (h *Hessian) Prepare(ctx context.Context, f *pflag.FlagSet, told io.Writer, path string) error {
	if err := h.check(); err != nil {
		return err
	}
	return until(ctx, func() error { return h.prepare(ctx, f, told, path) })
}

func (h *Hessian) prepare(ctx context.Context, f *pflag.FlagSet, told io.Writer, path string) error {
	net, err := h.Read(path, told)
	if err != nil {
		return err
	}
	net.Until(ctx)
	if h.batch == 0 && net.Beside != nil {
		h.batch = net.Beside.Batch
	}
	if !f.Changed("images") {
		h.images = max(h.images, h.batch)
	}
	if h.Of, err = h.Images(f, told, net, h.images, true); err != nil {
		return err
	}
	if h.batch == 0 {
		h.batch = min(100, h.Of.Len())
	}
	if h.engine, err = h.Open(net, h.Of.Images, "fp32"); err != nil {
		return err
	}
	if h.Probe, err = net.Probe(h.engine, h.Of.Images, h.Normalize, h.batch, h.Mode); err == nil {
		err = h.checkProbe()
	}
	if err != nil {
		h.Close()
	}
	return err
}

// Close gives the engine back.
func (h *Hessian) Close() { h.engine.Close() }

func (h *Hessian) checkProbe() error {
	if err := h.Probe.Check(); err != nil {
		return err
	}
	if n := h.Probe.Parameters(); h.Eigen.Count > n {
		return fmt.Errorf("%d eigenvalues of the Hessian of %d parameters: want at most as many", h.Eigen.Count, n)
	}
	return nil
}

func (h *Hessian) check() error {
	for _, least := range []struct {
		what            string
		value, smallest int
	}{{"images", h.images, 1}, {"eigenvalues", h.Eigen.Count, 1}, {"products", h.Eigen.Products, 1}, {"random vectors", h.TraceVectors, 0}, {"images in a mini-batch", h.batch, 0}} {
		if least.value < least.smallest {
			return fmt.Errorf("%d %s: want %d or more", least.value, least.what, least.smallest)
		}
	}
	if !(h.Eigen.Tolerance > 0) {
		return fmt.Errorf("tolerance %g: want more than 0", h.Eigen.Tolerance)
	}
	return nil
}
