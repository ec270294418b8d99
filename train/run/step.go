package run

import (
	"encoding/json"
	"fmt"
	"strings"

	"largestep/train/safetensors"
)

// batchesTracked is PyTorch's counter of training steps, of nets with batch norm.
const batchesTracked = ".num_batches_tracked"

// StepOf is the step after which a run saved a file of its parameters; known is false
// if the file does not say so.
func StepOf(path string) (step int, known bool, err error) {
	tensors, metadata, err := safetensors.ReadFile(path)
	if err != nil {
		return 0, false, err
	}
	if text := metadata[positionKey]; text != "" {
		var p Position
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			return 0, false, fmt.Errorf("%s: metadata %q: %w", path, positionKey, err)
		}
		return p.Step, true, nil
	}
	for _, t := range tensors {
		if !strings.HasSuffix(t.Name, batchesTracked) {
			continue
		}
		n, err := t.Int64s()
		if err == nil && len(n) == 1 && n[0] >= 0 && n[0] <= maxSteps {
			return int(n[0]), true, nil
		}
	}
	return 0, false, nil
}
