package trainer_test

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"largestep/data"
	"largestep/nets"
	"largestep/train/machine"
	"largestep/train/machine/cpu/cputest"
	"largestep/train/problem"
	"largestep/train/run"
	"largestep/train/safetensors"
	"largestep/train/schedule"
	"largestep/train/trainer"
)

// The setting of scripts/compare-pytorch.py.
const (
	pytorchWidth = 16
	pytorchBatch = 32
	pytorchSteps = 20
	pytorchTest  = 64
)

// uniform is n numbers in [0, 1) by a linear congruential generator that is
// seeded by the CRC-32 of the name, as in scripts/compare-pytorch.py.
func uniform(name string, n int) []float64 {
	x := crc32.ChecksumIEEE([]byte(name))
	out := make([]float64, n)
	for i := range out {
		x = x*1664525 + 1013904223
		out[i] = float64(x) / (1 << 32)
	}
	return out
}

// pytorchInit writes the initial parameters to a file.
func pytorchInit(t *testing.T, set *data.Dataset) string {
	t.Helper()
	net, err := nets.NewResNet18(pytorchWidth, 10)
	check(t, err)
	step, err := trainer.NewStep(machine.NewVariables(cputest.New(t, 2)), &problem.Images{Net: net, Data: set}, trainer.StepOptions{Batch: pytorchBatch, Parts: 1})
	check(t, err)
	var tensors []safetensors.Tensor
	for _, v := range step.Model.Variables {
		x := make([]float64, v.Len())
		switch {
		case len(v.Shape) > 1:
			fanOut := float64(v.Len() / v.Shape[1])
			for i, u := range uniform(v.Name, len(x)) {
				x[i] = (2*u - 1) * math.Sqrt(6/fanOut)
			}
		case strings.HasSuffix(v.Name, ".weight") || strings.HasSuffix(v.Name, ".running_var"):
			for i := range x {
				x[i] = 1
			}
		}
		x32 := make([]float32, len(x))
		for i := range x {
			x32[i] = float32(x[i])
		}
		tensors = append(tensors, safetensors.FromFloat32(v.Name, v.Shape, x32))
	}
	path := filepath.Join(t.TempDir(), "init.safetensors")
	f, err := os.Create(path)
	check(t, err)
	check(t, safetensors.Write(f, tensors, nil))
	check(t, f.Close())
	return path
}

func pytorchImages(part string, n int) *data.Images {
	im := &data.Images{Side: 32, Labels: make([]int32, n)}
	im.Pixels = make([]uint8, n*im.ImageBytes())
	for i, u := range uniform(part+" pixels", len(im.Pixels)) {
		im.Pixels[i] = uint8(u * 256)
	}
	for i, u := range uniform(part+" labels", n) {
		im.Labels[i] = int32(u * 10)
	}
	for i := range 10 {
		im.Classes = append(im.Classes, fmt.Sprintf("class%d", i))
	}
	return im
}

// From equal weights and on equal mini-batches, 20 steps of ResNet-18 have the
// losses that PyTorch had; "scripts/compare-pytorch.py --write" recorded them.
func TestLossesOfPyTorch(t *testing.T) {
	b, err := os.ReadFile("testdata/pytorch-losses.json")
	check(t, err)
	recorded := map[string]json.RawMessage{}
	check(t, json.Unmarshal(b, &recorded))
	set := &data.Dataset{
		Name: "random", Train: pytorchImages("train", pytorchSteps*pytorchBatch), Test: pytorchImages("test", pytorchTest),
	}
	for key, momentum := range map[string]float64{"momentum 0.0": 0, "momentum 0.9": 0.9} {
		var want []float64
		check(t, json.Unmarshal(recorded[key], &want))
		o := optionsOf(t, run.Config{
			Net: "resnet18", Width: pytorchWidth, Dataset: "random", TrainSize: set.Train.Len(), TestSize: set.Test.Len(),
			Sampling: data.Sequential, Batch: pytorchBatch, Epochs: 1, Schedule: schedule.Constant(1e-4),
			Momentum: momentum, WeightDecay: 5e-4, EvalEvery: 1, LogSteps: true, Precision: "fp32",
		}, set)
		o.Init = pytorchInit(t, set)
		runAll(t, o)
		got := stepRows(t, o.Dir)
		if len(got) != pytorchSteps || len(want) != pytorchSteps {
			t.Fatalf("%s: %d steps, PyTorch %d", key, len(got), len(want))
		}
		worst := 0.0
		for i, w := range want {
			worst = max(worst, math.Abs(got[i].BatchLoss-w)/w)
		}
		t.Logf("%s: largest relative difference %.2g", key, worst)
		if !(worst <= 1e-3) {
			t.Errorf("%s: losses %v, PyTorch's %v: relative difference %.2g, want 1e-3", key, got, want, worst)
		}
	}
}
