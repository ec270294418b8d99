package trainer_test

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"largestep/data"
	"largestep/metrics/record"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/catalog"
	"largestep/train/machine"
	"largestep/train/machine/cpu/cputest"
	"largestep/train/problem"
	"largestep/train/run"
	"largestep/train/safetensors"
	"largestep/train/schedule"
	"largestep/train/trainer"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// small is a config of 4 steps an epoch.
func small() run.Config {
	return run.Config{
		Net: "resnet18", Width: 4, Dataset: data.NameMadeUp, TrainSize: 64, TestSize: 32, Sampling: data.Shuffle, Batch: 16,
		Epochs: 2, Schedule: schedule.Constant(0.1), WeightDecay: 5e-4, EvalEvery: 1, LogSteps: true, Precision: "fp32",
	}
}

// options are a training of made-up images into a new folder.
func options(t *testing.T, c run.Config) trainer.Options {
	return optionsOf(t, c, data.MadeUp(1, c.TrainSize, c.TestSize))
}

// optionsOf are a training of a data set.
func optionsOf(t *testing.T, c run.Config, set *data.Dataset) trainer.Options {
	t.Helper()
	entry, err := catalog.Find(c.Net)
	check(t, err)
	p, c, err := entry.Make(c, set)
	check(t, err)
	return trainer.Options{Config: c, Dir: filepath.Join(t.TempDir(), "run"), Problem: p, Engine: cputest.New(t, 2), CheckpointEvery: time.Hour}
}

func runAll(t *testing.T, o trainer.Options) record.Status {
	t.Helper()
	status, err := trainer.Run(context.Background(), o)
	check(t, err)
	return status
}

func stepRows(t *testing.T, dir string) []record.StepRow {
	t.Helper()
	rows, err := record.ReadSteps(filepath.Join(dir, record.StepsFile))
	check(t, err)
	return rows
}

func tableRows(t *testing.T, dir string) []record.Row {
	t.Helper()
	table, err := record.ReadTable(filepath.Join(dir, record.TableFile))
	check(t, err)
	return table.Rows
}

// checkpoint is the tensors of a run by name.
func checkpoint(t *testing.T, dir string) map[string]safetensors.Tensor {
	t.Helper()
	list, _, err := safetensors.ReadFile(filepath.Join(dir, run.CheckpointFile))
	check(t, err)
	byName := map[string]safetensors.Tensor{}
	for _, x := range list {
		byName[x.Name] = x
	}
	return byName
}

func TestStepSizesFollowTheSchedule(t *testing.T) {
	c := small()
	c.Epochs, c.Schedule = 3, parsed(t, "a:0.2@0~exp:1.05,b:0.05@0.45,c:0.01@0.9")
	o := options(t, c)
	runAll(t, o)
	steps := stepRows(t, o.Dir)
	if len(steps) != 12 {
		t.Fatalf("%d steps, want 12", len(steps))
	}
	for i, s := range steps {
		want := 0.01
		switch { // b begins at step 5 (of 5.4), c at 11 (of 10.8)
		case i < 5:
			want = 0.2 * math.Pow(1.05, 100*float64(i)/12)
		case i < 11:
			want = 0.05
		}
		if s.Step != i || s.Epoch != float64(i)/4 || !(math.Abs(s.StepSize-want) <= 1e-12) {
			t.Errorf("step %d: %+v, want step size %g", i, s, want)
		}
	}
	for i, phase := range []string{"a", "a", "b", "c"} {
		row := tableRows(t, o.Dir)[i]
		if row.Phase != phase || row.Step != 4*i {
			t.Errorf("row %d: phase %s at step %d, want %s", i, row.Phase, row.Step, phase)
		}
		if trained := row.ImagesPerSecond > 0; trained != (i > 0) {
			t.Errorf("row %d: %g images per second", i, row.ImagesPerSecond)
		}
	}
}

// trainedAfter is a step of a fresh net on the listed images: by how much each
// parameter changes.
func trainedAfter(t *testing.T, set *data.Dataset, o trainer.StepOptions, index []int32, steps int) map[string][]float32 {
	t.Helper()
	net, err := nets.NewResNet18(4, 10)
	check(t, err)
	vars := machine.NewVariables(cputest.New(t, 2))
	p := &problem.Images{Net: net, Data: set}
	step, err := trainer.NewStep(vars, p, o)
	check(t, err)
	check(t, p.Upload(vars))
	check(t, step.Initialize(3))
	get := func(v *nets.Variable) []float32 {
		x := make([]float32, v.Len())
		check(t, vars.Get(v.Name, x))
		return x
	}
	change := map[string][]float32{}
	for _, v := range step.Model.Variables {
		if v.Trained {
			change[v.Name] = get(v)
		}
	}
	for range steps {
		check(t, step.Run(trainer.MiniBatch{Index: index}, 0.1))
	}
	for _, v := range step.Model.Variables {
		if v.Trained {
			for i, x := range get(v) {
				change[v.Name][i] = x - change[v.Name][i]
			}
		}
	}
	return change
}

