package bench

import (
	"testing"

	"largestep/nets"
	"largestep/nets/op"
	"largestep/train"
)

// What is measured is training: the loss changes from step to step.
func TestStepTrains(t *testing.T) {
	c := config(Options{Width: 4, Batch: 4, Precision: "fp32"})
	net, err := nets.NewResNet18(c.Width, 10)
	if err != nil {
		t.Fatal(err)
	}
	step, index, err := prepare(op.Reference{}, net, c)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := step.Run(train.MiniBatch{Index: index}, c.StepSize); err != nil {
			t.Fatal(err)
		}
	}
	losses, err := step.Losses()
	if err != nil || len(losses) != 3 || losses[0] == losses[1] || losses[1] == losses[2] {
		t.Errorf("losses %v, %v", losses, err)
	}
}
