package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"largestep/cmd/internal/flags"
	"largestep/cmd/internal/usage"
	"largestep/metrics/measure"
	"largestep/train/curvature"
)

// hessianOptions are the flags of hessian.
type hessianOptions struct {
	flags.Checkpoint
	images, batch int
	mode          curvature.Mode
	eigenvalues   int
	tolerance     float64
	products      int
	traceVectors  int
}

func newHessian() *cobra.Command {
	o := hessianOptions{mode: curvature.Training}
	cmd := &cobra.Command{
		Use:   "hessian CHECKPOINT",
		Short: "Print eigenvalues of the Hessian of a checkpoint's training loss",
		Long: `Hessian prints the largest eigenvalues of the Hessian of the training loss, the
cross-entropy without weight decay, on the first training images, and its trace, at
the parameters of a checkpoint: of a run, or a file of PyTorch's as eval takes it.

Images are normalised, and those of other classes refused, as by eval.

The loss is the mean of those of mini-batches, in order and without augmentation.
With --mode training batch norm takes the statistics of the mini-batch, as in the
steps of a training, so that the numbers depend on the size of the mini-batches; with
--mode evaluation it takes the running ones, which count as constants.

The products with vectors that make the numbers are exact in the engine's
arithmetic. Each eigenvalue comes with ‖Hu − λu‖/|λ|: a true one lies that near.`,
		Example: `  largestep hessian runs/a/checkpoint.safetensors --eigenvalues 5
  largestep hessian resnet18.pt --data cifar-10 --mode evaluation --trace-vectors 0`,
		Args: usage.ExactArgs("CHECKPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	f := cmd.Flags()
	f.IntVar(&o.images, "images", 1000, "training images, the first of the set, all where it has fewer; an incomplete last mini-batch is left out")
	f.IntVar(&o.batch, "batch", 0, "images of a mini-batch (default: as the run's, or 100)")
	f.Var(&o.mode, "mode", "statistics of batch norm: training, those of the mini-batch; or evaluation, the running ones")
	f.IntVar(&o.eigenvalues, "eigenvalues", 1, "how many")
	f.Float64Var(&o.tolerance, "tolerance", 1e-3, "of the eigenvalues, relative; float32 reaches about 1e-5")
	f.IntVar(&o.products, "products", 500, "products of the Hessian with a vector, at most")
	f.IntVar(&o.traceVectors, "trace-vectors", 10, "random vectors for the trace; 0 leaves it out")
	o.Add(f)
	return cmd
}

func (o *hessianOptions) run(cmd *cobra.Command, path string) error {
	if err := o.check(); err != nil {
		return err
	}
	net, err := o.Read(path, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	set, err := o.Images(cmd.Flags(), cmd.ErrOrStderr(), net, o.images, 1)
	if err != nil {
		return err
	}
	if o.batch == 0 {
		o.batch = min(100, set.Train.Len())
		if net.Beside != nil {
			o.batch = net.Beside.Batch
		}
	}
	engine, err := o.Open(net, set.Train, "fp32")
	if err != nil {
		return err
	}
	defer engine.Close()
	p, err := net.Probe(engine, set.Train, o.Normalize, o.batch, o.mode)
	if err != nil {
		return err
	}
	if err := p.Check(); err != nil {
		return err
	}
	if n := p.Parameters(); o.eigenvalues > n {
		return fmt.Errorf("%d eigenvalues of the Hessian of %d parameters: want at most as many", o.eigenvalues, n)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %d parameters, %d training images in %d mini-batches of %d, batch norm in %s mode\n",
		set.Name, p.Parameters(), p.Batches()*p.Batch(), p.Batches(), p.Batch(), o.mode)
	return o.print(cmd.OutOrStdout(), p)
}

func (o *hessianOptions) check() error {
	for _, least := range []struct {
		what            string
		value, smallest int
	}{{"images", o.images, 1}, {"eigenvalues", o.eigenvalues, 1}, {"products", o.products, 1}, {"random vectors", o.traceVectors, 0}, {"images in a mini-batch", o.batch, 0}} {
		if least.value < least.smallest {
			return fmt.Errorf("%d %s: want %d or more", least.value, least.what, least.smallest)
		}
	}
	if !(o.tolerance > 0) {
		return fmt.Errorf("tolerance %g: want more than 0", o.tolerance)
	}
	return nil
}

func (o *hessianOptions) print(w io.Writer, p *curvature.Probe) error {
	e, err := p.Eigenvalues(measure.EigenOptions{Count: o.eigenvalues, Tolerance: o.tolerance, Products: o.products})
	if err != nil {
		return err
	}
	for k, v := range e.Values {
		fmt.Fprintf(w, "eigenvalue %d: %.8g, within %.1e of itself\n", k+1, v, e.Residuals[k])
	}
	if !e.Converged(o.tolerance) {
		fmt.Fprintf(w, "after %d products the tolerance of %g is not reached: take more --products\n", e.Products, o.tolerance)
	}
	if o.traceVectors == 0 {
		return nil
	}
	trace, deviation, err := p.Trace(o.traceVectors)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "trace: %.8g, standard error %.2g of %d random vectors\n", trace, deviation, o.traceVectors)
	return nil
}
