package weights

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"

	"gonum.org/v1/gonum/floats"
	"gorgonia.org/tensor"
	"largestep/nets"
	"largestep/train/machine"
	"largestep/train/safetensors"
)

const (
	runningVar     = ".running_var"
	batchesTracked = ".num_batches_tracked" // PyTorch's counter of training steps
)

// Export reads the network's variables from the engine after the given number
// of steps.
func Export(vars *machine.Variables, variables []*nets.Variable, steps int) ([]safetensors.Tensor, error) {
	var out []safetensors.Tensor
	for _, v := range variables {
		if v.FoldedInto != "" {
			out = append(out, safetensors.FromFloat32(v.Name, v.Shape, make([]float32, v.Len())))
			continue
		}
		t, err := Download(vars, v.Name)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
		if layer, ok := strings.CutSuffix(v.Name, runningVar); ok {
			out = append(out, safetensors.FromInt64(layer+batchesTracked, nil, []int64{int64(steps)}))
		}
	}
	return out, nil
}

// Download reads one variable from the engine.
func Download(vars *machine.Variables, name string) (safetensors.Tensor, error) {
	spec, ok := vars.Spec(name)
	if !ok {
		return safetensors.Tensor{}, fmt.Errorf("no variable %q", name)
	}
	if spec.Dtype == tensor.Float64 {
		x := make([]float64, spec.Len())
		err := vars.Get(name, x)
		return safetensors.FromFloat64(name, spec.Shape, x), err
	}
	x := make([]float32, spec.Len())
	err := vars.Get(name, x)
	return safetensors.FromFloat32(name, spec.Shape, x), err
}

// upload fills a variable from a tensor of the same shape.
func upload(vars *machine.Variables, t safetensors.Tensor) error {
	spec, ok := vars.Spec(t.Name)
	if !ok {
		return fmt.Errorf("no variable %q", t.Name)
	}
	if !slices.Equal(t.Shape, []int(spec.Shape)) {
		return fmt.Errorf("%s is %v, want %v: a checkpoint of another width or net?", t.Name, t.Shape, spec.Shape)
	}
	x, err := t.Float64s()
	if err != nil {
		return err
	}
	for i, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%s holds %g at element %d: the training that wrote it diverged?", t.Name, v, i)
		}
		if v < 0 && strings.HasSuffix(t.Name, runningVar) {
			return fmt.Errorf("%s holds %g at element %d, and a variance is 0 or more: the file is damaged?", t.Name, v, i)
		}
	}
	return vars.SetFloats(t.Name, x)
}

// Import fills all of the network's variables.
func Import(vars *machine.Variables, variables []*nets.Variable, tensors []safetensors.Tensor) error {
	counter := func(t safetensors.Tensor) bool { return strings.HasSuffix(t.Name, batchesTracked) }
	tensors = slices.DeleteFunc(slices.Clone(tensors), counter)
	var names []string
	for _, v := range variables {
		if v.FoldedInto == "" {
			names = append(names, v.Name)
			continue
		}
		var err error
		if tensors, err = fold(tensors, v); err != nil {
			return err
		}
	}
	return Fill(vars, names, tensors)
}

// fold takes a bias out of the tensors and off the running mean that follows it; a
// file may lack it.
func fold(tensors []safetensors.Tensor, v *nets.Variable) ([]safetensors.Tensor, error) {
	find := func(name string) int {
		return slices.IndexFunc(tensors, func(t safetensors.Tensor) bool { return t.Name == name })
	}
	i, j := find(v.Name), find(v.FoldedInto)
	if i < 0 || j < 0 {
		return tensors, nil // Fill says what is missing
	}
	bias, err1 := tensors[i].Float64s()
	mean, err2 := tensors[j].Float64s()
	if err := cmp.Or(err1, err2); err != nil {
		return nil, err
	}
	if len(bias) != v.Len() || len(mean) != v.Len() {
		return nil, fmt.Errorf("%s is %v, want %v: a checkpoint of another width or net?", v.Name, tensors[i].Shape, v.Shape)
	}
	floats.Sub(mean, bias)
	tensors[j] = safetensors.FromFloat64(v.FoldedInto, tensors[j].Shape, mean)
	return slices.Delete(tensors, i, i+1), nil
}

// Fill fills the variables of the given names; each must be there, and nothing
// else.
func Fill(vars *machine.Variables, names []string, tensors []safetensors.Tensor) error {
	byName := map[string]safetensors.Tensor{}
	for _, t := range tensors {
		byName[t.Name] = t
	}
	for _, name := range names {
		t, ok := byName[name]
		if !ok {
			return fmt.Errorf("no tensor %s: a checkpoint of another net?", name)
		}
		if err := upload(vars, t); err != nil {
			return err
		}
		delete(byName, name)
	}
	if len(byName) > 0 {
		return fmt.Errorf("tensor %s does not belong to this net", slices.Min(slices.Collect(maps.Keys(byName))))
	}
	return nil
}

// Initialize draws the network's first values from the seed.
func Initialize(vars *machine.Variables, variables []*nets.Variable, seed uint64) error {
	for _, v := range variables {
		if v.FoldedInto != "" {
			continue
		}
		t := safetensors.FromFloat64(v.Name, v.Shape, v.Initial(seed))
		if err := upload(vars, t); err != nil {
			return err
		}
	}
	return nil
}

// Checksum is the SHA-256 of a file in hexadecimal.
func Checksum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
