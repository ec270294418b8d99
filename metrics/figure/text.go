package figure

import (
	"image/color"
	"math"

	stdfont "golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

const (
	titleSize  = vg.Length(10)
	labelSize  = vg.Length(9)
	tickSize   = vg.Length(8)
	legendSize = vg.Length(8.5)
	noteSize   = vg.Length(7.5)
)

func textStyle(size vg.Length) text.Style {
	return text.Style{
		Color:   color.Black,
		Font:    font.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		Handler: outlines{text.Plain{Fonts: font.DefaultCache}},
	}
}

// outlines draws text as filled outlines, so that a figure looks the same
// everywhere: gonum's PDF would lose η and exponents, which code page 1252
// lacks, and its SVG would depend on the viewer's fonts. Exponents are raised
// digits, as the font has not all of them. It draws single lines.
type outlines struct{ text.Plain }

const (
	exponentScale = 0.7
	exponentRise  = 0.42 // of the font's size
)

var exponents = map[rune]rune{'⁻': '−', '⁰': '0', '¹': '1', '²': '2', '³': '3',
	'⁴': '4', '⁵': '5', '⁶': '6', '⁷': '7', '⁸': '8', '⁹': '9'}

func (o outlines) Lines(txt string) []string { return []string{txt} }

func (o outlines) Box(txt string, f font.Font) (width, height, depth vg.Length) {
	extents := o.Extents(f)
	_, width = o.path(txt, f, vg.Point{})
	return width, extents.Ascent, extents.Descent
}

func (o outlines) Draw(c vg.Canvas, txt string, style text.Style, at vg.Point) {
	if txt == "" {
		return
	}
	_, width := o.path(txt, style.Font, vg.Point{})
	c.SetColor(style.Color)
	c.Push()
	c.Translate(at)
	c.Rotate(style.Rotation)
	baseline := style.Height(txt)*vg.Length(style.YAlign) + style.Font.Size - o.Extents(style.Font).Ascent
	path, _ := o.path(txt, style.Font, vg.Point{X: width * vg.Length(style.XAlign), Y: baseline})
	c.Fill(path)
	c.Pop()
}

// path returns the outlines of a line of text that starts at a point, and its
// width.
func (o outlines) path(txt string, f font.Font, at vg.Point) (vg.Path, vg.Length) {
	face := o.Fonts.Lookup(f, f.Size).Face
	var path vg.Path
	var buf sfnt.Buffer
	start := at.X
	ppem := fixed.Int26_6(face.UnitsPerEm()) // so that a unit of the font is 1/64
	var previous sfnt.GlyphIndex
	for _, r := range txt {
		if r == '⊙' { // not in the font
			path = appendOdot(path, f.Size, at)
			at.X += odotWidth * f.Size
			previous = 0
			continue
		}
		size, y := f.Size, at.Y
		if digit, ok := exponents[r]; ok {
			r, size, y = digit, size*exponentScale, y+size*exponentRise
		}
		scale := size / vg.Length(face.UnitsPerEm())
		glyph, err := face.GlyphIndex(&buf, r)
		if err != nil {
			continue
		}
		if kern, err := face.Kern(&buf, previous, glyph, ppem, stdfont.HintingNone); err == nil && previous != 0 {
			at.X += vg.Length(kern) * scale
		}
		if segments, err := face.LoadGlyph(&buf, glyph, ppem, nil); err == nil {
			path = appendGlyph(path, segments, scale, vg.Point{X: at.X, Y: y})
		}
		if advance, err := face.GlyphAdvance(&buf, glyph, ppem, stdfont.HintingNone); err == nil {
			at.X += vg.Length(advance) * scale
		}
		previous = glyph
	}
	return path, at.X - start
}

func appendGlyph(path vg.Path, segments sfnt.Segments, scale vg.Length, at vg.Point) vg.Path {
	open := false
	for _, s := range segments {
		var p [3]vg.Point
		for i, a := range s.Args { // y points down in sfnt
			p[i] = vg.Point{X: at.X + vg.Length(a.X)*scale, Y: at.Y - vg.Length(a.Y)*scale}
		}
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			if open {
				path.Close()
			}
			open = true
			path.Move(p[0])
		case sfnt.SegmentOpLineTo:
			path.Line(p[0])
		case sfnt.SegmentOpQuadTo:
			path.QuadTo(p[0], p[1])
		case sfnt.SegmentOpCubeTo:
			path.CubeTo(p[0], p[1], p[2])
		}
	}
	if open {
		path.Close()
	}
	return path
}

const odotWidth = 0.72 // of the font's size

// appendOdot adds ⊙: a ring, whose inner edge runs the other way round, and a
// dot.
func appendOdot(path vg.Path, size vg.Length, at vg.Point) vg.Path {
	centre := vg.Point{X: at.X + odotWidth/2*size, Y: at.Y + 0.34*size}
	for _, circle := range []struct {
		radius vg.Length
		turn   float64
	}{{0.3, 2 * math.Pi}, {0.24, -2 * math.Pi}, {0.075, 2 * math.Pi}} {
		r := circle.radius * size
		path.Move(vg.Point{X: centre.X + r, Y: centre.Y})
		path.Arc(centre, r, 0, circle.turn)
		path.Close()
	}
	return path
}

// fit shortens a text to a width.
func fit(style text.Style, txt string, width vg.Length) string {
	if style.Width(txt) <= width {
		return txt
	}
	runes := []rune(txt)
	for n := len(runes) - 1; n > 0; n-- {
		if short := string(runes[:n]) + "…"; style.Width(short) <= width {
			return short
		}
	}
	return "…"
}
