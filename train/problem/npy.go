package problem

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"largestep/data"
	"largestep/metrics/atomicfile"
)

// Save writes the k-th feature, or the logits, of all images as an array for NumPy,
// float32 of the shape that Shape tells, mini-batch by mini-batch.
func (f *Features) Save(path string, k int) error {
	return saveArray(path, "<f4", f.Shape(k), func(w io.Writer) error {
		return f.Each(k, func(row []float32) error { return binary.Write(w, binary.LittleEndian, row) })
	})
}

// SaveLabels writes the labels of images as an array for NumPy, int32.
func SaveLabels(path string, images *data.Images) error {
	return saveArray(path, "<i4", []int{images.Len()}, func(w io.Writer) error {
		return binary.Write(w, binary.LittleEndian, images.Labels)
	})
}

// saveArray writes a file whose values, row-major, values writes.
func saveArray(path, dtype string, shape []int, values func(io.Writer) error) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		if _, err := w.Write(npyHeader(dtype, shape)); err != nil {
			return err
		}
		return values(w)
	})
}

// npyHeader is what a file begins with; see
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
func npyHeader(dtype string, shape []int) []byte {
	const before, alignment = len("\x93NUMPY\x01\x00") + 2, 64
	sizes := strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", ", "), "[]")
	if len(shape) == 1 {
		sizes += ","
	}
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", dtype, sizes)
	rest := before + len(text) + len("\n")
	text += strings.Repeat(" ", (alignment-rest%alignment)%alignment) + "\n"
	h := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(text)))
	return append(h, text...)
}
