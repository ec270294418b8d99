package run

import (
	"os"
	"path/filepath"
	"testing"

	"largestep/train/safetensors"
)

func TestStepOf(t *testing.T) {
	weight, counter := safetensors.FromFloat32("w", []int{1}, []float32{1}), safetensors.FromInt64("bn1.num_batches_tracked", nil, []int64{77})
	for name, c := range map[string]struct {
		tensors  []safetensors.Tensor
		metadata map[string]string
		step     int
		known    bool
	}{
		"checkpoint": {[]safetensors.Tensor{weight, counter}, map[string]string{positionKey: `{"step": 12}`}, 12, true},
		"phase":      {[]safetensors.Tensor{weight, counter}, nil, 77, true},
		"neither":    {[]safetensors.Tensor{weight}, nil, 0, false},
	} {
		path := filepath.Join(t.TempDir(), "x.safetensors")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := safetensors.Write(f, c.tensors, c.metadata); err != nil {
			t.Fatal(err)
		}
		f.Close()
		if step, known, err := StepOf(path); err != nil || step != c.step || known != c.known {
			t.Errorf("%s: step %d, %v, %v", name, step, known, err)
		}
	}
	if _, _, err := StepOf("nowhere"); err == nil {
		t.Error("no error of a file that there is not")
	}
}
