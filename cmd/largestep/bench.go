package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"largestep/cmd/internal/flags"
	"largestep/cmd/internal/usage"
	"largestep/train/bench"
	"largestep/train/catalog"
)

// benchOptions are the flags of bench.
type benchOptions struct {
	bench.Options
	engine       flags.Engine
	layers, json bool
}

func newBench() *cobra.Command {
	var o benchOptions
	cmd := &cobra.Command{
		Use:   "bench [NET]",
		Short: "Measure a whole training step of a classifier of images",
		Long: `Bench measures whole training steps of NET (resnet18), mini-batch, forward, backward
and update, on random images: images per second, GFLOP per second (two for each
multiply-add of the convolutions and the linear layer, forward and backward),
and where the time goes. With --layers it measures each convolution and batch norm of
the net, in each direction, beside the two limits of the processor, which it
measures, too: its peak of multiply-adds, in bf16 in tiles where it has them, and the
bandwidth of its memory.`,
		Example: `  largestep bench --width 64 --batch 64 --threads 2
  largestep bench --width 8 --batch 32 --json
  largestep bench --layers --width 16 --threads 1   # how near each layer is to the limit`,
		Args: usage.Args(0, "NET"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.Net = args[0]
			}
			return o.run(cmd)
		},
	}
	o.Net = catalog.Problems[0].Name
	f := cmd.Flags()
	f.StringVar(&o.Precision, "precision", "fp32", "number format: fp32, or bf16 of activations; with cuda tf32, too")
	f.IntVar(&o.Width, "width", 64, "channels of the first stage")
	f.IntVar(&o.Batch, "batch", 64, "images of a mini-batch")
	f.IntVar(&o.Side, "side", 32, "pixels of the sides of the images")
	f.IntVar(&o.Classes, "classes", 10, "classes of the images")
	f.DurationVar(&o.Time, "time", 10*time.Second, "about how long to measure")
	f.BoolVar(&o.layers, "layers", false, "measure each convolution and batch norm beside the processor's limits (cpu engine)")
	f.BoolVar(&o.json, "json", false, "print one JSON object")
	o.engine.Add(f)
	return cmd
}

func (o *benchOptions) run(cmd *cobra.Command) error {
	entry, err := catalog.Find(o.Net)
	if err != nil {
		return err
	}
	engine, err := o.engine.Open(entry, o.Precision)
	if err != nil {
		return err
	}
	defer engine.Close()
	if o.layers {
		r, err := bench.Layers(cmd.Context(), engine, o.Options)
		if errors.Is(err, bench.ErrNoLimits) {
			err = fmt.Errorf("%w: --layers needs --engine cpu", err)
		}
		return o.print(cmd, r, err)
	}
	r, err := bench.Run(cmd.Context(), engine, o.Options)
	if err == nil && engine.Name() == "cpu" {
		r.Threads = o.engine.Threads
	}
	return o.print(cmd, r, err)
}

func (o *benchOptions) print(cmd *cobra.Command, r interface{ Write(io.Writer) error }, err error) error {
	switch {
	case err != nil:
		return err
	case o.json:
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	return r.Write(cmd.OutOrStdout())
}
