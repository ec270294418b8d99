package bench

import (
	"testing"

	"largestep/nets/op"
	"largestep/train/trainer"
)

// What is measured is training: the loss changes from step to step.
func TestStepTrains(t *testing.T) {
	step, index, err := prepare(op.Reference{}, Options{Net: "resnet18", Width: 4, Batch: 4, Precision: "fp32"})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := step.Run(trainer.MiniBatch{Index: index}, stepSize); err != nil {
			t.Fatal(err)
		}
	}
	losses, err := step.Losses()
	if err != nil || len(losses) != 3 || losses[0] == losses[1] || losses[1] == losses[2] {
		t.Errorf("losses %v, %v", losses, err)
	}
}
