package run

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// GradientNoise is normal noise that is added to the gradient of each step of the
// first phase, drawn afresh. The zero value is none.
type GradientNoise struct {
	Shape     NoiseShape
	Deviation float64
}

// NoiseShape says how noise is distributed over the parameters.
type NoiseShape string

const (
	// Isotropic noise has the same standard deviation in each parameter.
	Isotropic NoiseShape = "isotropic"
	// Covariance has Deviation² times the covariance of the gradients of single
	// terms, Σ = (1/n) Σ (∇f_i − ∇f)(∇f_i − ∇f)ᵀ at the current parameters: with
	// 1/√B that of a mini-batch of B, drawn with replacement.
	Covariance NoiseShape = "covariance"
)

// ParseGradientNoise reads SHAPE:DEVIATION, such as isotropic:0.1, or none.
func ParseGradientNoise(text string) (GradientNoise, error) {
	if text == "none" {
		return GradientNoise{}, nil
	}
	shape, deviation, _ := strings.Cut(text, ":")
	n := GradientNoise{Shape: NoiseShape(shape)}
	var err error
	if n.Deviation, err = strconv.ParseFloat(deviation, 64); err != nil || n.Shape != Isotropic && n.Shape != Covariance {
		return GradientNoise{}, fmt.Errorf("gradient noise %q: want %s:DEVIATION or %s:DEVIATION, such as isotropic:0.1, or none", text, Isotropic, Covariance)
	}
	if !(n.Deviation >= 0) || math.IsInf(n.Deviation, 0) {
		return GradientNoise{}, fmt.Errorf("gradient noise %q: want a deviation of 0 or more", text)
	}
	if n.Deviation == 0 {
		return GradientNoise{}, nil
	}
	return n, nil
}

// String is what ParseGradientNoise reads.
func (n GradientNoise) String() string {
	if n.IsZero() {
		return "none"
	}
	return string(n.Shape) + ":" + strconv.FormatFloat(n.Deviation, 'g', -1, 64)
}

// IsZero tells whether there is none.
func (n GradientNoise) IsZero() bool { return n.Deviation == 0 }

// MarshalText is String.
func (n GradientNoise) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText is ParseGradientNoise.
func (n *GradientNoise) UnmarshalText(text []byte) (err error) {
	*n, err = ParseGradientNoise(string(text))
	return err
}
