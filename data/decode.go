package data

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"

	"github.com/bep/imagemeta"
	"largestep/data/magic"
)

// maxImageBytes bounds an image file; 64×64 pixels need some ten thousand bytes.
const maxImageBytes = 1 << 20

// A codec reads one format. The formats are told apart here and not by
// image.Decode, which tries whatever some package has registered with it: a few
// bytes of TIFF ask for any amount of memory.
type codec struct {
	begin  string
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
	meta   imagemeta.ImageFormat
}

var codecs = []codec{
	{"\xff\xd8\xff", jpeg.DecodeConfig, jpeg.Decode, imagemeta.JPEG},
	{"\x89PNG\r\n\x1a\n", png.DecodeConfig, png.Decode, imagemeta.PNG},
}

// decode reads a JPEG or PNG image of side×side pixels, or of any size if side is
// 0, as planes turned as its EXIF data say.
func decode(r io.Reader, side int) (pixels []uint8, err error) {
	b, err := io.ReadAll(io.LimitReader(r, maxImageBytes+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxImageBytes {
		return nil, fmt.Errorf("more than %d bytes, too many for an image of %d×%d", maxImageBytes, MaxSide, MaxSide)
	}
	c, err := codecOf(b)
	if err != nil {
		return nil, err
	}
	config, err := c.config(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	if err := checkSize(config, side); err != nil {
		return nil, err
	}
	turn, err := c.orientation(b)
	if err != nil {
		return nil, err
	}
	img, err := c.decode(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return readPixels(img, config.Width, turn)
}

func checkSize(c image.Config, side int) error {
	switch {
	case side != 0 && (c.Width != side || c.Height != side):
		return fmt.Errorf("%d×%d pixels, want %d×%d as the first image has: resize the images first", c.Width, c.Height, side, side)
	case c.Width != c.Height || c.Width < 1 || c.Width > MaxSide:
		return fmt.Errorf("%d×%d pixels, want squares of at most %d×%d: resize the images first", c.Width, c.Height, MaxSide, MaxSide)
	}
	return nil
}

func codecOf(b []byte) (codec, error) {
	for _, c := range codecs {
		if bytes.HasPrefix(b, []byte(c.begin)) {
			return c, nil
		}
	}
	err := errors.New("neither a JPEG nor a PNG image")
	if kind := magic.Kind(b); kind != "" {
		err = fmt.Errorf("%w but %s", err, kind)
	}
	return codec{}, err
}

// readPixels gives the planes of an image, turned.
func readPixels(img image.Image, side int, turn orientation) ([]uint8, error) {
	origin := img.Bounds().Min
	plane := side * side
	pixels := make([]uint8, Channels*plane)
	for i := range plane {
		x, y := turn.source(i%side, i/side, side-1)
		r, g, b, a := at(img, origin.X+x, origin.Y+y)
		if a != 0xffff {
			return nil, fmt.Errorf("pixel (%d, %d) is transparent: give the images a background first, such as with ImageMagick's -background white -alpha remove", x, y)
		}
		pixels[i], pixels[plane+i], pixels[2*plane+i] = uint8(r>>8), uint8(g>>8), uint8(b>>8)
	}
	return pixels, nil
}

// at is img.At(x, y).RGBA(), without allocating where the image lets it.
func at(img image.Image, x, y int) (r, g, b, a uint32) {
	if fast, ok := img.(image.RGBA64Image); ok {
		return fast.RGBA64At(x, y).RGBA()
	}
	return img.At(x, y).RGBA()
}

// An orientation is EXIF's: which side of what is stored is up, 1 to 8.
type orientation uint16

// source returns which stored pixel is seen at column x of row y, of which last is
// the last.
func (o orientation) source(x, y, last int) (int, int) {
	switch o {
	case 2: // mirrored
		return last - x, y
	case 3: // upside down
		return last - x, last - y
	case 4:
		return x, last - y
	case 5: // rows are columns
		return y, x
	case 6: // to be turned clockwise
		return y, last - x
	case 7:
		return last - y, last - x
	case 8: // to be turned anticlockwise
		return last - y, x
	}
	return x, y
}

// orientation reads an image's EXIF data; 1 is an image without.
func (c codec) orientation(b []byte) (orientation, error) {
	const tag = "Orientation"
	found := orientation(1)
	_, err := imagemeta.Decode(imagemeta.Options{
		R:               bytes.NewReader(b),
		ImageFormat:     c.meta,
		Sources:         imagemeta.EXIF,
		ShouldHandleTag: func(t imagemeta.TagInfo) bool { return t.Tag == tag && t.Namespace == "IFD0" },
		HandleTag: func(t imagemeta.TagInfo) error {
			v, ok := t.Value.(uint16)
			if !ok || v > 8 {
				return fmt.Errorf("orientation %v, want 1 to 8", t.Value)
			}
			found = orientation(v)
			return imagemeta.ErrStopWalking
		},
	})
	if err != nil {
		return 0, fmt.Errorf("EXIF data: %w: take them out, such as with ImageMagick's -auto-orient -strip", err)
	}
	return found, nil
}
