package pass

import "largestep/train/machine/cpu/pool"

// Images is a resident data set: bytes in planes, image × channel × height ×
// width.
type Images struct {
	Pixels                  []byte
	Channels, Height, Width int
	Values                  []Values // of each channel's bytes; nil for byte/255
}

// Values are what bytes become.
type Values [256]float32

// Normalized are (byte/255 − mean)/std.
func Normalized(mean, std float32) (v Values) {
	for b := range v {
		v[b] = (unit[b] - mean) / std
	}
	return v
}

// Gather writes the values of a mini-batch's images in layout HWNC. An index of
// −1 gives a black image. Window, if not nil, has three values for
// each image: the row and column, 0 to 2·pad, at which the image's crop begins in
// the image padded with pad black pixels on each side, and 1 if the crop is then
// flipped left to right, else 0.
func (s *Images) Gather(p *pool.Pool, pad int, x []float32, index, window []int32) {
	image := s.Channels * s.Height * s.Width
	need(image*len(index), x)
	if window != nil && len(window) != 3*len(index) {
		panic("pass: window is not three values per image")
	}
	for _, i := range index {
		if i < -1 || (int(i)+1)*image > len(s.Pixels) {
			panic("pass: index outside of the data set")
		}
	}
	p.Do(s.Height, func(_, h int) {
		pixel := len(index) * s.Channels
		row := x[h*s.Width*pixel : (h+1)*s.Width*pixel]
		for n, i := range index {
			top, left, flip := pad, pad, false
			if window != nil {
				top, left, flip = int(window[3*n]), int(window[3*n+1]), window[3*n+2] != 0
			}
			from := h + top - pad
			for c := range s.Channels {
				values := &unit
				if s.Values != nil {
					values = &s.Values[c]
				}
				var source []byte // none: black
				if i >= 0 && from >= 0 && from < s.Height {
					at := (int(i)*s.Channels+c)*s.Height + from
					source = s.Pixels[at*s.Width : (at+1)*s.Width]
				}
				s.gatherRow(row[n*s.Channels+c:], source, values, pixel, left-pad, flip)
			}
		}
	})
}

// gatherRow writes one image's row of one channel, its pixels apart by stride.
func (s *Images) gatherRow(to []float32, from []byte, values *Values, stride, shift int, flip bool) {
	column, step := shift, 1
	if flip {
		column, step = s.Width-1+shift, -1
	}
	for at := 0; at < s.Width*stride; at += stride {
		var b byte
		if uint(column) < uint(len(from)) {
			b = from[column]
		}
		to[at] = values[b]
		column += step
	}
}

// unit holds b/255 for every byte b, correctly rounded.
var unit = func() (table Values) {
	for b := range table {
		table[b] = float32(b) / 255
	}
	return table
}()
