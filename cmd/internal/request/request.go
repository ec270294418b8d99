// Package request resolves what a command line, a file of settings and a run folder
// ask of a training: its config, its problem with the data, and its engine.
package request

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/pflag"
	"largestep/cmd/internal/flags"
	"largestep/cmd/internal/usage"
	"largestep/data"
	"largestep/nets/op"
	"largestep/train/catalog"
	"largestep/train/run"
	"largestep/train/trainer"
)

// Request is what the flags of a command on a NET ask for.
type Request struct {
	Entry    catalog.Problem
	Config   run.Config // with what the flags say
	Schedule flags.Schedule
	Init     string
	Engine   flags.Engine
	dataset  flags.Dataset
	groups   []flags.Group

	// Once prepared:
	Problem trainer.Problem
	Opened  op.Engine
	place   data.Place
	edge    float64 // of divergence, once found
	resumed *run.File
}

// New is a request for a problem, of which groups of flags make the config. Its
// defaults suit a laptop.
func New(p catalog.Problem, groups ...flags.Group) *Request {
	return &Request{Entry: p, groups: groups, Config: p.Defaults(catalog.Circumstances{Engine: "cpu", Dataset: data.NameMadeUp})}
}

// bind adds the flags of the groups, with what a config says as defaults.
func (r *Request) bind(f *pflag.FlagSet, c *run.Config) {
	for _, add := range r.groups {
		add(f, c)
	}
}

// AddSettings adds the flags of the config, those that the problem takes.
func (r *Request) AddSettings(f *pflag.FlagSet) {
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	r.bind(all, &r.Config)
	r.dataset.Add(all)
	r.hideVarying(all)
	all.VisitAll(func(flag *pflag.Flag) {
		if flags.Takes(r.Entry, flag.Name) {
			f.AddFlag(flag)
		}
	})
	r.Engine.Add(f)
}

// AddTraining adds the flags that say what is trained from where, and how.
func (r *Request) AddTraining(f *pflag.FlagSet) {
	r.Schedule.Add(f)
	r.AddSettings(f)
	f.StringVar(&r.Init, "init", "", "file to take initial parameters and running statistics from, as eval does")
}

// hideVarying leaves out the defaults that depend on engine and data set.
func (r *Request) hideVarying(f *pflag.FlagSet) {
	config := r.Entry.Defaults(catalog.Circumstances{Engine: "cuda", Dataset: data.NameCIFAR10})
	other := pflag.NewFlagSet("", pflag.ContinueOnError)
	r.bind(other, &config)
	other.VisitAll(func(o *pflag.Flag) {
		if flag := f.Lookup(o.Name); flag != nil && flag.DefValue != o.DefValue {
			flag.DefValue = "0" // which pflag does not print
			flag.Usage += " (default: what suits)"
		}
	})
}

// Prepare resolves the flags, loads the data and opens the engine; Close gives it
// back. What a user should know is written to out.
func (r *Request) Prepare(ctx context.Context, f *pflag.FlagSet, out io.Writer) error {
	if err := r.check(f); err != nil {
		return err
	}
	if r.resumed != nil && !f.Changed("engine") {
		r.Engine.Name = r.resumed.Environment.Engine
	}
	engine, err := r.Engine.Choose(r.Entry)
	if err != nil {
		return err
	}
	if r.resumed != nil {
		err = r.resume(f)
	} else {
		err = r.resolve(f, out, engine.Name)
	}
	if err != nil {
		return err
	}
	if err := until(ctx, func() error { return r.makeProblem(out) }); err != nil {
		return err
	}
	r.Opened, err = r.Engine.Open(r.Entry, r.Config.Precision)
	return err
}

