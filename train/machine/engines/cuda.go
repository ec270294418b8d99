//go:build gpu

package engines

import (
	"largestep/nets/op"
	"largestep/train/machine/cuda"
)

func init() {
	gpu := Engine{
		Name:    "cuda",
		Devices: cuda.Devices,
		Probe:   cuda.Probe,
		Open: func(o Options) (op.Engine, error) {
			p, err := cuda.ParsePrecision(o.Precision)
			if err != nil {
				return nil, err
			}
			return cuda.New(p, o.Device)
		},
	}
	All = append([]Engine{gpu}, All...)
}
