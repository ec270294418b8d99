package problem

import (
	"slices"

	"largestep/train/trainer"
)

// Activity is, for each feature, the fraction of Around's images on which each of its
// units, a channel at a pixel, is positive; nil if Around has no features.
func (m imageMeter) Activity() (layers [][]float64, err error) {
	if m.around == nil || m.around.features == nil {
		return nil, nil
	}
	f := m.around.features
	if err := f.load(m.vars); err != nil {
		return nil, err
	}
	for k := range f.Count() {
		a := activity{}
		err := f.Each(k, func(row []float32) error {
			a.units = slices.Grow(a.units, len(row)-len(a.units))[:len(row)]
			for u, v := range row {
				a.add(u, float64(v))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		layers = append(layers, a.fractions(f.images))
	}
	return layers, nil
}

// Activity is, for each hidden layer, the fraction of the training examples on which
// each of its units is positive.
func (m *vectorMeter) Activity() (layers [][]float64, err error) {
	features, err := m.state(0, trainer.Latest{}).Features()
	if err != nil {
		return nil, err
	}
	n := m.problem.Examples()
	for _, x := range features {
		a := activity{units: make([]float64, len(x)/n)}
		for i, v := range x {
			a.add(i%len(a.units), v)
		}
		layers = append(layers, a.fractions(n))
	}
	return layers, nil
}

// activity counts the examples on which units are positive.
type activity struct {
	units     []float64
	notFinite bool
}

func (a *activity) add(unit int, v float64) {
	if v > 0 {
		a.units[unit]++
	}
	a.notFinite = a.notFinite || v-v != 0
}

func (a *activity) fractions(examples int) []float64 {
	if a.notFinite {
		return nil
	}
	for u := range a.units {
		a.units[u] /= float64(examples)
	}
	return a.units
}
