package experiment

import (
	"encoding/json"
	"testing"

	"largestep/data"
	"largestep/metrics/record"
	"largestep/train/catalog"
	"largestep/train/run"
)

// recordOf is the record of a run that has a config and nothing else.
func recordOf(t *testing.T, c run.Config) *record.Run {
	t.Helper()
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	r := &record.Run{Config: record.Config{Net: c.Net, Dataset: c.Dataset, Exact: c.Schedule.Exact()}}
	if err := json.Unmarshal(b, &r.Config.Options); err != nil {
		t.Fatal(err)
	}
	return r
}

// A run is set beside the numbers of its own setting, whatever its seed, its format and
// the copy of its data; one that differs in anything else is not.
func TestComparedIsOfTheSameSetting(t *testing.T) {
	paper, err := catalog.ScaleNamed("paper")
	if err != nil {
		t.Fatal(err)
	}
	base := paper.Config("resnet18")
	base.Dataset = "cifar10-jpeg"
	settings, err := imageFigures[0].settings(base, imageFigures[0].StepSizes(paper), 7, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{0.353, 0.136, 0.131, 0.119} {
		c := settings[i].Runs[0].Config
		c.Precision, c.LogSteps, c.EvalEvery = "bf16", true, 5
		refs := Compared(recordOf(t, c))
		if len(refs) != 1 || len(refs[0].Finals) != 1 || refs[0].Finals[0]["test_error"] != want || refs[0].Label != "paper" {
			t.Errorf("setting %d: %+v, want a test error of %g", i, refs, want)
		}
		for what, change := range map[string]func(c *run.Config){
			"width": func(c *run.Config) { c.Width = 32 }, "momentum": func(c *run.Config) { c.Momentum = 0.5 },
			"data": func(c *run.Config) { c.Dataset = "cifar100" }, "made up": func(c *run.Config) { c.Dataset = data.NameMadeUp },
		} {
			other := c
			change(&other)
			if refs := Compared(recordOf(t, other)); len(refs) != 0 {
				t.Errorf("another %s: %+v", what, refs)
			}
		}
	}
}

func TestComparedOfASmallProblem(t *testing.T) {
	list, err := smallFigures[2].settled("paper", "")
	if err != nil || smallFigures[2].Name != "diagonal" {
		t.Fatal(err, smallFigures[2].Name)
	}
	c := list[1].config
	c.Seed = 3
	refs := Compared(recordOf(t, c))
	if len(refs) != 2 || refs[0].Finals[0]["l0"] != 156 || refs[1].Finals[0]["l0"] != 161 {
		t.Errorf("%+v", refs)
	}
}
