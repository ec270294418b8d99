package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"largestep/cmd/internal/usage"
	"largestep/data"
	"largestep/nets/op"
	"largestep/train/catalog"
	"largestep/train/run"
	"largestep/train/trainer"
)

// request is what the flags of a command on a NET ask for.
type request struct {
	entry    catalog.Problem
	config   run.Config // with what the flags say
	schedule scheduleFlags
	init     string
	dataset  datasetOptions
	engine   engineOptions

	// Once prepared:
	place   data.Place
	problem trainer.Problem
	open    op.Engine
	edge    float64 // of divergence, once found
	resumed *run.File
}

// newRequest has the defaults that suit a laptop.
func newRequest(p catalog.Problem) *request {
	return &request{entry: p, config: p.Defaults(catalog.Circumstances{Engine: "cpu", Dataset: data.NameMadeUp})}
}

// addSettings adds the flags of a config, those that the problem takes.
func (r *request) addSettings(f *pflag.FlagSet, groups ...func(*pflag.FlagSet, *run.Config)) {
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, add := range groups {
		add(all, &r.config)
	}
	r.dataset.addFlags(all)
	all = takenBy(r.entry, all)
	hideVarying(all, r.entry, groups)
	f.AddFlagSet(all)
	r.engine.addFlags(f)
}

// hideVarying leaves out the defaults that depend on engine and data set.
func hideVarying(f *pflag.FlagSet, p catalog.Problem, groups []func(*pflag.FlagSet, *run.Config)) {
	config := p.Defaults(catalog.Circumstances{Engine: "cuda", Dataset: data.NameCIFAR10})
	other := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, add := range groups {
		add(other, &config)
	}
	other.VisitAll(func(o *pflag.Flag) {
		if flag := f.Lookup(o.Name); flag != nil && flag.DefValue != o.DefValue {
			flag.DefValue = "0" // which pflag does not print
			flag.Usage += " (default: what suits)"
		}
	})
}

// prepare resolves the flags, loads the data and opens the engine; Close gives it
// back.
func (r *request) prepare(cmd *cobra.Command, groups ...func(*pflag.FlagSet, *run.Config)) error {
	f := cmd.Flags()
	if err := r.check(f); err != nil {
		return err
	}
	if r.resumed != nil && !f.Changed("engine") {
		r.engine.name = r.resumed.Environment.Engine
	}
	backend, err := r.engine.chooseFor(r.entry)
	if err != nil {
		return err
	}
	if r.resumed != nil {
		err = r.resume(f, groups)
	} else {
		err = r.resolve(f, cmd.ErrOrStderr(), backend.name, groups)
	}
	if err != nil {
		return err
	}
	if _, err := await(cmd.Context(), func() (none struct{}, err error) { return none, r.makeProblem(cmd.ErrOrStderr()) }); err != nil {
		return err
	}
	r.open, err = backend.open(r.engine, r.config.Precision)
	return err
}

// check refuses flags that contradict each other.
func (r *request) check(f *pflag.FlagSet) error {
	if err := r.schedule.check(f); err != nil {
		return usage.Wrap(err)
	}
	for _, same := range [][2]string{{"steps", "epochs"}, {"eval-steps", "eval-every"}} {
		if f.Changed(same[0]) && f.Changed(same[1]) {
			return usage.Errorf("--%s and --%s say the same: leave one out", same[0], same[1])
		}
	}
	switch {
	case f.Changed("steps") && r.config.MaxSteps < 1:
		return fmt.Errorf("%d steps: want 1 or more", r.config.MaxSteps)
	case f.Changed("eval-steps") && r.config.EvalSteps < 1:
		return fmt.Errorf("evaluation every %d steps: want 1 or more", r.config.EvalSteps)
	}
	return nil
}

// over is a config with what the flags say.
func over(c run.Config, f *pflag.FlagSet, groups []func(*pflag.FlagSet, *run.Config)) (run.Config, error) {
	bound := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, add := range groups {
		add(bound, &c)
	}
	err := apply(bound, f)
	return c, err
}

// resolve fills what no flag says from the defaults of the problem.
func (r *request) resolve(f *pflag.FlagSet, out io.Writer, engine string, groups []func(*pflag.FlagSet, *run.Config)) (err error) {
	if r.entry.Reads() {
		if r.place, err = r.dataset.find(out); err != nil {
			return err
		}
	}
	defaults := r.entry.Defaults(catalog.Circumstances{Engine: engine, Dataset: r.place.Name})
	c, err := over(defaults, f, groups)
	if err != nil {
		return err
	}
	if c.Sampling == data.Full && !r.entry.Reads() && !f.Changed("batch") {
		c.Batch = c.TrainSize
	}
	if f.Changed("epochs") {
		c.MaxSteps = 0
	}
	r.fit(f, &c)
	if c.Schedule, err = r.schedule.schedule(f, defaults.Schedule); err != nil {
		return err
	}
	c.CountEpochs()
	if n := r.entry.Evaluations; n > 0 && !f.Changed("eval-steps") && !f.Changed("eval-every") {
		c.EvalSteps = max(1, c.Steps()/n)
	}
	r.config = c
	return nil
}

