package nets

import (
	"math"
	"math/rand/v2"
)

// Initializer fills a variable, row-major, with its first values.
type Initializer func(rng *rand.Rand, values []float64)

// Constant fills with c.
func Constant(c float64) Initializer {
	return func(_ *rand.Rand, values []float64) {
		for i := range values {
			values[i] = c
		}
	}
}

// HeNormal draws from N(0, 2/fan), with fan the number of outputs that an input
// reaches, out·kernel² of a convolution (He et al. 2015, backward case).
func HeNormal(fan int) Initializer { return Normal(2 / float64(fan)) }

// UniformFanIn draws from ±1/√fan, with fan the number of inputs that an output has,
// PyTorch's default for linear layers.
func UniformFanIn(fan int) Initializer {
	bound := 1 / math.Sqrt(float64(fan))
	return func(rng *rand.Rand, values []float64) {
		for i := range values {
			values[i] = bound * (2*rng.Float64() - 1)
		}
	}
}

// Normal draws from N(0, variance).
func Normal(variance float64) Initializer {
	std := math.Sqrt(variance)
	return func(rng *rand.Rand, values []float64) {
		for i := range values {
			values[i] = std * rng.NormFloat64()
		}
	}
}

// Given are the values themselves, as many as the variable has elements, or the first
// of them, before zeros.
func Given(v []float64) Initializer {
	return func(_ *rand.Rand, values []float64) { copy(values, v) }
}