func firstIndices(n int) []int32 {
	index := make([]int32, n)
	for i := range index {
		index[i] = int32(i)
	}
	return index
}

// Batch norm couples the images of a mini-batch, so that the gradient of several
// is not that of one large one; but it is their mean, and equal parts give the
// step of one, to the bit if there are two.
func TestGradientDescentIsTheMeanOfItsParts(t *testing.T) {
	set := data.MadeUp(1, 24, 1)
	const batch = 8
	options := func(parts int, momentum, decay float64) trainer.StepOptions {
		return trainer.StepOptions{Batch: batch, Parts: parts, SGD: op.SGD{Momentum: momentum, WeightDecay: decay}}
	}
	first := firstIndices(batch)
	one := trainedAfter(t, set, options(1, 0.9, 5e-4), first, 3)
	two := trainedAfter(t, set, options(2, 0.9, 5e-4), slices.Concat(first, first), 3)
	for name := range one {
		if !slices.Equal(one[name], two[name]) {
			t.Errorf("%s: a batch and twice that batch take other steps", name)
		}
	}

	all := trainedAfter(t, set, options(3, 0, 0), firstIndices(3*batch), 1)
	mean := map[string][]float64{}
	for part := range 3 {
		for name, change := range trainedAfter(t, set, options(1, 0, 0), firstIndices(3 * batch)[part*batch:(part+1)*batch], 1) {
			if part == 0 {
				mean[name] = make([]float64, len(change))
			}
			for i, x := range change {
				mean[name][i] += float64(x) / 3
			}
		}
	}
	for name := range mean {
		scale, worst := 0.0, 0.0
		for i, want := range mean[name] {
			scale = max(scale, math.Abs(want))
			worst = max(worst, math.Abs(float64(all[name][i])-want))
		}
		if !(worst <= 1e-4*scale+1e-7) || scale == 0 {
			t.Errorf("%s: the step differs by %g from the mean of its parts' steps, which are up to %g", name, worst, scale)
		}
	}
}

// Gradient descent as Run does it: on twice the same images, half of them a
// batch, it is SGD with that batch.
func TestFullSampling(t *testing.T) {
	c := small()
	c.TrainSize, c.Sampling, c.Momentum, c.Epochs = 16, data.Sequential, 0.9, 3
	sgd := options(t, c)
	runAll(t, sgd)
	c.TrainSize, c.Sampling = 32, data.Full
	set := *sgd.Problem.(*problem.Images).Data
	twice := *set.Train
	twice.Pixels, twice.Labels = slices.Concat(twice.Pixels, twice.Pixels), slices.Concat(twice.Labels, twice.Labels)
	set.Train = &twice
	full := optionsOf(t, c, &set)
	runAll(t, full)
	if a, b := stepRows(t, sgd.Dir), stepRows(t, full.Dir); len(a) != 3 || !slices.Equal(a, b) {
		t.Errorf("steps %v and %v", a, b)
	}
	b := checkpoint(t, full.Dir)
	for name, x := range checkpoint(t, sgd.Dir) {
		if trained := !strings.Contains(name, "running") && !strings.HasSuffix(name, ".num_batches_tracked"); trained && !slices.Equal(x.Data, b[name].Data) {
			t.Errorf("%s differs", name)
		}
	}
}

// The losses of a run with more parts in a step than the engine's log holds.
func TestMoreLossesThanTheLogHolds(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds")
	}
	set := data.MadeUp(1, 2, 1)
	net, err := nets.NewResNet18(4, 10)
	check(t, err)
	vars := machine.NewVariables(cputest.New(t, 2))
	p := &problem.Images{Net: net, Data: set}
	step, err := trainer.NewStep(vars, p, trainer.StepOptions{Batch: 2, Parts: 1})
	check(t, err)
	check(t, p.Upload(vars))
	check(t, step.Initialize(0))
	for range trainer.LogCapacity + 5 {
		check(t, step.Run(trainer.MiniBatch{Index: []int32{0, 1}}, 0))
	}
	losses, err := step.Losses()
	check(t, err)
	if len(losses) != trainer.LogCapacity+5 || losses[0] == 0 {
		t.Fatalf("%d losses, want %d", len(losses), trainer.LogCapacity+5)
	}
	for i, l := range losses {
		if l != losses[0] {
			t.Fatalf("loss %g at step %d, %g at the first, with step size 0", l, i, losses[0])
		}
	}
}

