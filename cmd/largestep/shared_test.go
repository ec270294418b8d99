package main

import "testing"

// The runs of a figure, of which some begin as others do, end as those that were
// trained alone: on two jobs, with momentum and augmentation.
func TestFigureAgainstRunsAlone(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, append([]string{"figure", "sota", "--out", "f", "--jobs", "2"}, threeEpochs...)...)
	for _, run := range []string{"small-eta-seed0", "large-eta-decay10-seed0", "large-eta-decay30-seed0", "large-eta-decay50-seed0"} {
		succeed(t, "train", "--config", "f/"+run+"/config.json", "--out", run)
		sameEnd(t, run, "f/"+run)
	}
}