// until waits for f, or for the context to end: then what f does is lost.
func until(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// check refuses flags that contradict each other.
func (r *Request) check(f *pflag.FlagSet) error {
	if err := r.Schedule.Check(f); err != nil {
		return usage.Wrap(err)
	}
	for _, same := range synonyms {
		if f.Changed(same[0]) && f.Changed(same[1]) {
			return usage.Errorf("--%s and --%s say the same: leave one out", same[0], same[1])
		}
	}
	switch {
	case f.Changed("steps") && r.Config.MaxSteps < 1:
		return fmt.Errorf("%d steps: want 1 or more", r.Config.MaxSteps)
	case f.Changed("eval-steps") && r.Config.EvalSteps < 1:
		return fmt.Errorf("evaluation every %d steps: want 1 or more", r.Config.EvalSteps)
	}
	return nil
}

// synonyms are flags that say the same.
var synonyms = [][]string{{"steps", "epochs"}, {"eval-steps", "eval-every"}}

// over is a config with what the flags say.
func (r *Request) over(c run.Config, f *pflag.FlagSet) (run.Config, error) {
	bound := pflag.NewFlagSet("", pflag.ContinueOnError)
	r.bind(bound, &c)
	err := apply(bound, f)
	return c, err
}

// resolve fills what no flag says from the defaults of the problem.
func (r *Request) resolve(f *pflag.FlagSet, out io.Writer, engine string) (err error) {
	if r.Entry.Reads() {
		if r.place, err = r.dataset.Find(out); err != nil {
			return err
		}
	}
	defaults := r.Entry.Defaults(catalog.Circumstances{Engine: engine, Dataset: r.place.Name})
	c, err := r.over(defaults, f)
	if err != nil {
		return err
	}
	if c.Sampling == data.Full && !r.Entry.Reads() && !f.Changed("batch") {
		c.Batch = c.TrainSize
	}
	if f.Changed("epochs") {
		c.MaxSteps = 0
	}
	r.fit(f, &c)
	if c.Schedule, err = r.Schedule.Make(f, defaults.Schedule); err != nil {
		return err
	}
	c.CountEpochs()
	if n := r.Entry.Evaluations; n > 0 && !f.Changed("eval-steps") && !f.Changed("eval-every") {
		c.EvalSteps = max(1, c.Steps()/n)
	}
	r.Config = c
	return nil
}

// fit lowers what no flag asks for to what the data set has.
func (r *Request) fit(f *pflag.FlagSet, c *run.Config) {
	if !r.Entry.Reads() || r.place.MadeUp() {
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
func (r *Request) resume(f *pflag.FlagSet) error {
	c, err := r.over(r.resumed.Config, f)
	if err != nil {
		return err
	}
	if f.Changed("epochs") {
		c.MaxSteps = 0
	}
	if f.Changed("steps") {
		c.CountEpochs()
	}
	if r.edge = r.resumed.Environment.Edge; r.Schedule.Any(f) {
		if c.Schedule, err = r.Schedule.Resumed(f, c.Schedule, r.edge); err != nil {
			return err
		}
	}
	r.Config = c
	if r.Entry.Reads() {
		r.place, err = r.dataset.Again(r.resumed)
	}
	return err
}

// validate checks the config, whose edge of divergence may yet have to be found.
func (r *Request) validate() error {
	known := r.Config
	if known.Schedule.OfEdge {
		known.Schedule = known.Schedule.Times(1)
	}
	return r.Entry.Validate(known)
}

// part says which images of the data set the config asks for.
func (r *Request) part() data.Part {
	p := data.Part{Train: r.Config.TrainSize, Test: r.Config.TestSize, Choice: r.Config.Subset}
	if p.Choice != data.First {
		p.Seed = r.Config.Seed
	}
	return p
}

// makeProblem checks the config, and loads its images, or makes its small problem.
func (r *Request) makeProblem(out io.Writer) (err error) {
	if err := r.validate(); err != nil {
		return err
	}
	var set *data.Dataset
	if r.Entry.Reads() {
		if set, err = r.place.LoadPart(r.part()); err != nil {
			return err
		}
		flags.Doubts(out, ": see --subset", set.Train, set.Test)
		r.Config.Dataset = set.Name
	}
	r.Problem, r.Config, err = r.Entry.Make(r.Config, set)
	return err
}

// Close gives the engine back.
func (r *Request) Close() error { return r.Opened.Close() }

// environment notes what the run does not know itself of how it is made.
func (r *Request) environment() run.Environment {
	env := r.Engine.Environment(r.Opened, r.place, r.edge)
	if abs, err := filepath.Abs(r.Init); err == nil && r.Init != "" {
		env.Init = abs
	}
	return env
}
