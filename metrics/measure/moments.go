package measure

import "math"

// Moments are sums over images from which the sparsity of some units' features
// follows, without the features: an engine that sums them up sends 4 MB for
// 1,000 units.
type Moments struct {
	// Products is row-major and symmetric: Σ z_i z_j over the images, where z is
	// an image's features, of which none is negative, with a 1 behind the last.
	// So the last column holds Σ z_i, and its end the number of images.
	Products []float32
	Positive []float64 // for each unit, the images in which it is positive
}

// constantBelow is the variance, in units of the mean square, below which a unit
// counts as constant.
const constantBelow = 1e-4

// Sparsity is that of the features, as Features.Sparsity gives it, up to the
// rounding of the sums.
//
// Terms are not negative, so a sum has a relative error ε of about 1e-6 in
// float32 (at most 2⁻²⁴ for each of the additions). The variance cancels
// digits: with κ = mean square / variance, the larger of two units', the error
// of their correlation is at most 6εκ. Only pairs that close to the threshold
// can be judged otherwise than from the features. Units with κ above 1e4, whose
// mean is 100 standard deviations, count as constant.
func (m Moments) Sparsity(threshold float64) Sparsity {
	units, row := len(m.Positive), len(m.Positive)+1
	if len(m.Products) != row*row {
		panic("measure: products are not those of the units and a constant")
	}
	images := float64(m.Products[len(m.Products)-1])
	mean, scale := make([]float64, units), make([]float64, units)
	for i := range units {
		mean[i] = float64(m.Products[i*row+units]) / images
		square := float64(m.Products[i*row+i])
		variance := square - images*mean[i]*mean[i]
		if m.Positive[i] > 0 && variance > constantBelow*square && !math.IsInf(variance, 0) {
			scale[i] = 1 / math.Sqrt(variance)
		}
	}
	var s Sparsity
	total, kept := 0.0, 0.0
	for i, positive := range m.Positive {
		total += positive
		switch {
		case positive == 0:
			s.Dead++
		case duplicated(m.Products[i*row:][:units], i, mean, scale, images, threshold):
			s.Duplicates++
		default:
			kept += positive
		}
	}
	entries := float64(units) * images
	s.Active, s.Distinct = total/entries, kept/entries
	return s
}

// duplicated tells whether unit i, whose products with all are given, is
// correlated above the threshold with a later one. A scale of 0 stands for a
// unit that is correlated with none.
func duplicated(products []float32, i int, mean, scale []float64, images, threshold float64) bool {
	if scale[i] == 0 {
		return false
	}
	a, limit := images*mean[i], threshold/scale[i]
	for j := i + 1; j < len(products); j++ {
		if math.Abs(float64(products[j])-a*mean[j])*scale[j] > limit {
			return true
		}
	}
	return false
}
