package pytorch

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"largestep/train/safetensors"
)

const (
	maxDims = 64

	// maxShared bounds the bytes of all tensors, in file sizes: any number can
	// share a storage.
	maxShared = 4
)

// storage is an array that the archive holds.
type storage struct {
	key    string
	format string
	n      int64 // elements
}

// tensor is a view of a storage: element (i₁, i₂, …) is at offset + Σ iₖ strideₖ.
type tensor struct {
	storage *storage
	format  string
	offset  int64
	shape   []int64
	strides []int64
}

// newStorage makes a storage of a persistent id: ("storage", class, key, device,
// elements).
func newStorage(id any) (any, error) {
	t, ok := id.(tuple)
	if !ok || len(t) != 5 || t[0] != "storage" {
		return nil, errors.New("a persistent id that is not of a storage")
	}
	c, isClass := t[1].(class)
	key, isKey := t[2].(string)
	n, isInt := t[4].(int64)
	format, known := storageClasses[c]
	if !isClass || !known || !isKey || !isInt || n < 0 {
		return nil, errors.New("a storage without class, key or length")
	}
	return &storage{key, format, n}, nil
}

// rebuildTensor makes a tensor of (storage, offset, shape, strides, requires_grad,
// hooks), and of metadata, where some bit is set that changes what the bytes mean.
func rebuildTensor(args tuple) (any, error) {
	s, ok := args[0].(*storage)
	if !ok {
		return nil, fmt.Errorf("a tensor of %s", describe(args[0]))
	}
	return newTensor(s, s.format, args[1:4], args[6:])
}

// rebuildTyped has the format as another argument before the metadata, since it
// views a storage of bytes.
func rebuildTyped(args tuple) (any, error) {
	s, ok := args[0].(*storage)
	c, isClass := args[6].(class)
	if !ok || !isClass {
		return nil, fmt.Errorf("a tensor of %s in the format %s", describe(args[0]), describe(args[6]))
	}
	return newTensor(s, strings.TrimPrefix(string(c), "torch."), args[1:4], args[7:])
}

func newTensor(s *storage, format string, geometry, metadata tuple) (any, error) {
	for _, m := range metadata {
		if d, ok := m.(*dict); m != nil && !(ok && len(d.keys) == 0) {
			return nil, errors.New("a tensor that is negated or conjugated when it is read: save its .resolve_neg().resolve_conj()")
		}
	}
	offset, ok := geometry[0].(int64)
	shape, isShape := integers(geometry[1])
	strides, isStrides := integers(geometry[2])
	if !ok || offset < 0 || !isShape || !isStrides || len(shape) != len(strides) || len(shape) > maxDims {
		return nil, errors.New("a tensor whose offset, shape or strides are none")
	}
	return &tensor{s, format, offset, shape, strides}, nil
}

// integers are those of a tuple, if there is nothing else in it, nor less than 0.
func integers(v any) ([]int64, bool) {
	t, ok := v.(tuple)
	out := make([]int64, len(t))
	for i := range t {
		n, isInt := t[i].(int64)
		if !isInt || n < 0 {
			return nil, false
		}
		out[i] = n
	}
	return out, ok
}

// tensors reads the tensors of a state_dict.
func (a *archive) tensors(d *dict) ([]safetensors.Tensor, error) {
	out := make([]safetensors.Tensor, 0, len(d.keys))
	seen := map[string]bool{}
	for i, key := range d.keys {
		name, ok := key.(string)
		t, isTensor := d.values[i].(*tensor)
		switch {
		case !ok:
			return nil, fmt.Errorf("the state_dict has %s for a name", describe(key))
		case !isTensor:
			return nil, fmt.Errorf("%q is %s, not a tensor: save model.state_dict() alone", name, describe(d.values[i]))
		case seen[name]:
			return nil, fmt.Errorf("tensor %q is there twice", name)
		}
		seen[name] = true
		read, err := a.tensor(t)
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		read.Name = name
		out = append(out, read)
	}
	return out, nil
}

// tensor reads a tensor without its name.
func (a *archive) tensor(t *tensor) (safetensors.Tensor, error) {
	dtype, ok := formats[t.format]
	if !ok {
		return safetensors.Tensor{}, fmt.Errorf("is torch.%s, want float32, float64, float16, bfloat16 or int64", t.format)
	}
	size := int64(dtype.Size())
	b, err := a.storage(t.storage.key)
	if err != nil {
		return safetensors.Tensor{}, err
	}
	if err := t.storage.check(int64(len(b))); err != nil {
		return safetensors.Tensor{}, err
	}
	n, err := t.elements(int64(len(b)) / size)
	if err != nil {
		return safetensors.Tensor{}, err
	}
	shape := make([]int, len(t.shape))
	for i, dim := range t.shape {
		if shape[i] = int(dim); int64(shape[i]) != dim {
			return safetensors.Tensor{}, fmt.Errorf("shape %v is too large", t.shape)
		}
	}
	if a.total += n * size; a.total > maxShared*a.size {
		return safetensors.Tensor{}, fmt.Errorf("with it the tensors have more than %d times the file's size: save those that share a storage .clone()d", maxShared)
	}
	switch {
	case n == 0:
		return safetensors.Tensor{DType: dtype, Shape: shape}, nil
	case t.contiguous():
		begin, end := t.offset*size, (t.offset+n)*size
		return safetensors.Tensor{DType: dtype, Shape: shape, Data: b[begin:end:end]}, nil
	}
	return safetensors.Tensor{DType: dtype, Shape: shape, Data: t.gather(b, n, size)}, nil
}

// check holds a storage's length against the number of its bytes.
func (s *storage) check(size int64) error {
	width := int64(1)
	if s.format != untyped {
		width = int64(formats[s.format].Size())
	}
	if width == 0 || size%width != 0 || size/width != s.n {
		return fmt.Errorf("storage %s has %d bytes, want %d elements of %s: truncated?", s.key, size, s.n, s.format)
	}
	return nil
}

// elements is the number of elements, which must lie within the n of the storage
// and be no more.
func (t *tensor) elements(n int64) (int64, error) {
	if slices.Contains(t.shape, 0) {
		return 0, nil
	}
	count, last := int64(1), t.offset
	for i, dim := range t.shape {
		if dim > n/count {
			return 0, fmt.Errorf("shape %v has more elements than the storage's %d: save it .contiguous()", t.shape, n)
		}
		count *= dim
		if dim > 1 && t.strides[i] > (math.MaxInt64-last)/(dim-1) {
			return 0, fmt.Errorf("strides %v are too large", t.strides)
		}
		last += (dim - 1) * t.strides[i]
	}
	if last >= n {
		return 0, fmt.Errorf("shape %v, strides %v and offset %d reach beyond the storage's %d elements", t.shape, t.strides, t.offset, n)
	}
	return count, nil
}

// contiguous tells whether the elements lie in row-major order without gaps.
func (t *tensor) contiguous() bool {
	want := int64(1)
	for i, dim := range slices.Backward(t.shape) {
		if dim > 1 && t.strides[i] != want {
			return false
		}
		want *= dim
	}
	return true
}

// gather copies n elements of size bytes to row-major order.
func (t *tensor) gather(b []byte, n, size int64) []byte {
	out := make([]byte, 0, n*size)
	index := make([]int64, len(t.shape))
	at := t.offset
	for range n {
		out = append(out, b[at*size:(at+1)*size]...)
		for k, dim := range slices.Backward(t.shape) {
			index[k]++
			at += t.strides[k]
			if index[k] < dim {
				break
			}
			at -= dim * t.strides[k]
			index[k] = 0
		}
	}
	return out
}
