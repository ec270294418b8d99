package nets

import (
	"math"
	"math/rand/v2"
)

// initializer fills a variable with its first values.
type initializer func(rng *rand.Rand, values []float64)

func constant(c float64) initializer {
	return func(_ *rand.Rand, values []float64) {
		for i := range values {
			values[i] = c
		}
	}
}

// heNormal draws from N(0, 2/fan), with fan the number of outputs that an input
// reaches (He et al. 2015, backward case).
func heNormal(fan int) initializer { return normal(2 / float64(fan)) }

// uniformFanIn draws from ±1/√fan, PyTorch's default for linear layers.
func uniformFanIn(fan int) initializer {
	bound := 1 / math.Sqrt(float64(fan))
	return func(rng *rand.Rand, values []float64) {
		for i := range values {
			values[i] = bound * (2*rng.Float64() - 1)
		}
	}
}

// normal draws from N(0, variance).
func normal(variance float64) initializer {
	std := math.Sqrt(variance)
	return func(rng *rand.Rand, values []float64) {
		for i := range values {
			values[i] = std * rng.NormFloat64()
		}
	}
}

// given are the values themselves.
func given(v []float64) initializer {
	return func(_ *rand.Rand, values []float64) { copy(values, v) }
}
