package data

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Channels are the planes of an image: red, green, blue.
const Channels = 3

// MaxSide is the length in pixels of the sides of the largest images.
const MaxSide = 64

// Images is a list of labelled square colour images.
type Images struct {
	Side    int      // of each image, in pixels
	Pixels  []uint8  // Len() × ImageBytes(): planes R, G, B, each row by row
	Labels  []int32  // Len() indices into Classes
	Classes []string // the names of the classes

	// Doubt is what a person should know of how the images were chosen from others;
	// "" if all is well.
	Doubt string
}

// Len returns the number of images.
func (im *Images) Len() int { return len(im.Labels) }

// ImageBytes is the number of bytes of one image.
func (im *Images) ImageBytes() int { return imageBytes(im.Side) }

func imageBytes(side int) int { return Channels * side * side }

// Image returns the bytes of image i, which share memory with im.
func (im *Images) Image(i int) []uint8 {
	n := im.ImageBytes()
	return im.Pixels[i*n : (i+1)*n : (i+1)*n]
}

// Subset returns the first n images, which share memory with im. It is an
// error if n is below 1 or above Len.
func (im *Images) Subset(n int) (*Images, error) {
	if n < 1 || n > im.Len() {
		return nil, fmt.Errorf("%d images wanted of a set of %d: choose 1 to %[2]d", n, im.Len())
	}
	size := n * im.ImageBytes()
	return &Images{Side: im.Side, Pixels: im.Pixels[:size:size], Labels: im.Labels[:n:n], Classes: im.Classes}, nil
}

// Fingerprint returns a SHA-256 of the labels followed by the pixels, as 64
// hexadecimal digits. Labels are of one byte, or of two, the low one first, where
// there are more than 256 classes.
func (im *Images) Fingerprint() string {
	h := sha256.New()
	labels := make([]byte, 0, im.Len())
	for _, l := range im.Labels {
		labels = appendLabel(labels, labelBytes(len(im.Classes)), l)
	}
	h.Write(labels)
	h.Write(im.Pixels)
	return hex.EncodeToString(h.Sum(nil))
}

// labelBytes is how many bytes hold a label of so many classes.
func labelBytes(classes int) int {
	if classes > 256 {
		return 2
	}
	return 1
}

func appendLabel(b []byte, bytes int, label int32) []byte {
	for range bytes {
		b = append(b, byte(label))
		label >>= 8
	}
	return b
}

// Dataset is a training and a test set over the same classes. Name says in a
// figure's words what the images are.
type Dataset struct {
	Name        string
	Train, Test *Images
}
