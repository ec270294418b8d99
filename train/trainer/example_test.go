package trainer_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"gorgonia.org/gorgonia"
	"largestep/data"
	"largestep/nets"
	"largestep/train/machine/cpu"
	"largestep/train/problem"
	"largestep/train/run"
	"largestep/train/schedule"
	"largestep/train/trainer"
)

// smallNet is a convolution, batch norm, ReLU, a pool, and a linear layer.
type smallNet struct{}

func (smallNet) Output(m *nets.Model, x *gorgonia.Node) (*gorgonia.Node, error) {
	x, err := m.Convolution("conv", x, 8, 3, 2)
	if err != nil {
		return nil, err
	}
	if x, err = m.BatchNorm("norm", x, nil, true); err != nil {
		return nil, err
	}
	m.Tap(x) // a feature, whose active share is recorded
	if x, err = m.AveragePool(x); err != nil {
		return nil, err
	}
	return m.Dense("linear", x, 2, nets.UniformFanIn(8), nets.Constant(0))
}

// A network of one's own on images of one's own.
func ExampleRun() {
	images := &data.Images{Side: 32, Classes: []string{"dark", "bright"}}
	for i := range 64 {
		images.Labels = append(images.Labels, int32(i%2))
		for p := range 3 * 32 * 32 {
			images.Pixels = append(images.Pixels, uint8(120*(i%2)+(i*p)%100))
		}
	}
	p := &problem.Images{Net: smallNet{}, Data: &data.Dataset{Train: images, Test: images}}
	c := run.Config{
		Net: "small-net", Dataset: "brightness", TrainSize: 64, TestSize: 64, Batch: 16, Epochs: 10,
		Schedule: schedule.Constant(0.5), Sampling: data.Shuffle, EvalEvery: 5, Precision: "fp32",
	}
	e := cpu.New(2)
	defer e.Close()
	defer os.RemoveAll("example-run")
	status, err := trainer.Run(context.Background(), trainer.Options{Config: c, Dir: "example-run", Problem: p, Engine: e, CheckpointEvery: time.Minute})
	fmt.Println(status.State, "at step", status.Step, err)
	// Output: finished at step 40 <nil>
}
