package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"largestep/cmd/internal/request"
	"largestep/cmd/internal/usage"
)

func newHessian() *cobra.Command {
	h := request.NewHessian()
	cmd := &cobra.Command{
		Use:   "hessian CHECKPOINT",
		Short: "Print eigenvalues of the Hessian of a checkpoint's training loss",
		Long: `Hessian prints the largest eigenvalues of the Hessian of the training loss, the
cross-entropy without weight decay, and its trace, at the parameters of a checkpoint:
of a run, or a file of PyTorch's as eval takes it.

Of a file in a run's folder the images are the first that the run trained on, as its
--subset and --seed chose them; only --images above their number adds others of the
set. Without a run, or with another set than its own, they are the set's first. The
output says which. Images are normalised, and refused if of other classes, as by eval.

The loss is the mean of those of mini-batches, in order and without augmentation.
With --mode training batch norm takes the statistics of the mini-batch, as in the
steps of a training, so that the numbers depend on the size of the mini-batches; with
--mode evaluation it takes the running ones, which count as constants.

The products with vectors that make the numbers are exact in the engine's
arithmetic. Each eigenvalue comes with ‖Hu − λu‖/|λ|: a true one lies that near.`,
		Example: `  largestep hessian runs/a/checkpoint.safetensors --eigenvalues 5
  largestep hessian resnet18.pt --data cifar-10 --mode evaluation --trace-vectors 0`,
		Args: usage.ExactArgs("CHECKPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := h.Prepare(cmd.Context(), cmd.Flags(), cmd.ErrOrStderr(), args[0]); err != nil {
				return err
			}
			defer h.Close()
			return printHessian(cmd, h)
		},
	}
	h.Add(cmd.Flags())
	return cmd
}

func printHessian(cmd *cobra.Command, h *request.Hessian) error {
	out, p := cmd.OutOrStdout(), h.Probe
	fmt.Fprintf(out, "%s: %d parameters, %d training images in %d mini-batches of %d, batch norm in %s mode\nimages: %s\n",
		h.Of.Place.Name, p.Parameters(), p.Batches()*p.Batch(), p.Batches(), p.Batch(), h.Mode, h.Of.About(p.Batches()*p.Batch()))
	e, err := p.Eigenvalues(h.Eigen)
	if err != nil {
		return err
	}
	for k, v := range e.Values {
		fmt.Fprintf(out, "eigenvalue %d: %.8g, within %.1e of itself\n", k+1, v, e.Residuals[k])
	}
	if !e.Converged(h.Eigen.Tolerance) {
		fmt.Fprintf(out, "after %d products the tolerance of %g is not reached: take more --products\n", e.Products, h.Eigen.Tolerance)
	}
	if h.TraceVectors == 0 {
		return nil
	}
	trace, deviation, err := p.Trace(h.TraceVectors)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "trace: %.8g", trace)
	if h.TraceVectors > 1 {
		fmt.Fprintf(out, ", standard error %.2g", deviation)
	}
	fmt.Fprintf(out, " of %d random vectors\n", h.TraceVectors)
	return nil
}
