package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"largestep/data"
	"largestep/metrics"
	"largestep/nets/op"
	"largestep/train"
	"largestep/train/paper"
)

// trainOptions are the flags of train.
type trainOptions struct {
	config   train.Config // what the flags say; only flags that were set count
	stepSize stepSize
	phases   string
	relative bool    // step sizes are multiples of the edge of divergence
	edge     float64 // that edge, once found
	sampling string
	init     string
	out      string
	resume   bool
	save     time.Duration
	dataset  datasetOptions
	engine   engineOptions
}

func newTrain() *cobra.Command {
	var o trainOptions
	cmd := &cobra.Command{
		Use:   "train NET",
		Short: "Train a network with a step-size schedule",
		Long: `Train trains a network and leaves its records and checkpoints in a run folder.
NET is resnet18, or one of the paper's small problems: ` + strings.Join(train.SmallNets, ", ") + `.

What no flag says comes from this table. The scale of resnet18 is the one that
suits data set and machine: quick for the made-up set, small for CIFAR-10 on a
CPU, paper on a GPU; its step size is decayed at 50 % of the epochs.

` + defaults(),
		Example: `  largestep train resnet18                                       a large step size, decayed half-way
  largestep train resnet18 --step-size 0.03                      a small constant one
  largestep train resnet18 --step-size 0.5 --decay-at 0.3        a tenth from 30 %, a hundredth from 90 % on
  largestep train resnet18 --phases "1.5@0,0.15@0.5,0.015@0.9"   any piecewise schedule
  largestep train resnet18 --sampling full --batch 250 --epochs 500 --eval-every 25   gradient descent
  largestep train resnet18 --out runs/a --resume                 go on after Ctrl-C or a crash
  largestep train diagonal --phases "0.985edge@0,0.29edge@0.3"   SGD on a diagonal linear network, at the edge of divergence
  largestep train diagonal --phases "0.2@0,0.06@0.3" --label-noise 0.2                noise on the labels, until the decay
  largestep train relu --widths 20,20 --step-size 0.1edge        at a tenth of the step size that diverges`,
		Args: exactArgs("NET"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.config.Net = args[0]
			return o.run(cmd)
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}

func (o *trainOptions) addFlags(f *pflag.FlagSet) {
	c := &o.config
	f.Var(&o.stepSize, "step-size", "step size η, such as 0.5, or a multiple of the edge of divergence, such as 0.9edge; constant unless --decay-at is given")
	f.Float64Var(&c.DecayAt, "decay-at", 0, "fraction of the epochs from which on the step size is a tenth; it is a hundredth from 0.9 on")
	f.StringVar(&o.phases, "phases", "", "piecewise schedule: STEPSIZE@START,… or NAME:STEPSIZE@START,…, START a fraction of the epochs; all step sizes may be multiples of the edge, such as 0.985edge")
	f.Float64Var(&c.WarmupExp, "warmup-exp", 0, "factor by which the first phase's step size grows in each hundredth of the training (the paper: 1.05)")
	f.Float64Var(&c.WarmupGain, "warmup-gain", 0, "warm the first phase up to η(1 + GAIN·(t/T)^POWER) instead, at the fraction t/T of the training")
	f.Float64Var(&c.WarmupPower, "warmup-power", 1, "POWER of --warmup-gain")
	f.Float64Var(&c.Momentum, "momentum", 0, "momentum")
	f.Float64Var(&c.WeightDecay, "weight-decay", 5e-4, "weight decay, on all parameters (default of small problems 0)")
	f.BoolVar(&c.Augment, "augment", false, "random crop with padding 4, and horizontal flip")
	f.IntVar(&c.Epochs, "epochs", 0, "passes over the training set")
	f.IntVar(&c.Batch, "batch", 0, "images of a mini-batch; an incomplete last one is dropped")
	f.IntVar(&c.Width, "width", 0, "channels of the first stage, 4 or more (the paper: 64)")
	f.Uint64Var(&c.Seed, "seed", 0, "seed of initial parameters, order and augmentation")
	f.StringVar(&o.sampling, "sampling", string(data.Shuffle), "order of the examples: shuffle, with-replacement, sequential, or full (gradient descent: one step an epoch, an incomplete last part left out); default of small problems with-replacement")
	f.IntVar(&c.TrainSize, "train-size", 0, "training images, the first of the set")
	f.IntVar(&c.TestSize, "test-size", 0, "test images, the first of the set")
	f.StringVar(&o.init, "init", "", "safetensors file to take initial parameters and running statistics from")
	f.IntVar(&c.EvalEvery, "eval-every", 1, "epochs between evaluations")
	f.BoolVar(&c.Sparsity, "sparsity", true, "record the features' sparsity without duplicates, sparsity_1 to sparsity_5")
	f.BoolVar(&c.LogSteps, "log-steps", false, "record the loss of every step in steps.csv")
	f.StringVar(&o.out, "out", "", "run folder (default: in runs/, named after the settings)")
	f.BoolVar(&o.resume, "resume", false, "go on with the run in the run folder; its settings count, flags that differ are refused")
	f.DurationVar(&o.save, "checkpoint-every", 30*time.Second, "least time between checkpoints, which are taken after evaluations")
	o.dataset.addFlags(f)
	o.engine.addFlags(f)
	addSmallFlags(f, c)
}

// flags are those of the given names, for commands that do not train.
func (o *trainOptions) flags(names ...string) *pflag.FlagSet {
	all, some := pflag.NewFlagSet("", pflag.ContinueOnError), pflag.NewFlagSet("", pflag.ContinueOnError)
	o.addFlags(all)
	for _, name := range names {
		some.AddFlag(all.Lookup(name))
	}
	return some
}

func (o *trainOptions) run(cmd *cobra.Command) error {
	j, err := o.prepare(cmd)
	if err != nil {
		return err
	}
	defer j.engine.Close()
	if err := o.chooseFolder(cmd.Flags(), &j.config); err != nil {
		return err
	}
	if o.relative && !o.resume {
		if err := o.relativeToEdge(cmd, j); err != nil {
			return err
		}
	}
	t := training{
		out: cmd.OutOrStdout(), progress: cmd.ErrOrStderr(),
		again: o.again(cmd.Flags(), j.config.Net),
		options: train.Options{
			Config: j.config, Environment: environment(j.engine, o.engine, j.dir, o.edge), Dir: o.out, Resume: o.resume,
			Init: o.init, Problem: j.problem, Engine: j.engine, CheckpointEvery: o.save,
		},
	}
	return t.run(cmd.Context(), "")
}

// job is what the flags ask for, ready to compute.
type job struct {
	config  train.Config
	dir     string // of the data set; "" if it is made up
	problem train.Problem
	engine  op.Engine
}

// prepare resolves the flags, loads the data and opens the engine.
func (o *trainOptions) prepare(cmd *cobra.Command) (*job, error) {
	f := cmd.Flags()
	if err := o.checkFlags(f); err != nil {
		return nil, err
	}
	j := &job{}
	var err error
	if o.resume { // the engine and the precision of the run, too
		if j.config, j.dir, err = o.resumed(f); err != nil {
			return nil, err
		}
	}
	b, err := o.engine.chooseFor(o.config.Net)
	if err != nil {
		return nil, err
	}
	switch {
	case o.resume:
	case o.config.Net == train.ResNet18:
		j.config, j.dir, err = o.resolve(cmd.Flags(), b.name, cmd.ErrOrStderr())
	default:
		j.config, err = o.resolveSmall(cmd.Flags())
	}
	if err != nil {
		return nil, err
	}
	if j.problem, err = open(&j.config, j.dir); err != nil {
		return nil, err
	}
	o.engine.precision = j.config.Precision // which a resumed run has from its folder
	j.engine, err = b.open(o.engine)
	return j, err
}

// open loads the images in dir, or makes the small problem, that the config
// asks for.
func open(c *train.Config, dir string) (train.Problem, error) {
	if c.Net != train.ResNet18 {
		return paper.Problem(c)
	}
	set, err := load(dir, c)
	if err != nil {
		return nil, err
	}
	return c.Images(set)
}

// resolve fills what no flag says from the preset that suits.
func (o *trainOptions) resolve(f *pflag.FlagSet, engine string, out io.Writer) (train.Config, string, error) {
	dir, err := o.dataset.find(out)
	if err != nil {
		return train.Config{}, "", err
	}
	preset := paper.AutoPreset(engine, dir == "")
	c := preset.Base
	c.StepSize, c.DecayAt = preset.Large, 0.5
	if f.Changed("step-size") {
		c.DecayAt = 0
	}
	if err := o.overrule(f, &c); err != nil {
		return c, dir, err
	}
	if err := o.dataset.fit(f, &c, dir); err != nil {
		return c, dir, err
	}
	if c.Phases, err = o.schedule(f, &c); err != nil {
		return c, dir, err
	}
	c.CountEpochs()
	return c, dir, c.Validate()
}

// overrule takes over the flags that were set.
func (o *trainOptions) overrule(f *pflag.FlagSet, c *train.Config) (err error) {
	from := &o.config
	c.Net = from.Net
	for name, set := range map[string]func(){
		"step-size":    func() { c.StepSize = o.stepSize.value },
		"decay-at":     func() { c.DecayAt = from.DecayAt },
		"warmup-exp":   func() { c.WarmupExp = from.WarmupExp },
		"warmup-gain":  func() { c.WarmupGain, c.WarmupPower = from.WarmupGain, from.WarmupPower },
		"momentum":     func() { c.Momentum = from.Momentum },
		"weight-decay": func() { c.WeightDecay = from.WeightDecay },
		"augment":      func() { c.Augment = from.Augment },
		"epochs":       func() { c.Epochs = from.Epochs },
		"batch":        func() { c.Batch = from.Batch },
		"width":        func() { c.Width = from.Width },
		"seed":         func() { c.Seed = from.Seed },
		"train-size":   func() { c.TrainSize = from.TrainSize },
		"test-size":    func() { c.TestSize = from.TestSize },
		"eval-every":   func() { c.EvalEvery = from.EvalEvery },
		"log-steps":    func() { c.LogSteps = from.LogSteps },
		"sparsity":     func() { c.Sparsity = from.Sparsity },
		"precision":    func() { c.Precision = o.engine.precision },
		"sampling":     func() { c.Sampling, err = data.ParseSampling(o.sampling) },
	} {
		if f.Changed(name) {
			set()
		}
	}
	o.overruleSmall(f, c)
	return err
}

// schedule makes the phases from --phases, or from the step size and where it
// decays, and notes whether they are multiples of the edge.
func (o *trainOptions) schedule(f *pflag.FlagSet, c *train.Config) (phases []train.Phase, err error) {
	o.relative = o.stepSize.edge
	if f.Changed("phases") {
		if phases, o.relative, err = train.ParsePhases(o.phases); err == nil {
			c.StepSize, c.DecayAt = phases[0].StepSize, 0
		}
		return phases, err
	}
	if c.DecayAt == 0 && !f.Changed("decay-at") {
		return train.Constant(c.StepSize), nil
	}
	return train.Decay(c.StepSize, c.DecayAt)
}

// multiply makes multiples of the edge step sizes.
func multiply(c *train.Config, edge float64) {
	for i := range c.Phases {
		c.Phases[i].StepSize *= edge
	}
	c.StepSize = c.Phases[0].StepSize
}

// resumed takes the settings from the run folder; flags may repeat them.
func (o *trainOptions) resumed(f *pflag.FlagSet) (c train.Config, dir string, err error) {
	if o.out == "" {
		return c, "", usageError{errors.New("--resume needs the run folder: --out DIR")}
	}
	file, err := train.ReadConfig(o.out)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c, "", fmt.Errorf("nothing to resume: %w", err)
	case err != nil:
		return c, "", err
	case file.Net != o.config.Net:
		return c, "", fmt.Errorf("%s holds a run of %s: go on with %s", o.out, file.Net, o.again(f, file.Net))
	}
	c = file.Config
	if err := o.overrule(f, &c); err != nil {
		return c, "", err
	}
	if f.Changed("phases") || f.Changed("step-size") || c.DecayAt != file.DecayAt {
		if c.Phases, err = o.schedule(f, &c); err != nil {
			return c, "", err
		}
		if o.relative { // to the edge that was found when the run began
			if file.Environment.Edge == 0 {
				return c, "", fmt.Errorf("%s: its step sizes are not multiples of the edge: leave them out to go on", o.out)
			}
			multiply(&c, file.Environment.Edge)
		}
	}
	dir = file.Environment.DataDir
	if f.Changed("dataset") && o.dataset.name != "auto" && (o.dataset.name == data.NameMadeUp) != (dir == "") {
		return c, "", fmt.Errorf("%s was trained on %s: leave out --dataset %s", o.out, c.Dataset, o.dataset.name)
	}
	if f.Changed("data") {
		if dir, err = data.FindCIFAR10(o.dataset.dir); err != nil {
			return c, "", err
		}
	}
	if c.Net == train.ResNet18 {
		o.engine.precision = c.Precision
	}
	if !f.Changed("engine") {
		o.engine.name = file.Environment.Engine
	}
	return c, dir, nil
}

func environment(e op.Engine, o engineOptions, dataDir string, edge float64) train.Environment {
	if abs, err := filepath.Abs(dataDir); err == nil && dataDir != "" { // to resume from anywhere
		dataDir = abs
	}
	env := train.Environment{Version: version(), Go: runtime.Version(), Engine: e.Name(), Device: e.Device(), DataDir: dataDir, Edge: edge}
	if e.Name() == "cpu" {
		env.Threads = o.threads
	}
	return env
}

// training is one run as a command shows it.
type training struct {
	out, progress io.Writer
	options       train.Options
	again         string // what to run to go on after Ctrl-C
	quiet         bool   // no lines but of trouble where nobody watches
}

// run trains and says how it ended. The label is of its progress, the run folder
// if it is empty.
func (t *training) run(ctx context.Context, label string) error {
	finish := func() {}
	if !t.quiet || isTerminal(t.progress) {
		t.options.Hooks, finish = follow(t.progress, label, t.options.Dir)
	}
	begun, start := false, t.options.Hooks.Start
	t.options.Hooks.Start = func(c train.Config, step int) {
		begun = true
		if label == "" {
			fmt.Fprintf(t.progress, "%s: %s\n", t.options.Dir, describe(&c))
		}
		if start != nil {
			start(c, step)
		}
	}
	status, err := train.Run(ctx, t.options)
	finish()
	switch {
	case errors.Is(err, train.ErrInterrupted):
		fmt.Fprintf(t.progress, "%s: interrupted at step %d, checkpoint saved; go on with %s\n", t.options.Dir, status.Step, t.again)
		return errInterrupted
	case err != nil:
		return err
	case status.State == metrics.Diverged:
		fmt.Fprintf(t.out, "%s: diverged at epoch %.2f (%s)\n", t.options.Dir, status.Epoch, status.Message)
		return nil
	}
	if t.quiet {
		return nil
	}
	return t.reportFinal(begun)
}

// reportFinal prints the last row of the records, of this training or an earlier
// one.
func (t *training) reportFinal(now bool) error {
	run, err := metrics.OpenRun(t.options.Dir)
	if err != nil {
		return err
	}
	last := run.Rows[len(run.Rows)-1]
	already := ""
	if !now {
		already = "already trained: "
	}
	fmt.Fprintf(t.out, "%s: %straining loss %.4g%s, %.1f s\n", t.options.Dir, already, last.TrainLoss, testResult(last), last.Seconds)
	return nil
}