// An evaluation must not depend on how the images fall into batches of 200, and
// its sums must be those of its logits.
func TestEvaluationOfAnyNumber(t *testing.T) {
	o := options(t, small())
	runAll(t, o)
	net, err := catalog.OpenNet(filepath.Join(o.Dir, run.CheckpointFile))
	check(t, err)
	const all = 433
	images := data.MadeUp(2, 1, all).Test
	var logits [][]float64
	result, err := net.Evaluate(cputest.New(t, 2), images, data.Normalization{}, func(i int, z []float64) error {
		if i != len(logits) {
			t.Fatalf("logits of image %d after %d", i, len(logits))
		}
		logits = append(logits, slices.Clone(z))
		return nil
	})
	check(t, err)
	for _, n := range []int{1, 2, 7, 199, 200, 201, 400, all} {
		subset, err := images.Subset(n)
		check(t, err)
		result, err := net.Evaluate(cputest.New(t, 2), subset, data.Normalization{}, func(i int, z []float64) error {
			for j := range z {
				if !(math.Abs(z[j]-logits[i][j]) <= 1e-5) {
					t.Fatalf("of %d images, logits %v for image %d; of %d images, %v", n, z, i, all, logits[i])
				}
			}
			return nil
		})
		check(t, err)
		loss, wrong := score(logits[:n], subset.Labels)
		if !(math.Abs(result.Loss-loss) <= 1e-5) || !(math.Abs(result.Error-wrong) <= 1e-12) {
			t.Errorf("%d images: loss %g and error %g, by the logits %g and %g", n, result.Loss, result.Error, loss, wrong)
		}
	}
	head, tail := part(t, net, images, 0, 200), part(t, net, images, 200, all)
	for i, a := range result.Active {
		if want := (head.Active[i]*200 + tail.Active[i]*(all-200)) / all; !(math.Abs(a-want) <= 1e-5) || a <= 0 || a > 1 {
			t.Errorf("active share %d is %g, by its parts %g", i+1, a, want)
		}
	}
}

// part evaluates images first to last-1.
func part(t *testing.T, net *catalog.NetFile, images *data.Images, first, last int) problem.Result {
	t.Helper()
	n := images.ImageBytes()
	r, err := net.Evaluate(cputest.New(t, 2), &data.Images{
		Side: images.Side, Pixels: images.Pixels[first*n : last*n], Labels: images.Labels[first:last], Classes: images.Classes,
	}, data.Normalization{}, nil)
	check(t, err)
	return r
}

// score is the mean cross-entropy and the share of wrong largest logits.
func score(logits [][]float64, labels []int32) (loss, wrong float64) {
	n := float64(len(logits))
	for i, z := range logits {
		sum := 0.0
		for _, v := range z {
			sum += math.Exp(v)
		}
		label := int(labels[i])
		loss += (math.Log(sum) - z[label]) / n
		if z[label] != slices.Max(z) {
			wrong += 1 / n
		}
	}
	return loss, wrong
}

// A step size may grow so large that only a late step diverges.
func TestDivergenceIsRecordedExactly(t *testing.T) {
	for _, c := range []struct {
		phases    string
		evalEvery int
		first     int // step at which it may diverge at the earliest
	}{{"1e15@0", 1, 1}, {"0.1@0,1e25@0.4", 1, 8}, {"0.1@0,1e25@0.4", 100, 8}, {"0.1@0,1e39@0.5", 2, 10}, {"0.1@0,1e39@0.95", 1, 20}} {
		config := small()
		config.Epochs, config.EvalEvery = 5, c.evalEvery
		config.Schedule = parsed(t, c.phases)
		o := options(t, config)
		status := runAll(t, o)
		steps := stepRows(t, o.Dir)
		last := len(steps) - 1
		if status.State != record.Diverged || status.Step != len(steps) || status.Message == "" {
			t.Errorf("%s: %+v with %d steps recorded", c.phases, status, len(steps))
		}
		if saved, err := record.ReadStatus(o.Dir); err != nil || saved != status {
			t.Errorf("%s: status.json %+v, %v; returned %+v", c.phases, saved, err, status)
		}
		for i, s := range steps {
			if finite := !math.IsNaN(s.BatchLoss) && !math.IsInf(s.BatchLoss, 0); !finite && i != last || i < c.first && !finite {
				t.Errorf("%s: loss %g at step %d of %d", c.phases, s.BatchLoss, i, len(steps))
			}
		}
		rows := tableRows(t, o.Dir)
		for _, r := range rows[:len(rows)-1] {
			if math.IsNaN(r.TrainLoss) || r.Step > status.Step {
				t.Errorf("%s: row %+v", c.phases, r)
			}
		}
		again := o
		again.Resume = true
		if s := runAll(t, again); s != status {
			t.Errorf("%s: resumed %+v, was %+v", c.phases, s, status)
		}
	}
}

