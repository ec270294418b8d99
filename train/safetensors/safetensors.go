// Package safetensors reads and writes files of named tensors in the format of
// https://huggingface.co/docs/safetensors: the length of a header (8 bytes,
// little-endian), the header in JSON, and the tensors' bytes, without holes.
//
//	{"__metadata__": {"net": "resnet18"},
//	 "conv1.weight": {"dtype": "F32", "shape": [64, 3, 3, 3], "data_offsets": [0, 6912]}}
//
// A file is checked in full before any of its tensors is returned.
package safetensors

import (
	"fmt"
	"math"
)

const (
	metadataKey = "__metadata__"

	// maxHeader is the limit of the reference implementation, in bytes.
	maxHeader = 100_000_000
)

// byteSize returns the number of bytes of a tensor of this format and shape.
func byteSize(d DType, shape []int) (int64, error) {
	if d.Size() == 0 {
		return 0, fmt.Errorf("unknown dtype %q", string(d))
	}
	n := int64(d.Size())
	for _, dim := range shape {
		if dim < 0 {
			return 0, fmt.Errorf("shape %v has a negative dimension", shape)
		}
		if dim > 0 && n > math.MaxInt64/int64(dim) {
			return 0, fmt.Errorf("shape %v is too large", shape)
		}
		n *= int64(dim)
	}
	return n, nil
}
