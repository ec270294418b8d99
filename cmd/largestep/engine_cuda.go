//go:build gpu

package main

import (
	"largestep/nets/op"
	"largestep/train/machine/cuda"
)

func init() {
	gpu := backend{
		name:  "cuda",
		probe: cuda.Probe,
		open: func(o engineOptions) (op.Engine, error) {
			p, err := cuda.ParsePrecision(o.precision)
			if err != nil {
				return nil, err
			}
			return cuda.New(p)
		},
	}
	backends = append([]backend{gpu}, backends...)
}
