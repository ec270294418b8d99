package data

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// The shape of an image: three planes (red, green, blue) of 32 rows of 32.
const (
	Side       = 32
	Channels   = 3
	PixelBytes = Channels * Side * Side // bytes of one image
)

// MaxClasses is the number of classes that a data set may have at most.
const MaxClasses = 10

// Images is a list of labelled 32×32 colour images.
type Images struct {
	Pixels  []uint8  // Len() × PixelBytes: planes R, G, B, each row by row
	Labels  []int32  // Len() indices into Classes
	Classes []string // the names of the classes
}

// Len returns the number of images.
func (im *Images) Len() int { return len(im.Labels) }

// Image returns the PixelBytes bytes of image i, which share memory with im.
func (im *Images) Image(i int) []uint8 {
	return im.Pixels[i*PixelBytes : (i+1)*PixelBytes : (i+1)*PixelBytes]
}

// Subset returns the first n images, which share memory with im. It is an
// error if n is below 1 or above Len.
func (im *Images) Subset(n int) (*Images, error) {
	if n < 1 || n > im.Len() {
		return nil, fmt.Errorf("%d images wanted of a set of %d: choose 1 to %[2]d", n, im.Len())
	}
	return &Images{
		Pixels:  im.Pixels[: n*PixelBytes : n*PixelBytes],
		Labels:  im.Labels[:n:n],
		Classes: im.Classes,
	}, nil
}

// Fingerprint returns the SHA-256 of the labels followed by the pixels, as 64
// hexadecimal digits.
func (im *Images) Fingerprint() string {
	h := sha256.New()
	labels := make([]byte, im.Len())
	for i, l := range im.Labels {
		labels[i] = byte(l)
	}
	h.Write(labels)
	h.Write(im.Pixels)
	return hex.EncodeToString(h.Sum(nil))
}

// NameCIFAR10 and NameMadeUp name the two data sets that every run can have;
// an imported set carries the name that was given at its import.
const (
	NameCIFAR10 = "cifar10"
	NameMadeUp  = "made-up"
)

// Dataset is a training and a test set over the same classes. Name says in a
// figure's words what the images are.
type Dataset struct {
	Name        string
	Train, Test *Images
}
