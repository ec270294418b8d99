package catalog

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"largestep/data"
	"largestep/train/run"
	"largestep/train/schedule"
)

// Every entry's defaults are valid, and its options are some of a config's.
func TestEntries(t *testing.T) {
	options := map[string]bool{}
	for i := range reflect.TypeFor[run.Config]().NumField() {
		name, _, _ := strings.Cut(reflect.TypeFor[run.Config]().Field(i).Tag.Get("json"), ",")
		options[name] = true
	}
	seen := map[string]bool{}
	for _, p := range Problems {
		if seen[p.Name] || p.Title == "" || p.About == "" {
			t.Errorf("%s: a name of two entries, or no title", p.Name)
		}
		seen[p.Name] = true
		for _, option := range p.Options {
			if !options[option] {
				t.Errorf("%s: no option %q", p.Name, option)
			}
		}
		for _, at := range []Circumstances{{"cpu", data.NameMadeUp}, {"cpu", data.NameCIFAR10}, {"cuda", data.NameCIFAR10}} {
			c := p.Defaults(at)
			if err := p.Validate(c); err != nil || c.Net != p.Name {
				t.Errorf("%s on %+v: %v", p.Name, at, err)
			}
		}
	}
}

func TestScales(t *testing.T) {
	for at, want := range map[Circumstances]string{
		{"cpu", data.NameMadeUp}: "quick", {"cuda", data.NameMadeUp}: "quick", {"cpu", data.NameCIFAR10}: "small",
		{"cuda", data.NameCIFAR10}: "paper", {"cuda", ""}: "paper", {"cpu", "mine"}: "small",
	} {
		if got := SuitableScale(at).Name; got != want {
			t.Errorf("%+v: %s, want %s", at, got, want)
		}
	}
}

func TestValidate(t *testing.T) {
	resnet, err := Find("resnet18")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(c *run.Config)
		says   string
	}{
		"width":         {func(c *run.Config) { c.Width = 3 }, "width 3"},
		"sampling":      {func(c *run.Config) { c.Sampling = "" }, "sampling"},
		"epochs":        {func(c *run.Config) { c.Epochs = 0 }, "0 epochs"},
		"overflow":      {func(c *run.Config) { c.Epochs = math.MaxInt }, "epochs"},
		"eval-every":    {func(c *run.Config) { c.EvalEvery = 0 }, "every 0"},
		"eval overflow": {func(c *run.Config) { c.EvalEvery = math.MaxInt/4 + 1 }, "every"},
		"train size":    {func(c *run.Config) { c.TrainSize = 0 }, "0 training"},
		"train size 1":  {func(c *run.Config) { c.TrainSize = 1 }, "want 2 or more"},
		"test size":     {func(c *run.Config) { c.TestSize = -1 }, "-1 test"},
		"batch":         {func(c *run.Config) { c.Batch = 1001 }, "batch of 1001"},
		"batch 1":       {func(c *run.Config) { c.Batch = 1 }, "batch of 1"},
		"momentum":      {func(c *run.Config) { c.Momentum = 1 }, "momentum 1"},
		"momentum NaN":  {func(c *run.Config) { c.Momentum = math.NaN() }, "momentum NaN"},
		"weight decay":  {func(c *run.Config) { c.WeightDecay = math.Inf(1) }, "weight decay"},
		"precision":     {func(c *run.Config) { c.Precision = "" }, "precision"},
		"no phases":     {func(c *run.Config) { c.Schedule.Phases = nil }, "phases"},
		"phases": {func(c *run.Config) {
			c.Schedule.Phases = []schedule.Phase{{StepSize: 1}, {StepSize: 1, Start: 2}}
		}, "phase 2"},
		"warm-up":       {func(c *run.Config) { c.Schedule = c.Schedule.With(schedule.Exponential(100)) }, "warm-up"},
		"edge":          {func(c *run.Config) { c.Schedule.OfEdge = true }, "edge"},
		"label noise":   {func(c *run.Config) { c.LabelNoise = 1.5 }, "want 0 to 1"},
		"noise":         {func(c *run.Config) { c.GradientNoise = run.GradientNoise{Shape: run.Isotropic, Deviation: 1} }, "only small problems"},
		"SAM":           {func(c *run.Config) { c.SAM = -1 }, "radius of -1"},
		"SAM NaN":       {func(c *run.Config) { c.SAM = math.NaN() }, "radius of NaN"},
		"SAM in parts":  {func(c *run.Config) { c.SAM, c.Sampling = 0.1, data.Full }, "both its gradients of one mini-batch"},
		"measure":       {func(c *run.Config) { c.Measures = []string{"colour"} }, `measure "colour"`},
		"measure twice": {func(c *run.Config) { c.Measures = []string{"sparsity", "sparsity"} }, "twice"},
	} {
		config := resnet.Defaults(Circumstances{"cpu", data.NameMadeUp})
		c.change(&config)
		if err := resnet.Validate(config); err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want %q in it", name, err, c.says)
		}
	}
	if _, err := Find("vgg19"); err == nil || !strings.Contains(err.Error(), "choose one of resnet18") {
		t.Errorf("unknown net: %v", err)
	}
}

// A network of any widths takes any number of examples of any dimension.
func TestSizesOfReLU(t *testing.T) {
	p, err := Find("relu")
	if err != nil {
		t.Fatal(err)
	}
	c := p.Defaults(Circumstances{})
	c.TrainSize, c.Dims = 7, 3
	if _, made, err := p.Make(c, nil); err != nil || made.TrainSize != 7 || made.Dims != 3 {
		t.Errorf("%d examples of %d numbers, %v", made.TrainSize, made.Dims, err)
	}
	c.TrainSize = 1
	if _, _, err := p.Make(c, nil); err == nil {
		t.Error("no error for a single example")
	}
}
