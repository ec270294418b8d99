package op

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Batch is the data set that a mini-batch is picked from, and which examples.
type Batch struct {
	Images *gorgonia.Node // uint8 (M, C, H, W)
	Labels *gorgonia.Node // int32 (M)
	Index  *gorgonia.Node // int32 (N): rows of Images; −1 for none
	Window *gorgonia.Node // int32 (N, 3): augmentation, see Kernels.Gather; nil for none
}

// Gathering says what the bytes of an image become.
type Gathering struct {
	Pad int // of the random crop
	Normalization
}

// Normalization is that of the three channels of a colour image: v in [0, 1]
// becomes (v − Mean)/Std. The zero value leaves v as it is.
type Normalization struct{ Mean, Std [3]float32 }

// Of gives mean and standard deviation of a channel, 0 and 1 without
// normalisation.
func (n Normalization) Of(channel int) (mean, std float32) {
	if n == (Normalization{}) {
		return 0, 1
	}
	return n.Mean[channel], n.Std[channel]
}

// Gather picks a mini-batch: x (N, C, H, W) of the given float type, and the
// labels, int32 (N).
func Gather(b Batch, g Gathering, dtype tensor.Dtype) (x, labels *gorgonia.Node, err error) {
	in := append([]*gorgonia.Node{b.Images, b.Labels, b.Index}, nonNil(b.Window)...)
	out, err := apply(gather{g, dtype}, in...)
	if err != nil {
		return nil, nil, err
	}
	return out[0], out[1], nil
}

type gather struct {
	Gathering
	dtype tensor.Dtype
}

func (o gather) String() string {
	return fmt.Sprintf("gather: %v pad %d mean %v std %v", o.dtype, o.Pad, o.Mean, o.Std)
}

func (o gather) Kinds(n int) []Kind { return []Kind{Plain, Plain, Plain, Plain}[:n] }

func (o gather) Infer(in []Spec) ([]Spec, error) {
	images, labels, index := in[0], in[1], in[2]
	if len(images.Shape) != 4 || images.Dtype != tensor.Uint8 {
		return nil, fmt.Errorf("images %v: want uint8 (M, C, H, W)", images)
	}
	if n := images.Shape[1]; n != len(o.Mean) && o.Normalization != (Normalization{}) {
		return nil, fmt.Errorf("images of %d channels, normalisation of %d", n, len(o.Mean))
	}
	if !labels.Shape.Eq(images.Shape[:1]) || labels.Dtype != tensor.Int32 {
		return nil, fmt.Errorf("labels %v: want int32 (%d)", labels, images.Shape[0])
	}
	if len(index.Shape) != 1 || index.Dtype != tensor.Int32 {
		return nil, fmt.Errorf("index %v: want int32 (N)", index)
	}
	n := index.Shape[0]
	if len(in) == 4 && (!in[3].Shape.Eq(tensor.Shape{n, 3}) || in[3].Dtype != tensor.Int32) {
		return nil, fmt.Errorf("window %v: want int32 (%d, 3)", in[3], n)
	}
	x := Spec{Activation, o.dtype, tensor.Shape{n, images.Shape[1], images.Shape[2], images.Shape[3]}}
	return []Spec{x, {Plain, tensor.Int32, tensor.Shape{n}}}, sameDtype([]Spec{x})
}

func (o gather) Run(k Kernels, out, in []Tensor) {
	k.Gather(o.Gathering, out[0], out[1], in[0], in[1], in[2], optional(in, 3))
}
