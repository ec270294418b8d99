package schedule

import "math"

// cosine is that of SGDR without restarts (Loshchilov and Hutter 2017, equation 5).
var cosine = rule{
	name: "cosine", about: "falls to 0 along half a cosine over the phase",
	factor: func(at moment, _ []float64) float64 {
		return (1 + math.Cos(math.Pi*float64(at.step)/float64(at.steps))) / 2
	},
}
