package conv

// Filters are packed as [oc/nr][tap][ic][nr]: panels of nr output channels, in
// each the taps of the k×k kernel by rows, in each the input channels. Lanes
// beyond oc are zero. Gradients of filters have the same form.

// panelLanes returns nr, the width of a panel. It depends on oc alone, so that
// the packed form does not depend on the processor.
func panelLanes(oc int) int {
	switch {
	case oc > 16:
		return 32
	case oc > 8:
		return 16
	}
	return 8
}

// panels returns how many panels oc output channels take.
func panels(oc int) int {
	nr := panelLanes(oc)
	return (oc + nr - 1) / nr
}

// FilterLen returns the number of floats of a packed filter of oc output and ic
// input channels with k×k taps.
func FilterLen(oc, ic, k int) int {
	return panels(oc) * panelLanes(oc) * k * k * ic
}

// PackFilter packs src, a filter in the order (oc, ic, k, k), into dst.
func PackFilter(dst, src []float32, oc, ic, k int) {
	dst = dst[:FilterLen(oc, ic, k)]
	clear(dst)
	eachWeight(oc, ic, k, func(packed, plain int) { dst[packed] = src[plain] })
}

// UnpackFilter writes the packed filter src into dst in the order (oc, ic, k, k).
func UnpackFilter(dst, src []float32, oc, ic, k int) {
	eachWeight(oc, ic, k, func(packed, plain int) { dst[plain] = src[packed] })
}

// eachWeight calls f with the places of every weight.
func eachWeight(oc, ic, k int, f func(packed, plain int)) {
	nr, taps := panelLanes(oc), k*k
	for o := range oc {
		for i := range ic {
			for t := range taps {
				f(((o/nr*taps+t)*ic+i)*nr+o%nr, (o*ic+i)*taps+t)
			}
		}
	}
}

// transposePanel fills tap t of panel p, for i = p taps + t, of dst, the packed
// filter with input and output channels exchanged: [ic/nr][tap][oc][nr].
func (s *kernelSet) transposePanel(dst, src []float32, oc, ic, k, i int) {
	s.transposeRows(dst[i*oc*panelLanes(ic):], src, oc, ic, k, i, 0, oc)
}

// transposeRows fills dst with the same, of the output channels from first, a multiple of
// 8, to before last alone.
func (s *kernelSet) transposeRows(dst, src []float32, oc, ic, k, i, first, last int) {
	from, to, taps := panelLanes(oc), panelLanes(ic), k*k
	channel, t := i/taps*to, i%taps // channel: the panel's first input channel
	lanes := min(to, ic-channel)
	for o := first; o < last; o += 8 {
		in := src[((o/from*taps+t)*ic+channel)*from+o%from:]
		out := dst[(o-first)*to:]
		for l := 0; l < to; l += 8 {
			if l+8 <= lanes && o+8 <= last {
				s.transpose(out[l:], in[l*from:], to, from)
				continue
			}
			transposeEdge(out[l:], in[min(l*from, len(in)):], to, from, min(8, last-o), min(8, max(lanes-l, 0)))
		}
	}
}

// transposeEdge transposes a block of rows × 8 of dst, of which lanes columns
// exist in src; the others become zero.
func transposeEdge(dst, src []float32, ldd, lds, rows, lanes int) {
	for r := range rows {
		row := dst[r*ldd:][:8]
		clear(row[lanes:])
		for i := range row[:lanes] {
			row[i] = src[i*lds+r]
		}
	}
}
