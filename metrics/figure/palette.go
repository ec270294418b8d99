package figure

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
)

// style is how a group looks in every panel.
//
// All figures have one rule. Groups of a family differ in something with an
// order, the schedule, and run from light to dark in one hue; the only family
// is blue. Families have no order: each has a hue and dashes of its own, so that
// curves are told apart where they coincide, and in greyscale. Every colour has
// a contrast of 3:1 or more to white.
type style struct {
	color  color.RGBA
	dashes []vg.Length
}

var (
	blues = []color.RGBA{{0x4a, 0x94, 0xcf, 0xff}, {0x00, 0x72, 0xb2, 0xff}, {0x0f, 0x47, 0x87, 0xff}, {0x06, 0x20, 0x4a, 0xff}}

	// hues are ramps whose second stops, for families of one, follow the palette
	// of Okabe and Ito for colour-blind readers.
	hues = [][]color.RGBA{
		blues,
		{{0xe0, 0x70, 0x20, 0xff}, {0xd5, 0x5e, 0x00, 0xff}, {0x8c, 0x3a, 0x00, 0xff}, {0x5a, 0x24, 0x00, 0xff}},
		{{0x00, 0xa6, 0x7a, 0xff}, {0x00, 0x9e, 0x73, 0xff}, {0x00, 0x5c, 0x43, 0xff}, {0x00, 0x33, 0x26, 0xff}},
		{{0xcc, 0x79, 0xa7, 0xff}, {0xb8, 0x62, 0x9a, 0xff}, {0x7a, 0x3d, 0x66, 0xff}, {0x47, 0x20, 0x3a, 0xff}},
		{{0x8a, 0x8a, 0x8a, 0xff}, {0x40, 0x40, 0x40, 0xff}, {0x26, 0x26, 0x26, 0xff}, {0x00, 0x00, 0x00, 0xff}},
	}

	dashPatterns = [][]vg.Length{nil, {5, 2}, {1.5, 1.5}, {6, 1.5, 1.5, 1.5}, {9, 1.5}}
)

// maxShades is how many curves of a hue are told apart by lightness alone; more
// are dashed, too.
const maxShades = 6

func (f figure) style(group int) style { return f.styles()[group] }

// styles are those of all groups.
func (f figure) styles() []style {
	size, family := map[string]int{}, map[string]int{} // families by their names, and their places
	for _, g := range f.groups {
		if size[g.Family] == 0 {
			family[g.Family] = len(family)
		}
		size[g.Family]++
	}
	place := map[string]int{}
	styles := make([]style, len(f.groups))
	for i, g := range f.groups {
		styles[i] = styleOf(family[g.Family], len(family), place[g.Family], size[g.Family])
		place[g.Family]++
	}
	return styles
}

// styleOf is the style of a place in a family of some size, one of several families.
func styleOf(family, families, place, size int) style {
	hue := hues[(family+family/len(dashPatterns))%len(hues)]
	dashes := dashPatterns[(family+place/maxShades)%len(dashPatterns)]
	switch shades := min(size, maxShades); {
	case shades > 1:
		return style{interpolate(hue, float64(place%maxShades)/float64(shades-1)), dashes}
	case families > 1:
		return style{hue[1], dashes}
	default: // a single curve is dark
		return style{hue[len(hue)-1], dashes}
	}
}

// interpolate returns the colour at a fraction of the way along the stops.
func interpolate(stops []color.RGBA, at float64) color.RGBA {
	i, t := math.Modf(at * float64(len(stops)-1))
	if int(i) >= len(stops)-1 {
		return stops[len(stops)-1]
	}
	a, b := stops[int(i)], stops[int(i)+1]
	mix := func(x, y uint8) uint8 { return uint8(math.Round(float64(x)*(1-t) + float64(y)*t)) }
	return color.RGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 0xff}
}
