// Package weights brings the parameters of a net from whatever file has them,
// safetensors or what torch.save writes, to an engine, and back. It gives them the
// names that the nets here have, which are those of PyTorch's nets for CIFAR.
package weights

import (
	"fmt"
	"io"
	"maps"
	"path/filepath"

	"largestep/metrics/atomicfile"
	"largestep/train/pytorch"
	"largestep/train/safetensors"
)

// File is what a file of parameters holds.
type File struct {
	Tensors  []safetensors.Tensor
	Metadata map[string]string // of a safetensors file

	// Changes tell a person how Tensors differ from what the file says, such as
	// `"module." taken off the names`.
	Changes []string
}

// ReadFile reads a file of parameters. Its content tells the format, not its name.
// Errors name the file and the tensor.
func ReadFile(path string) (file *File, err error) {
	err = safetensors.With(path, func(r io.ReaderAt, size int64) error {
		file, err = read(r, size)
		return err
	})
	return file, err
}

func read(r io.ReaderAt, size int64) (*File, error) {
	start := make([]byte, min(size, pytorch.MagicLength))
	if _, err := r.ReadAt(start, 0); err != nil && err != io.EOF {
		return nil, err
	}
	var tensors []safetensors.Tensor
	var metadata map[string]string
	var changes []string
	var err error
	if pytorch.Recognize(start) {
		var under string
		if tensors, under, err = pytorch.Read(r, size); under != "" {
			changes = append(changes, fmt.Sprintf("found under %q", under))
		}
	} else {
		tensors, metadata, err = safetensors.Read(r, size)
	}
	if err != nil {
		return nil, err
	}
	tensors, renamed := translate(tensors)
	return &File{tensors, metadata, append(changes, renamed...)}, nil
}

// WriteFile writes tensors as the extension of path says: .safetensors, with the
// metadata, or .pt or .pth, which torch.load(weights_only=True) takes.
func WriteFile(path string, tensors []safetensors.Tensor, metadata map[string]string) error {
	var write func(w io.Writer) error
	switch filepath.Ext(path) {
	case ".safetensors":
		all := map[string]string{"format": "pt"} // what PyTorch's tools look for
		maps.Copy(all, metadata)
		sealed, err := safetensors.Sealed(tensors, all)
		if err != nil {
			return err
		}
		write = func(w io.Writer) error { return safetensors.Write(w, tensors, sealed) }
	case ".pt", ".pth":
		write = func(w io.Writer) error { return pytorch.Write(w, tensors) }
	default:
		return fmt.Errorf("%s: want a name that ends in .safetensors, .pt or .pth", path)
	}
	return atomicfile.Write(path, write)
}
