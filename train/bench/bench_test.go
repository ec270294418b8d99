package bench

import (
	"testing"

	"largestep/nets/op"
	"largestep/train/trainer"
)

// What is measured is training: the loss changes from step to step.
func TestStepTrains(t *testing.T) {
	for _, o := range []Options{{Side: 32, Classes: 10}, {Side: 20, Classes: 300}} {
		o.Net, o.Width, o.Batch, o.Precision = "resnet18", 4, 4, "fp32"
		step, index, err := prepare(op.Reference{}, o)
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
}
