package trainer_test

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"largestep/data"
	"largestep/metrics/record"
	"largestep/nets/op"
	"largestep/train/catalog"
	"largestep/train/machine/cpu/cputest"
	"largestep/train/run"
)

// particular is an engine that evaluates seven images at once, and has a choice to
// tell of each time that it is asked.
type particular struct {
	op.Engine
	choices []string
	batches []int // that it gathered
}

func (e *particular) Gather(g op.Gathering, x, y, images, labels, index, window op.Tensor) {
	e.batches = append(e.batches, x.Shape[0])
	e.Engine.Gather(g, x, y, images, labels, index, window)
}

func (e *particular) EvaluationBatch() int { return 7 }

func (e *particular) Chosen() []string {
	e.choices = append(e.choices, "choice "+strings.Repeat("I", len(e.choices)+1)+".")
	return e.choices
}

// The log of a run has each choice of the engine once.
func TestChoicesAreLogged(t *testing.T) {
	o := options(t, small())
	o.Engine = &particular{Engine: o.Engine}
	runAll(t, o)
	log, err := os.ReadFile(filepath.Join(o.Dir, record.LogFile))
	check(t, err)
	for _, choice := range []string{"choice I.", "choice II.", "choice III."} { // one for each evaluation
		if strings.Count(string(log), choice) != 1 {
			t.Errorf("the log does not have once %q:\n%s", choice, log)
		}
	}
}

// The engine says how many images are evaluated at once, on which the result does
// not depend.
func TestEngineChoosesTheEvaluationBatch(t *testing.T) {
	o := options(t, small())
	runAll(t, o)
	net, err := catalog.OpenNet(filepath.Join(o.Dir, run.CheckpointFile))
	check(t, err)
	images := data.MadeUp(2, 1, 25).Test
	e := &particular{Engine: cputest.New(t, 2)}
	got, err := net.Evaluate(e, images, data.Normalization{}, nil)
	check(t, err)
	want, err := net.Evaluate(cputest.New(t, 2), images, data.Normalization{}, nil)
	check(t, err)
	if math.Abs(got.Loss-want.Loss) > 1e-5*want.Loss || got.Error != want.Error {
		t.Errorf("result %+v, want %+v", got, want)
	}
	if !slices.Equal(e.batches, []int{7, 7, 7, 7}) {
		t.Errorf("25 images in mini-batches of %v, want 7", e.batches)
	}
}
