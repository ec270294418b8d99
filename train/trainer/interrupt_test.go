package trainer_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"largestep/data"
	"largestep/nets/op"
	"largestep/train/run"
	"largestep/train/safetensors"
	"largestep/train/trainer"
)

// patient is an engine that ends a context with the left-th of the kernels that take
// long, and counts those that come after it.
type patient struct {
	op.Engine
	left, late int
	end        func()
}

func (e *patient) tick() {
	switch e.left--; {
	case e.left == 0:
		e.end()
	case e.left < 0:
		e.late++
	}
}

func (e *patient) Conv(c op.Convolution, y, x, w op.Tensor) {
	e.tick()
	e.Engine.Conv(c, y, x, w)
}

func (e *patient) ConvBackwardFilter(c op.Convolution, dw, dy, x op.Tensor) {
	e.tick()
	e.Engine.ConvBackwardFilter(c, dw, dy, x)
}

func (e *patient) BatchNorm(b op.BatchNorm, r op.BatchNormResults, x, gamma, beta, residual op.Tensor) {
	e.tick()
	e.Engine.BatchNorm(b, r, x, gamma, beta, residual)
}

// A context that ends during a kernel ends the training with it, in a step, between
// the parts of one, or in an evaluation; it goes on from there to the same end.
func TestInterruptWithinSteps(t *testing.T) {
	every := 29
	if testing.Short() { // under the race detector
		every = 173
	}
	for name, slow := range map[string]time.Duration{"slow": 0, "quick": time.Hour} {
		for _, how := range []struct {
			sampling data.Sampling
			sam      float64
		}{{data.Shuffle, 0}, {data.Full, 0}, {data.Shuffle, 0.1}} {
			sampling := how.sampling
			t.Run(fmt.Sprint(name, " ", sampling, how.sam), func(t *testing.T) {
				defer func(old time.Duration) { *trainer.SlowPart = old }(*trainer.SlowPart)
				*trainer.SlowPart = slow
				c := small()
				c.SAM = how.sam
				c.Momentum, c.Augment, c.Sampling, c.Batch, c.Epochs = 0.9, true, sampling, 16, 2
				if sampling == data.Shuffle {
					c.TrainSize = 32
				}
				o := options(t, c)
				e := &patient{Engine: o.Engine}
				o.Engine = e
				runAll(t, o)
				kernels, within := -e.left, 0
				for n := 5; n < kernels; n += every {
					again := o
					again.Dir, again.Resume = filepath.Join(filepath.Dir(o.Dir), fmt.Sprint(n)), true
					ctx, cancel := context.WithCancel(context.Background())
					*e = patient{Engine: e.Engine, left: n, end: cancel}
					status, err := trainer.Run(ctx, again)
					if !errors.Is(err, trainer.ErrInterrupted) {
						t.Fatalf("kernel %d of %d: %+v, %v", n, kernels, status, err)
					}
					if slow == 0 && e.late > 0 {
						t.Errorf("kernel %d of %d: %d more after it", n, kernels, e.late)
					}
					metadata, err := safetensors.ReadMetadata(filepath.Join(again.Dir, run.CheckpointFile))
					check(t, err)
					if p := metadata["largestep"]; len(p) > 0 && strings.Contains(p, `"part":`) {
						within++
					}
					*e = patient{Engine: e.Engine}
					runAll(t, again)
					sameRun(t, o.Dir, again.Dir)
				}
				if (within > 0) != (sampling == data.Full) {
					t.Errorf("%d of the checkpoints are within a step", within)
				}
			})
		}
	}
}

// A checkpoint is taken when its time has come, however seldom it is evaluated.
func TestCheckpointsBetweenEvaluations(t *testing.T) {
	c := small()
	c.Epochs, c.EvalEvery = 3, 3
	o := options(t, c)
	o.CheckpointEvery = 0
	e := &patient{Engine: o.Engine}
	o.Engine = e
	runAll(t, o)
	seen := map[int]bool{}
	o.Dir = filepath.Join(filepath.Dir(o.Dir), "again")
	for n := 300; n < -e.left; n += 100 {
		again := o
		again.Dir = filepath.Join(filepath.Dir(o.Dir), fmt.Sprint(n))
		again.Engine = &patient{Engine: e.Engine, left: n, end: func() { panic("killed") }}
		func() {
			defer func() { recover() }()
			trainer.Run(context.Background(), again)
		}()
		checkpoint, _, err := run.LoadCheckpoint(again.Dir, false)
		check(t, err)
		if checkpoint == nil {
			t.Fatalf("no checkpoint when kernel %d began", n)
		}
		seen[checkpoint.Step] = true
	}
	if len(seen) < 5 {
		t.Errorf("checkpoints of steps %v", seen)
	}
}

// The search for the edge ends with its context, within a step.
func TestInterruptOfTheEdge(t *testing.T) {
	defer func(old time.Duration) { *trainer.SlowPart = old }(*trainer.SlowPart)
	*trainer.SlowPart = 0
	o := options(t, small())
	ctx, cancel := context.WithCancel(context.Background())
	e := &patient{Engine: o.Engine, left: 333, end: cancel}
	search := trainer.Edge{Engine: e, Problem: o.Problem, Config: o.Config, Steps: 100, Tolerance: 0.1}
	if edge, err := search.Find(ctx); !errors.Is(err, trainer.ErrInterrupted) || e.late > 0 {
		t.Errorf("edge %g, %v; %d kernels after the end", edge, err, e.late)
	}
}
