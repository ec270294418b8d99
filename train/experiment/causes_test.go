package experiment

import (
	"testing"

	"largestep/data"
	"largestep/train/catalog"
	"largestep/train/instances"
	"largestep/train/run"
)

// All runs of the figures of causes are valid, and on images at all scales; each
// cause is in a run of its own, and all runs end with the same step size but those of
// a large one of images.
func TestCauses(t *testing.T) {
	for _, kind := range []instances.Kind{instances.Paper, instances.Random} {
		f := SmallFigure{}
		for _, g := range smallFigures {
			if g.Name == "diagonal-causes" {
				f = g
			}
		}
		plan, err := f.Plan(Order{Instance: string(kind)})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range plan.Settings {
			c := s.Runs[0].Config
			if err := f.Problem().Validate(c); err != nil {
				t.Errorf("%s: %v", s.Label, err)
			}
			if last := c.StepSize(c.Steps() - 1); last != smallDiagonal {
				t.Errorf("%s: it ends with the step size %g, want %g", s.Label, last, smallDiagonal)
			}
			if causes(c, smallDiagonal) > 1 {
				t.Errorf("%s: several causes", s.Label)
			}
			random := c.Sampling != data.Full || !c.GradientNoise.IsZero() || kind == instances.Random
			if n := len(s.Runs); (n > 1) != random {
				t.Errorf("%s, %s instance: %d runs", s.Label, kind, n)
			}
		}
	}
	for _, scale := range catalog.Scales {
		base := scale.Config(resNet18.Name)
		causesSetting(&base)
		size := stepSizes["causes"][scale.Name]
		list := imageCauses(base, size)
		for i, c := range list {
			if err := resNet18.Validate(c.config); err != nil {
				t.Errorf("%s, %s: %v", scale.Name, c.label, err)
			}
			n := causes(c.config, size.Small)
			if c.config.Batch != base.Batch {
				n++
			}
			if want := min(i, 1); n != want {
				t.Errorf("%s, %s: %d causes, want %d", scale.Name, c.label, n, want)
			}
		}
	}
}

// causes counts those of a run that are not the size of its mini-batch.
func causes(c run.Config, small float64) (n int) {
	for _, is := range []bool{c.Schedule.First() != small, c.LabelNoise > 0, !c.GradientNoise.IsZero(), c.SAM > 0, c.WeightDecay > 0} {
		if is {
			n++
		}
	}
	return n
}
