package cuda

import (
	"fmt"
	"slices"
	"strings"

	"largestep/nets/op"
)

// Precision is the number format of activations and of the products in
// convolutions; sums are float32 in all.
type Precision string

const (
	FP32 Precision = "fp32" // float32 throughout
	TF32 Precision = "tf32" // float32 in memory, products of 10-bit mantissas
	BF16 Precision = "bf16" // bfloat16 activations, float32 parameters
)

// Precisions lists all.
var Precisions = []string{string(FP32), string(TF32), string(BF16)}

// minCapability is the first compute capability that has the kernels' PTX,
// TF32 and bfloat16: Ampere's.
var minCapability = [2]int{8, 0}

// minDriver is the driver API that the PTX needs: CUDA 11.8.
const minDriver = 11080

// ParsePrecision checks a name.
func ParsePrecision(name string) (Precision, error) {
	if !slices.Contains(Precisions, name) {
		return "", fmt.Errorf("precision %q: choose one of %s", name, strings.Join(Precisions, ", "))
	}
	return Precision(name), nil
}

// checkDevice tells whether a card and its driver can run the kernels.
func checkDevice(name string, major, minor, driver int) error {
	if major < minCapability[0] {
		return &op.Failure{Kind: op.ErrNoDevice, Text: fmt.Sprintf("%s has compute capability %d.%d: %d.%d (Ampere) or later is needed",
			name, major, minor, minCapability[0], minCapability[1])}
	}
	if driver < minDriver {
		return fmt.Errorf("the NVIDIA driver supports CUDA %s: %s or later is needed (driver 520 or later); update the driver",
			cudaVersion(driver), cudaVersion(minDriver))
	}
	return nil
}

// cudaVersion spells 12040 as 12.4.
func cudaVersion(v int) string { return fmt.Sprintf("%d.%d", v/1000, v%1000/10) }
