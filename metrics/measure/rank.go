package measure

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Singular values of a Jacobian count towards its rank above these fractions of
// the largest one.
const (
	RankTolerance         = 1e-4  // ReLU nets
	RankToleranceDiagonal = 1e-15 // diagonal linear nets
)

// SingularValues returns those of a row-major matrix, such as the Jacobian
// ∂h(x_i)/∂θ_j with a row for each input x_i, in decreasing order.
func SingularValues(matrix []float64, rows, columns int) ([]float64, error) {
	if rows < 1 || columns < 1 || len(matrix) != rows*columns {
		return nil, fmt.Errorf("matrix of %d×%d with %d elements", rows, columns, len(matrix))
	}
	for i, v := range matrix {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("matrix has %v in row %d, column %d", v, i/columns, i%columns)
		}
	}
	var svd mat.SVD
	if !svd.Factorize(mat.NewDense(rows, columns, matrix), mat.SVDNone) {
		return nil, fmt.Errorf("singular values of a %d×%d matrix: no convergence", rows, columns)
	}
	return svd.Values(nil), nil
}

// Rank is the number of singular values above the tolerance times the largest.
func Rank(singular []float64, tolerance float64) int {
	largest := 0.0
	for _, s := range singular {
		largest = max(largest, s)
	}
	rank := 0
	for _, s := range singular {
		if s > tolerance*largest {
			rank++
		}
	}
	return rank
}

// spectralEntropy is that of the singular values normalised to a sum of 1, in
// nats; 0 where all are 0. Its exponential is the effective rank (Roy and
// Vetterli 2007).
func spectralEntropy(singular []float64) float64 {
	sum := 0.0
	for _, s := range singular {
		sum += s
	}
	entropy := 0.0
	for _, s := range singular {
		if p := s / sum; p > 0 {
			entropy -= p * math.Log(p)
		}
	}
	return entropy
}

// EffectiveRank is exp(spectralEntropy): n for n equal singular values. It is 0
// where all are 0.
func EffectiveRank(singular []float64) float64 {
	if Rank(singular, 0) == 0 {
		return 0
	}
	return math.Exp(spectralEntropy(singular))
}
