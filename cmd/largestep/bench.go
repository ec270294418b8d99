package main

import (
	"encoding/json"
	"time"

	"github.com/spf13/cobra"
	"largestep/cmd/internal/flags"
	"largestep/cmd/internal/usage"
	"largestep/train/bench"
	"largestep/train/catalog"
)

func newBench() *cobra.Command {
	var o bench.Options
	var e flags.Engine
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "bench [NET]",
		Short: "Measure a whole training step of a classifier of images",
		Long: `Bench measures whole training steps of NET (resnet18), mini-batch, forward, backward
and update, on random images: images per second, GFLOP per second (two for each
multiply-add of the convolutions and the linear layer, forward and backward),
and where the time goes.`,
		Example: `  largestep bench --width 64 --batch 64 --threads 2
  largestep bench --width 8 --batch 32 --json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage.Errorf("unexpected argument %q", args[1])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.Net = args[0]
			}
			entry, err := catalog.Find(o.Net)
			if err != nil {
				return err
			}
			engine, err := e.Open(entry, o.Precision)
			if err != nil {
				return err
			}
			defer engine.Close()
			r, err := bench.Run(cmd.Context(), engine, o)
			if err != nil {
				return err
			}
			if engine.Name() == "cpu" {
				r.Threads = e.Threads
			}
			out := cmd.OutOrStdout()
			if asJSON {
				enc := json.NewEncoder(out)
				enc.SetIndent("", "  ")
				return enc.Encode(r)
			}
			return r.Write(out)
		},
	}
	o.Net = catalog.Problems[0].Name
	f := cmd.Flags()
	f.StringVar(&o.Precision, "precision", "fp32", "number format: fp32; with cuda also tf32, or bf16 for activations")
	f.IntVar(&o.Width, "width", 64, "channels of the first stage")
	f.IntVar(&o.Batch, "batch", 64, "images of a mini-batch")
	f.IntVar(&o.Side, "side", 32, "pixels of the sides of the images")
	f.IntVar(&o.Classes, "classes", 10, "classes of the images")
	f.DurationVar(&o.Time, "time", 10*time.Second, "about how long to measure")
	f.BoolVar(&asJSON, "json", false, "print one JSON object")
	e.Add(f)
	return cmd
}
