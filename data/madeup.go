package data

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
)

// NameMadeUp is the name of the made-up set.
const NameMadeUp = "made-up"

var madeUp = Set{Name: NameMadeUp, Title: "made-up images", Images: "made-up images", draw: MadeUp}

// madeUpSide is the size of its images.
const madeUpSide = 32

// madeUpClasses are the shapes of the made-up set, in the order of the labels.
var madeUpClasses = []string{
	"disk", "ring", "square", "triangle", "cross",
	"horizontal stripes", "vertical stripes", "checkerboard", "diamond", "frame",
}

// MadeUp draws a data set of ten classes of shapes over a smooth random
// background with pixel noise. Image i of either part depends on the seed and i
// alone, not on the sizes; labels are independent and uniform.
//
// The shape has its centre uniform in 11–21 pixels, half-size in 8–11, a
// rotation within ±0.25 rad, grey level 0.5 ± (0.25–0.5), ±0.1 per channel, and
// covers the background at 85 %. The background interpolates a 5×5 grid of
// colours uniform in 0.1–0.9. The noise is Gaussian of deviation 0.15.
func MadeUp(seed uint64, train, test int) *Dataset {
	return &Dataset{
		Name:  NameMadeUp,
		Train: drawImages(seed, streamTrainImage, train),
		Test:  drawImages(seed, streamTestImage, test),
	}
}

func drawImages(seed, stream uint64, n int) *Images {
	im := &Images{
		Side:    madeUpSide,
		Pixels:  make([]uint8, n*imageBytes(madeUpSide)),
		Labels:  make([]int32, n),
		Classes: slices.Clone(madeUpClasses),
	}
	workers := min(runtime.GOMAXPROCS(0), n)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w * n / workers; i < (w+1)*n/workers; i++ {
				im.Labels[i] = drawImage(newRand(seed, stream, uint64(i)), im.Image(i))
			}
		})
	}
	wg.Wait()
	return im
}

// opacity of a shape over the background, and deviation of the pixel noise.
const (
	opacity = 0.85
	noise   = 0.15
)

// drawImage fills the planes of one image and returns its label. Every product
// that is added to is converted to float64, which forbids the compiler to fuse
// the two, as it would on some platforms and not on others.
func drawImage(r *rand.Rand, pixels []uint8) (label int32) {
	label = r.Int32N(int32(len(madeUpClasses)))
	cx, cy := uniform(r, 11, 21), uniform(r, 11, 21)
	half := uniform(r, 8, 11)
	sin, cos := rotation(uniform(r, -0.25, 0.25))
	level := uniform(r, 0.25, 0.5)
	if r.Int32N(2) == 0 {
		level = -level
	}
	var inside [madeUpSide * madeUpSide]bool
	for y := range madeUpSide {
		for x := range madeUpSide {
			dx, dy := (float64(x)-cx)/half, (float64(y)-cy)/half
			u := float64(cos*dx) + float64(sin*dy)
			v := float64(cos*dy) - float64(sin*dx)
			inside[y*madeUpSide+x] = inShape(label, u, v)
		}
	}
	for c := range Channels {
		plane := pixels[c*madeUpSide*madeUpSide : (c+1)*madeUpSide*madeUpSide]
		colour := 0.5 + level + uniform(r, -0.1, 0.1)
		background := newBackground(r)
		for i := range plane {
			p := background.at(i/madeUpSide, i%madeUpSide)
			if inside[i] {
				p = float64(opacity*colour) + float64((1-opacity)*p)
			}
			p += float64(noise * r.NormFloat64())
			plane[i] = uint8(math.Floor(float64(255*min(max(p, 0), 1)) + 0.5))
		}
	}
	return label
}

// inShape reports whether the point (u right, v down), in units of the
// half-size about the centre, belongs to the class's shape.
func inShape(class int32, u, v float64) bool {
	ru, rv := math.Abs(u), math.Abs(v)
	square := max(ru, rv)
	radius2 := float64(u*u) + float64(v*v)
	band := func(t float64) bool { return int(math.Floor((t+1)*2.5))%2 == 0 } // 3 bars, 2 gaps
	switch madeUpClasses[class] {
	case "disk":
		return radius2 <= 1
	case "ring":
		return radius2 <= 1 && radius2 >= 0.36
	case "square":
		return square <= 0.9
	case "triangle":
		return rv <= 1 && ru <= (v+1)/2
	case "cross":
		return square <= 1 && min(ru, rv) <= 0.3
	case "horizontal stripes":
		return square <= 1 && band(v)
	case "vertical stripes":
		return square <= 1 && band(u)
	case "checkerboard":
		return square <= 1 && (int(math.Floor((u+1)*2))+int(math.Floor((v+1)*2)))%2 == 0
	case "diamond":
		return ru+rv <= 1.1
	case "frame":
		return square <= 0.95 && square >= 0.6
	}
	panic("data: made-up class without a shape")
}

// background is one channel of a grid of random values, interpolated over the
// image so that the grid's border is the image's.
type background [5][5]float64

func newBackground(r *rand.Rand) *background {
	var b background
	for i := range b {
		for j := range b[i] {
			b[i][j] = uniform(r, 0.1, 0.9)
		}
	}
	return &b
}

func (b *background) at(y, x int) float64 {
	const cells = len(b) - 1
	i, j := y*cells/madeUpSide, x*cells/madeUpSide
	fy := float64(y*cells)/(madeUpSide-1) - float64(i)
	fx := float64(x*cells)/(madeUpSide-1) - float64(j)
	top := lerp(b[i][j], b[i][j+1], fx)
	bottom := lerp(b[i+1][j], b[i+1][j+1], fx)
	return lerp(top, bottom, fy)
}

func lerp(a, b, t float64) float64 { return a + float64(t*(b-a)) }

func uniform(r *rand.Rand, low, high float64) float64 {
	return low + float64((high-low)*r.Float64())
}

// rotation returns sine and cosine of a small angle, rounded to float32, so
// that platforms whose math functions differ in the last bit agree.
func rotation(angle float64) (sin, cos float64) {
	sin, cos = math.Sincos(angle)
	return float64(float32(sin)), float64(float32(cos))
}