// Where a phase ended is kept: there a run that had taken no more steps stands.
func TestEndsOfPhasesAreKept(t *testing.T) {
	c := small()
	c.Schedule = parsed(t, "large:0.1@0,none:0.05@0.5,small:0.01@0.51")
	o := options(t, c)
	runAll(t, o)
	c.Epochs, c.Schedule = 1, schedule.Constant(0.1)
	half := options(t, c)
	runAll(t, half)
	kept, _, err := safetensors.ReadFile(filepath.Join(o.Dir, "phase-1.safetensors"))
	check(t, err)
	want := checkpoint(t, half.Dir)
	if len(kept) != len(want) {
		t.Errorf("%d tensors, want %d", len(kept), len(want))
	}
	for _, x := range kept {
		if !bytes.Equal(x.Data, want[x.Name].Data) {
			t.Errorf("%s is not what it was at the end of the phase", x.Name)
		}
	}
	again, _, err := safetensors.ReadFile(filepath.Join(o.Dir, "phase-2.safetensors"))
	check(t, err)
	for i, x := range again {
		if !bytes.Equal(x.Data, kept[i].Data) {
			t.Errorf("%s changed in a phase without steps", x.Name)
		}
	}
	if more, err := filepath.Glob(filepath.Join(o.Dir, "phase-*")); err != nil || len(more) != 2 {
		t.Errorf("files %v, %v", more, err)
	}
}

// copyRun is the run folder as a program killed now would leave it.
func copyRun(t *testing.T, from, to string) {
	t.Helper()
	check(t, os.CopyFS(to, os.DirFS(from)))
}

// A program killed at any of the points that the hooks see, or between the files
// of a checkpoint, goes on to the same end.
func TestResumeFromEveryPoint(t *testing.T) {
	for _, every := range []time.Duration{0, time.Hour} {
		c := small()
		c.Momentum, c.Augment = 0.9, true
		o := options(t, c)
		o.CheckpointEvery = every
		var copies []string
		snapshot := func() {
			to := filepath.Join(filepath.Dir(o.Dir), "killed", string(rune('a'+len(copies))))
			copyRun(t, o.Dir, to)
			copies = append(copies, to)
		}
		o.Hooks = trainer.Hooks{
			Start: func(run.Config, int) { snapshot() }, Step: func(trainer.Progress) { snapshot() }, Row: func(record.Row) { snapshot() },
		}
		runAll(t, o)
		o.Hooks = trainer.Hooks{}
		snapshot()
		copies = append(copies, betweenFiles(t, copies)...)
		for _, dir := range copies {
			again := o
			again.Dir, again.Resume = dir, true
			runAll(t, again)
			sameRun(t, o.Dir, dir)
		}
	}
}

// betweenFiles makes the states in which a kill between the velocities and the
// parameters, or before the older velocities are removed, leaves a run.
func betweenFiles(t *testing.T, copies []string) []string {
	t.Helper()
	var mixed []string
	for i := range copies[1:] {
		for j, from := range []int{i, i + 1} {
			velocities, err := filepath.Glob(filepath.Join(copies[from], "velocity-*"))
			check(t, err)
			base := copies[2*i+1-from]
			if _, err := os.Stat(filepath.Join(base, run.CheckpointFile)); err != nil || len(velocities) == 0 {
				continue
			}
			dir := copies[i] + "-mixed-" + string(rune('a'+j))
			copyRun(t, base, dir)
			for _, v := range velocities {
				b, err := os.ReadFile(v)
				check(t, err)
				check(t, os.WriteFile(filepath.Join(dir, filepath.Base(v)), b, 0o666))
			}
			check(t, record.WriteStatus(dir, record.Status{State: record.Running}))
			mixed = append(mixed, dir)
		}
	}
	return mixed
}

