package cuda

import (
	"math"

	"gorgonia.org/tensor"
	"largestep/nets/op"
)

// vector is how many channels a thread moves at once.
const vector = 8

// padded is the number of channels in memory.
func padded(channels int) int { return (channels + vector - 1) / vector * vector }

// layout is a tensor in memory: a matrix of rows by channels, several planes of
// it in the row-major host tensor.
type layout struct {
	outer, channels, area int // host order: outer, channel, area
	rows, columns         int // of memory, padding included
	elements              int
	half                  bool // bfloat16 (activations and gradients of filters)
	copy                  bool // float32 with a bfloat16 copy behind it (filters)
}

// layoutOf says how a tensor lies in memory; ok is false for one that is
// row-major as on the host.
func layoutOf(s op.Spec, p Precision) (l layout, ok bool) {
	if s.Dtype != tensor.Float32 || len(s.Shape) != 4 || s.Kind == op.Plain || s.Kind == op.Any {
		return layout{elements: s.Len()}, false
	}
	l = layout{outer: s.Shape[0], channels: s.Shape[1], area: s.Shape[2] * s.Shape[3]}
	l.rows, l.columns = l.outer*l.area, padded(l.channels)
	if s.Kind != op.Activation {
		l.rows = padded(l.outer) * l.area
	}
	l.copy = p == BF16 && s.Kind == op.Filter
	l.half = p == BF16 && s.Kind != op.Filter
	l.elements = l.rows * l.columns
	return l, true
}

// bytesOf is the size of a tensor in memory.
func bytesOf(s op.Spec, p Precision) int {
	l, ok := layoutOf(s, p)
	switch {
	case !ok:
		return l.elements * int(s.Dtype.Size())
	case l.half:
		return l.elements * 2
	case l.copy:
		return copyOffset(l.elements) + l.elements*2
	}
	return l.elements * 4
}

// copyOffset is where the bfloat16 copy of a filter begins.
func copyOffset(elements int) int {
	return (elements*4 + op.Alignment - 1) &^ (op.Alignment - 1)
}

// encode lays a host tensor out; dst has bytesOf bytes and is zero.
func (l layout) encode(dst []byte, src []float32) {
	l.each(func(host, at int) {
		if l.half {
			put16(dst[2*at:], toBF16(src[host]))
			return
		}
		put32(dst[4*at:], math.Float32bits(src[host]))
		if l.copy {
			put16(dst[copyOffset(l.elements)+2*at:], toBF16(src[host]))
		}
	})
}

// decode is the inverse of encode.
func (l layout) decode(dst []float32, src []byte) {
	l.each(func(host, at int) {
		if l.half {
			dst[host] = fromBF16(get16(src[2*at:]))
		} else {
			dst[host] = math.Float32frombits(get32(src[4*at:]))
		}
	})
}

// each pairs the elements of the host tensor with places in memory.
func (l layout) each(f func(host, at int)) {
	host := 0
	for o := range l.outer {
		for c := range l.channels {
			for a := range l.area {
				f(host, (o*l.area+a)*l.columns+c)
				host++
			}
		}
	}
}

// toBF16 rounds to nearest even; a NaN stays one.
func toBF16(x float32) uint16 {
	bits := math.Float32bits(x)
	if x != x {
		return uint16(bits>>16) | 0x40 // quiet, so that the mantissa is not 0
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}

func fromBF16(x uint16) float32 { return math.Float32frombits(uint32(x) << 16) }

// Memory of the GPU is little-endian, as is that of all its hosts.

func put16(b []byte, x uint16) { b[0], b[1] = byte(x), byte(x>>8) }
func put32(b []byte, x uint32) {
	b[0], b[1], b[2], b[3] = byte(x), byte(x>>8), byte(x>>16), byte(x>>24)
}
func get16(b []byte) uint16 { return uint16(b[0]) | uint16(b[1])<<8 }
func get32(b []byte) uint32 { return uint32(get16(b)) | uint32(get16(b[2:]))<<16 }
