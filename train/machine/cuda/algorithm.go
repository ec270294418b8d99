package cuda

import "fmt"

// Values of cudnnMathType_t and cudnnDeterminism_t, the same in cuDNN 8 and 9.
const (
	mathDefault         = 0
	mathTensorOp        = 1
	mathAllowConversion = 2 // would round float32 to half precision
	mathFMA             = 3
	deterministic       = 1
)

// algorithm is one that cuDNN's search found for a convolution.
type algorithm struct {
	id            int
	status        int
	workspace     int // bytes
	deterministic bool
	math          int
}

// mathOf is the math type that a convolution of a precision asks for.
func mathOf(p Precision) int {
	if p == FP32 {
		return mathFMA
	}
	return mathTensorOp // of float32: TF32
}

// choose takes the fastest algorithm whose workspace is within the limit, a
// deterministic one if there is any: the same training then gives the same bits.
// found is in the order of cuDNN, the fastest first.
func choose(found []algorithm, limit int) (algorithm, error) {
	for _, wantDeterministic := range []bool{true, false} {
		for _, a := range found {
			usable := a.status == 0 && a.workspace <= limit && a.math != mathAllowConversion
			if usable && (a.deterministic || !wantDeterministic) {
				return a, nil
			}
		}
	}
	return algorithm{}, fmt.Errorf("none of cuDNN's %d algorithms works within %d MB of workspace", len(found), limit>>20)
}
