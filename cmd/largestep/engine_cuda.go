//go:build gpu

package main

import (
	"largestep/nets/op"
	"largestep/train/machine/cuda"
)

func init() {
	gpu := backend{
		name:    "cuda",
		devices: cuda.Devices,
		probe:   cuda.Probe,
		open: func(o engineOptions, precision string) (op.Engine, error) {
			p, err := cuda.ParsePrecision(precision)
			if err != nil {
				return nil, err
			}
			return cuda.New(p, o.device)
		},
	}
	backends = append([]backend{gpu}, backends...)
}
