package measure

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// PrincipalValues are the singular values, decreasing, of a row-major matrix less the
// mean of its rows, in its place: their squares are the variances along the principal
// components, times the number of rows. They are nil where the matrix has an element
// that is no finite number.
func PrincipalValues(matrix []float64, rows, columns int) ([]float64, error) {
	if rows < 1 || columns < 1 || len(matrix) != rows*columns {
		return nil, fmt.Errorf("matrix of %d×%d with %d elements", rows, columns, len(matrix))
	}
	if sum := floats.Norm(matrix, 1); math.IsNaN(sum) || math.IsInf(sum, 0) {
		return nil, nil
	}
	mean := make([]float64, columns)
	for i := range rows {
		floats.AddScaled(mean, 1/float64(rows), matrix[i*columns:(i+1)*columns])
	}
	for i := range rows {
		floats.Sub(matrix[i*columns:(i+1)*columns], mean)
	}
	x := mat.NewDense(rows, columns, matrix)
	var gram mat.SymDense // the smaller of two matrices with the same spectrum
	if rows <= columns {
		gram.SymOuterK(1, x)
	} else {
		gram.SymOuterK(1, x.T())
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(&gram, false) {
		return nil, fmt.Errorf("principal components of a %d×%d matrix: no convergence", rows, columns)
	}
	values := eigen.Values(nil)
	slices.Reverse(values)
	for i, v := range values {
		values[i] = math.Sqrt(max(v, 0))
	}
	return values, nil
}

// Components is how many of the largest values it takes for a share of the sum of
// all squares: of PrincipalValues, the principal components that hold the share of the
// variance, as in Andriushchenko et al. 2023, "Sharpness-aware minimization leads to
// low-rank features". It is 0 where all are 0.
func Components(values []float64, share float64) int {
	total := floats.Dot(values, values)
	sum := 0.0
	for k, v := range values {
		if sum >= share*total {
			return k
		}
		sum += v * v
	}
	return len(values)
}
