package measure

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Operator is a symmetric matrix that is known by its products: it writes that
// with v to dst.
type Operator func(dst, v []float64) error

// EigenOptions say how far a search for eigenvalues goes.
type EigenOptions struct {
	Count     int         // of eigenvalues, the largest ones
	Tolerance float64     // of ‖Hu − λu‖ relative to |λ|, for a unit vector u
	Products  int         // at most
	Start     [][]float64 // near eigenvectors, of an earlier search; may be empty
}

// Eigen are the largest eigenvalues of an operator.
type Eigen struct {
	Values  []float64 // decreasing
	Vectors [][]float64
	// Residuals are ‖Hu − λu‖/|λ|: some eigenvalue lies that near. They are above
	// the tolerance if the products did not suffice.
	Residuals []float64
	Products  int
}

// Converged tells whether all residuals are within the tolerance.
func (e *Eigen) Converged(tolerance float64) bool {
	return !slices.ContainsFunc(e.Residuals, func(r float64) bool { return !(r <= tolerance) })
}

// maxBasis bounds how many vectors a search for one eigenvalue keeps, each with its
// product; it begins anew with the best ones then.
const maxBasis = 24

// LargestEigenvalues searches in a growing subspace: Ritz pairs of largest values,
// extended by the residual of the first that is not within the tolerance, which is
// Lanczos' method with full orthogonalisation and thick restarts (Wu & Simon 2000).
// Without a Start it begins with random vectors, the same every time. Values are NaN
// where the operator's products are.
func LargestEigenvalues(apply Operator, dim int, o EigenOptions) (*Eigen, error) {
	if o.Count < 1 || o.Count > dim {
		return nil, fmt.Errorf("%d eigenvalues of a matrix of %d rows: want 1 to %[2]d", o.Count, dim)
	}
	s := &search{apply: apply, dim: dim, o: o, rng: rand.New(rand.NewPCG(1, 1))}
	for _, v := range o.Start {
		if err := s.extend(slices.Clone(v)); err != nil {
			return nil, err
		}
	}
	for len(s.basis) < o.Count && !s.lost {
		if err := s.extend(s.random()); err != nil {
			return nil, err
		}
	}
	for {
		e, residual, err := s.ritz()
		if err != nil || residual == nil || s.products >= o.Products || len(s.basis) == dim {
			return e, err
		}
		if len(s.basis) >= maxBasis+2*o.Count {
			s.restart(len(s.basis) / 2)
		}
		if err := s.extend(residual); err != nil {
			return nil, err
		}
	}
}

// search is a subspace with the products of its orthonormal basis.
type search struct {
	apply         Operator
	dim           int
	o             EigenOptions
	rng           *rand.Rand
	basis, images [][]float64
	small         *mat.SymDense // basisᵀ H basis
	vectors       mat.Dense     // eigenvectors of small, decreasing
	products      int
	lost          bool // a product was not finite
}

func (s *search) random() []float64 {
	v := make([]float64, s.dim)
	for i := range v {
		v[i] = s.rng.NormFloat64()
	}
	return v
}

// extend adds the part of v that is orthogonal to the basis, or a random vector if
// there is none.
func (s *search) extend(v []float64) error {
	if len(s.basis) == s.dim {
		return nil
	}
	for !s.orthogonalise(v) {
		v = s.random()
	}
	image := make([]float64, s.dim)
	if err := s.apply(image, v); err != nil {
		return err
	}
	s.products++
	sum := floats.Sum(image)
	s.lost = s.lost || math.IsNaN(sum) || math.IsInf(sum, 0)
	s.basis, s.images = append(s.basis, v), append(s.images, image)
	n := len(s.basis)
	grown := mat.NewSymDense(n, nil)
	for i := range n - 1 {
		for j := range i + 1 {
			grown.SetSym(i, j, s.small.At(i, j))
		}
	}
	for i := range n {
		grown.SetSym(i, n-1, floats.Dot(s.basis[i], image))
	}
	s.small = grown
	return nil
}

// orthogonalise takes the basis off v, twice for rounding, and makes it a unit
// vector; not if v lies within the subspace.
func (s *search) orthogonalise(v []float64) bool {
	before := floats.Norm(v, 2)
	for range 2 {
		for _, b := range s.basis {
			floats.AddScaled(v, -floats.Dot(b, v), b)
		}
	}
	norm := floats.Norm(v, 2)
	if !(norm > 1e-12*before) {
		return math.IsNaN(norm)
	}
	floats.Scale(1/norm, v)
	return true
}

// ritz gives the largest Ritz pairs, and the residual of the first that is not
// within the tolerance, nil if all are.
func (s *search) ritz() (e *Eigen, worst []float64, err error) {
	e = &Eigen{Products: s.products}
	if s.lost {
		for range s.o.Count {
			e.Values, e.Residuals = append(e.Values, math.NaN()), append(e.Residuals, math.NaN())
		}
		return e, nil, nil
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(s.small, true) {
		return nil, nil, fmt.Errorf("eigenvalues of a %d×%[1]d matrix: no convergence", len(s.basis))
	}
	var increasing mat.Dense
	eigen.VectorsTo(&increasing)
	n := len(s.basis)
	s.vectors = *mat.NewDense(n, n, nil)
	for k := range n {
		s.vectors.SetCol(k, mat.Col(nil, n-1-k, &increasing))
	}
	values := eigen.Values(nil)
	for k := range s.o.Count {
		lambda := values[n-1-k]
		u, residual := s.combine(s.basis, k), s.combine(s.images, k)
		floats.AddScaled(residual, -lambda, u)
		size := floats.Norm(residual, 2)
		relative := 0.0 // of the zero matrix
		if size > 0 {
			relative = size / math.Abs(lambda)
		}
		e.Values, e.Vectors, e.Residuals = append(e.Values, lambda), append(e.Vectors, u), append(e.Residuals, relative)
		if worst == nil && !(relative <= s.o.Tolerance) {
			worst = residual
		}
	}
	return e, worst, nil
}

// combine is the k-th Ritz vector, or its product.
func (s *search) combine(of [][]float64, k int) []float64 {
	u := make([]float64, s.dim)
	for i, v := range of {
		floats.AddScaled(u, s.vectors.At(i, k), v)
	}
	return u
}

// restart keeps the Ritz vectors of the n largest values.
func (s *search) restart(n int) {
	var basis, images [][]float64
	for k := range n {
		basis, images = append(basis, s.combine(s.basis, k)), append(images, s.combine(s.images, k))
	}
	s.basis, s.images = basis, images
	s.small = mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			s.small.SetSym(i, j, floats.Dot(basis[i], images[j]))
		}
	}
}

// Trace is Hutchinson's estimate of an operator's (1989), the mean of ⟨v, Hv⟩ over
// random vectors of signs, and its standard error; NaN of the error with one vector.
func Trace(apply Operator, dim, vectors int, signs func(v []float64)) (trace, standardError float64, err error) {
	v, image := make([]float64, dim), make([]float64, dim)
	var samples []float64
	for range vectors {
		signs(v)
		if err := apply(image, v); err != nil {
			return 0, 0, err
		}
		samples = append(samples, floats.Dot(v, image))
	}
	n := float64(vectors)
	mean, squares := floats.Sum(samples)/n, 0.0
	for _, s := range samples {
		squares += (s - mean) * (s - mean)
	}
	return mean, math.Sqrt(squares / (n - 1) / n), nil
}
