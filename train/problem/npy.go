package problem

import (
	"bufio"
	"cmp"
	"io"

	"codeberg.org/sbinet/npyio/npy"
	"largestep/data"
	"largestep/metrics/atomicfile"
)

// Save writes the k-th feature, or the logits, of all images as an array for NumPy,
// float32 of the shape that Shape tells.
func (f *Features) Save(path string, k int) error {
	shape := f.Shape(k)
	var rows [][]float32
	err := f.Each(k, func(row []float32) error {
		rows = append(rows, append([]float32{}, row...))
		return nil
	})
	if err != nil {
		return err
	}
	if len(shape) == 2 {
		return saveArray(path, rows)
	}
	images := make([][][][]float32, len(rows))
	for i, row := range rows {
		for range shape[1] {
			var channel [][]float32
			for range shape[2] {
				channel, row = append(channel, row[:shape[3]]), row[shape[3]:]
			}
			images[i] = append(images[i], channel)
		}
	}
	return saveArray(path, images)
}

// SaveLabels writes the labels of images as an array for NumPy, int32.
func SaveLabels(path string, images *data.Images) error { return saveArray(path, images.Labels) }

// saveArray writes nested slices.
func saveArray(path string, values any) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		buf := bufio.NewWriter(w)
		return cmp.Or(npy.Write(buf, values), buf.Flush())
	})
}