// sameRun compares records and tensors but for times.
func sameRun(t *testing.T, want, got string) {
	t.Helper()
	if a, b := stepRows(t, want), stepRows(t, got); !slices.Equal(a, b) {
		t.Errorf("%s: steps differ", got)
	}
	a, b := tableRows(t, want), tableRows(t, got)
	if len(a) != len(b) {
		t.Fatalf("%s: %d rows, want %d", got, len(b), len(a))
	}
	for i := range a {
		for _, r := range []*record.Row{&a[i], &b[i]} {
			r.ImagesPerSecond, r.Seconds = 0, 0
			if i == 0 {
				r.BatchLoss = 0 // NaN before the first step
			}
		}
		same := slices.Equal(a[i].Own, b[i].Own)
		a[i].Own, b[i].Own = nil, nil
		if !same || !slices.Equal([]any{a[i].Step, a[i].TrainLoss, a[i].TestLoss, a[i].BatchLoss, a[i].TestError, a[i].Phase},
			[]any{b[i].Step, b[i].TrainLoss, b[i].TestLoss, b[i].BatchLoss, b[i].TestError, b[i].Phase}) {
			t.Errorf("%s: row %d is %+v, want %+v", got, i, b[i], a[i])
		}
	}
	if files, err := filepath.Glob(filepath.Join(got, "velocity-*")); err != nil || len(files) != 1 {
		t.Errorf("velocities left: %v, %v", files, err)
	}
	end := checkpoint(t, got)
	for name, x := range checkpoint(t, want) {
		if !slices.Equal(x.Data, end[name].Data) {
			t.Errorf("%s: %s differs", got, name)
		}
	}
}

// Augmentation and the order of the examples are drawn anew in every epoch.
func TestEpochsDiffer(t *testing.T) {
	for _, s := range data.Samplings {
		for _, augment := range []bool{false, true} {
			c := small()
			c.Epochs, c.Sampling, c.Augment, c.WeightDecay = 3, s, augment, 0
			c.Schedule = schedule.Constant(1e-30) // the parameters stay
			o := options(t, c)
			runAll(t, o)
			steps := stepRows(t, o.Dir)
			perEpoch := len(steps) / 3
			var epochs [3][]float64
			for i, r := range steps {
				epochs[i/perEpoch] = append(epochs[i/perEpoch], r.BatchLoss)
			}
			fixed := !augment && (s == data.Sequential || s == data.Full)
			if slices.Equal(epochs[0], epochs[1]) != fixed || slices.Equal(epochs[1], epochs[2]) != fixed {
				t.Errorf("%s, augmentation %v: losses %v", s, augment, epochs)
			}
		}
	}
}

// Run refuses data of another size than the config says, and makes no folder.
func TestRunWantsTheDataOfTheConfig(t *testing.T) {
	o := options(t, small())
	o.Config.TrainSize = 63
	if _, err := trainer.Run(context.Background(), o); err == nil {
		t.Error("no error")
	}
	if _, err := os.Stat(o.Dir); err == nil {
		t.Error("a run folder was made")
	}
}

// Random configs must either be refused or train.
func TestRandomConfigs(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...int) int { return from[rng.IntN(len(from))] }
	for range 8 {
		c := small()
		c.Width, c.TrainSize, c.TestSize = pick(4, 5, 7), pick(5, 17, 33), pick(1, 3, 201)
		c.Batch, c.Epochs, c.EvalEvery = pick(2, 3, 16, 33), pick(1, 2), pick(1, 2, 5)
		c.Sampling, c.Augment = data.Samplings[rng.IntN(len(data.Samplings))], rng.IntN(2) == 0
		c.Momentum = []float64{0, 0.9}[rng.IntN(2)]
		o := options(t, c)
		status, err := trainer.Run(context.Background(), o)
		if refused := c.Batch > c.TrainSize; refused != (err != nil) {
			t.Errorf("%+v: %v", c, err)
		} else if !refused && (status.State != record.Finished || status.Step != len(stepRows(t, o.Dir))) {
			t.Errorf("%+v: %+v", c, status)
		}
	}
}

func parsed(t *testing.T, text string) schedule.Schedule {
	t.Helper()
	s, err := schedule.Parse(text)
	check(t, err)
	return s
}

// A net that has yet to learn stands still, but nothing has stabilised, however
// large its loss was before the first step.
func TestNoPlateauAtChance(t *testing.T) {
	c := small()
	c.Epochs, c.Schedule, c.Seed = 25, schedule.Constant(4), 4
	o := options(t, c)
	runAll(t, o)
	r, err := run.Open(o.Dir)
	check(t, err)
	if first := r.Rows[0].TrainLoss; first < 2*math.Log(10) {
		t.Fatalf("an initial loss of %g tests nothing: take another seed", first)
	}
	if len(r.Plateaus) > 0 {
		t.Errorf("plateaus at chance level: %+v", r.Plateaus)
	}
}