// fit lowers what no flag asks for to what the data set has.
func (r *request) fit(f *pflag.FlagSet, c *run.Config) {
	if !r.entry.Reads() || r.place.MadeUp() {
		return
	}
	for _, size := range []struct {
		flag  string
		value *int
		most  int
	}{{"train-size", &c.TrainSize, r.place.Train}, {"test-size", &c.TestSize, r.place.Test}, {"batch", &c.Batch, r.place.Train}} {
		if !f.Changed(size.flag) {
			*size.value = min(*size.value, size.most)
		}
	}
}

// resume takes the settings from the run folder; flags may repeat them.
func (r *request) resume(f *pflag.FlagSet, groups []func(*pflag.FlagSet, *run.Config)) error {
	c, err := over(r.resumed.Config, f, groups)
	if err != nil {
		return err
	}
	if f.Changed("epochs") {
		c.MaxSteps = 0
	}
	if f.Changed("steps") {
		c.CountEpochs()
	}
	if r.edge = r.resumed.Environment.Edge; r.schedule.any(f) {
		if c.Schedule, err = r.schedule.resumed(f, c.Schedule, r.edge); err != nil {
			return err
		}
	}
	r.config = c
	if r.entry.Reads() {
		r.place, err = r.dataset.again(r.resumed)
	}
	return err
}

// makeProblem checks the config, and loads its images, or makes its small problem.
func (r *request) makeProblem(out io.Writer) (err error) {
	known := r.config
	if known.Schedule.OfEdge { // which is yet to be found
		known.Schedule = known.Schedule.Times(1)
	}
	if err := r.entry.Validate(known); err != nil {
		return err
	}
	var set *data.Dataset
	if r.entry.Reads() {
		part := data.Part{Train: r.config.TrainSize, Test: r.config.TestSize, Choice: r.config.Subset, Seed: r.config.Seed}
		if set, err = r.place.LoadPart(part); err != nil {
			return err
		}
		sayDoubts(out, ": see --subset", set.Train, set.Test)
		r.config.Dataset = set.Name
	}
	r.problem, r.config, err = r.entry.Make(r.config, set)
	return err
}

// sayDoubts says what is odd about the images that were chosen from others.
func sayDoubts(out io.Writer, advice string, parts ...*data.Images) {
	for _, part := range parts {
		if part.Doubt != "" {
			fmt.Fprintf(out, "data: %s%s\n", part.Doubt, advice)
		}
	}
}

// Close gives the engine back.
func (r *request) Close() error { return r.open.Close() }

// environment notes what the run does not know itself of how it is made.
func (r *request) environment() run.Environment {
	env := r.engine.environment(r.open, r.place, r.edge)
	if abs, err := filepath.Abs(r.init); err == nil && r.init != "" {
		env.Init = abs
	}
	return env
}

// environment notes what computes, and from what.
func (o *engineOptions) environment(e op.Engine, place data.Place, edge float64) run.Environment {
	env := run.Environment{Commit: commit(), Command: commandLine(), DataDir: place.Dir, Edge: edge}
	env.Host, _ = os.Hostname()                                             // "" where nobody knows
	if abs, err := filepath.Abs(place.Dir); err == nil && place.Dir != "" { // to resume from anywhere
		env.DataDir = abs
	}
	if e.Name() == "cpu" {
		env.Threads = o.threads
	}
	return env
}

// datasetOptions choose what to train on.
type datasetOptions struct {
	name string // of a set, or auto
	dir  string
}

// setNames lists the sets that need no import, those to fetch first.
func setNames() string {
	var names []string
	for _, s := range append(data.Fetchable(), data.Sets...) {
		if !slices.Contains(names, s.Name) {
			names = append(names, s.Name)
		}
	}
	return strings.Join(names, ", ")
}

func (o *datasetOptions) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.name, "dataset", "auto", setNames()+", the name of an imported set, or auto: CIFAR-10 where it is found, else the made-up set")
	f.StringVar(&o.dir, "data", "", "folder of the data set (default: where fetch and import put it)")
}

// find decides between the data sets.
func (o *datasetOptions) find(out io.Writer) (data.Place, error) {
	if o.name != "auto" {
		p, err := data.Find(o.name, o.dir)
		if errors.Is(err, data.ErrMadeUp) {
			return p, usage.Errorf("the made-up set has no folder: leave out --data")
		}
		return p, err
	}
	p, err := data.FindIn(o.dir)
	if o.dir == "" && errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintln(out, "data: the made-up set, since CIFAR-10 is not here (\"largestep fetch cifar10\" downloads it)")
		return data.Find(data.NameMadeUp, "")
	}
	if err == nil {
		fmt.Fprintf(out, "data: %s in %s\n", p.Name, p.Dir)
	}
	return p, err
}

// again finds the data set that a run was trained on.
func (o *datasetOptions) again(f *run.File) (data.Place, error) {
	if o.name != "auto" && o.name != f.Dataset {
		return data.Place{}, fmt.Errorf("it was trained on %s: leave out --dataset %s", f.Dataset, o.name)
	}
	if data.SetNamed(f.Dataset).MadeUp() {
		return data.Find(f.Dataset, o.dir)
	}
	if o.dir == "" {
		return data.Find(f.Dataset, f.Environment.DataDir)
	}
	return data.Find(f.Dataset, o.dir)
}
