package conv

import (
	"fmt"
	"slices"
)

// A Shape describes a convolution of N images of C channels and H×W pixels with
// OC filters of K×K taps. Taps that fall outside the image, in the Pad pixels
// around it, count nothing.
type Shape struct {
	N, C, H, W, OC, K, Stride, Pad int

	// InPitch and OutPitch are the floats from a row of pixels to the next, of the input
	// and of the result; 0 where rows follow each other.
	InPitch, OutPitch int
}

// outH returns the height of the result.
func (s Shape) outH() int { return outputs(s.H, s.K, s.Stride, s.Pad) }

// outW returns the width of the result.
func (s Shape) outW() int { return outputs(s.W, s.K, s.Stride, s.Pad) }

func outputs(in, k, stride, pad int) int { return (in+2*pad-k)/stride + 1 }

// inPitch returns the elements from a row of the input to the next, where images have so
// many each in a pixel.
func (s Shape) inPitch(channels int) int { return pitchOr(s.InPitch, s.W*s.N*channels) }

// outPitch returns the same of the result.
func (s Shape) outPitch(channels int) int { return pitchOr(s.OutPitch, s.outW()*s.N*channels) }

func pitchOr(pitch, row int) int {
	if pitch == 0 {
		return row
	}
	return pitch
}

// inLen returns the number of floats of the input.
func (s Shape) inLen() int { return s.H * s.inPitch(s.C) }

// outLen returns the number of floats of the result.
func (s Shape) outLen() int { return s.outH() * s.outPitch(s.OC) }

// FilterLen returns the number of floats of the packed filter.
func (s Shape) FilterLen() int { return FilterLen(s.OC, s.C, s.K) }

// check panics where a convolution of this shape does not exist.
func (s Shape) check() {
	if min(s.N, s.C, s.H, s.W, s.OC, s.K, s.Stride) < 1 || s.Pad < 0 ||
		s.K > s.H+2*s.Pad || s.K > s.W+2*s.Pad || s.inPitch(s.C) < s.W*s.N*s.C || s.outPitch(s.OC) < s.outW()*s.N*s.OC {
		panic(fmt.Sprintf("conv: no convolution has the shape %+v", s))
	}
}

// A contact is where one tap of an axis meets the other side: tap k at pixel pos.
type contact struct {
	k, pos int
}

// forwardContacts lists, for each output pixel of an axis, the taps that fall
// inside the input, with the input pixels they fall on.
func forwardContacts(in, k, stride, pad int) [][]contact {
	axis := make([][]contact, outputs(in, k, stride, pad))
	for o := range axis {
		for t := range k {
			if i := o*stride + t - pad; i >= 0 && i < in {
				axis[o] = append(axis[o], contact{t, i})
			}
		}
	}
	return axis
}

// backwardContacts lists, for each input pixel of an axis, the taps through
// which it reached the output, with the output pixels it reached.
func backwardContacts(in, k, stride, pad int) [][]contact {
	axis := make([][]contact, in)
	for o, list := range forwardContacts(in, k, stride, pad) {
		for _, c := range list {
			axis[c.pos] = append(axis[c.pos], contact{c.k, o})
		}
	}
	for _, list := range axis {
		slices.SortFunc(list, func(a, b contact) int { return a.k - b.k })
	}
	return axis
}
