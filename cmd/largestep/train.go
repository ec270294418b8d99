package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"largestep/cmd/internal/usage"
	"largestep/metrics/record"
	"largestep/train/catalog"
	"largestep/train/progress"
	"largestep/train/run"
	"largestep/train/trainer"
)

// trainGroups are the flags of a training that make its config.
var trainGroups = []func(*pflag.FlagSet, *run.Config){addExamples, addDescent, addLength, addRecords}

// trainOptions are the flags of train NET.
type trainOptions struct {
	*request
	out       string
	resume    bool
	save      time.Duration
	keep      int
	saveEvery int
	file      fromFile
	print     bool
}

func newTrain() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "train NET",
		Short: "Train a network with a step-size schedule",
		Long: `Train trains a network and leaves its records and checkpoints in a run folder.
"largestep train NET --help" lists the flags of each NET. What no flag says comes
from this table. The scale of a classifier of images is the one that suits data
set and machine: quick for the made-up set, small for CIFAR-10 on a CPU, paper on
a GPU; its step size is decayed at 50 % of the epochs.

` + defaults(),
		Example: `  largestep train resnet18                                       a large step size, decayed half-way
  largestep train resnet18 --step-size 0.03                      a small constant one
  largestep train resnet18 --step-size 0.5 --decay-at 0.3        a tenth from 30 %, a hundredth from 90 % on
  largestep train resnet18 --phases "1.5@0,0.15@0.5,0.015@0.9"   any piecewise schedule
  largestep train least-squares --schedule inverse-sqrt:100      C/√(1 + t/100)
  largestep train resnet18 --sampling full --batch 250 --epochs 500 --eval-every 25   gradient descent
  largestep train resnet18 --out runs/a --resume                 go on after Ctrl-C or a crash
  largestep train diagonal --phases "0.985edge@0,0.29edge@0.3"   SGD on a diagonal linear network, at the edge of divergence
  largestep train diagonal --phases "0.2@0,0.06@0.3" --label-noise 0.2                noise on the labels, until the decay
  largestep train relu --widths 20,20 --step-size 0.1edge        at a tenth of the step size that diverges
  largestep train --config runs/a/config.json --out runs/b       the same again, to the last bit
  largestep train --config runs/a/config.json --seed 1           all but the seed
  largestep train resnet18 --momentum 0.9 --print-config         what it would train with, for a --config`,
	}
	perNet(cmd, newTrainNet, catalog.Problems...)
	return orFromFile(cmd)
}

// orFromFile lets the file of --config name the NET of a command.
func orFromFile(cmd *cobra.Command) *cobra.Command {
	withNet := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if path := cmd.Flags().Lookup("config"); len(args) == 0 && path.Changed {
			return trainFile(cmd, path.Value.String())
		}
		return withNet(cmd, args)
	}
	return cmd
}

func newTrainNet(p catalog.Problem) *cobra.Command {
	o := &trainOptions{request: newRequest(p)}
	cmd := &cobra.Command{
		Long: fmt.Sprintf(`Trains %s: %s.
Its defaults are below; "largestep train --help" has examples.`, p.Name, p.About),
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	f := cmd.Flags()
	o.addTraining(f)
	f.StringVar(&o.out, "out", "", "run folder (default: in runs/, named after the settings)")
	f.BoolVar(&o.resume, "resume", false, "go on with the run in the run folder, or begin it; its settings count, flags that differ are refused, but for more --epochs or --steps where no step size depends on them")
	f.StringVar(&o.file.path, "config", "", "file of settings: a run's config.json, or YAML with the names of its options; flags win")
	f.BoolVar(&o.print, "print-config", false, "print the settings as --config reads them, and train nothing")
	f.DurationVar(&o.save, "checkpoint-every", 30*time.Second, "least time between checkpoints")
	f.IntVar(&o.keep, "keep", 0, "checkpoints to keep beside the latest, as checkpoint-STEP.safetensors; while it trains, the last one stays in any case")
	f.IntVar(&o.saveEvery, "save-every", 0, "epochs after which parameters are kept, as epoch-N.safetensors (default: not)")
	return cmd
}

// addTraining adds the flags that say what is trained.
func (r *request) addTraining(f *pflag.FlagSet) {
	r.schedule.add(f)
	r.addSettings(f, trainGroups...)
	f.StringVar(&r.init, "init", "", "file to take initial parameters and running statistics from, as eval does")
}

// defaults is a table of what nets are trained with when no flag says otherwise.
func defaults() string {
	var b strings.Builder
	var images []string
	for _, p := range catalog.Problems {
		if p.Reads() {
			images = append(images, p.Name)
		}
	}
	fmt.Fprintf(&b, "  %s:\n", strings.Join(images, ", "))
	for _, s := range catalog.Scales {
		if !s.Figures {
			fmt.Fprintf(&b, "    %-5s %d images, width %d, batch %d, %d epochs, step size %g\n", s.Name, s.TrainSize, s.Width, s.Batch, s.Epochs, s.StepSize)
		}
	}
	for _, p := range catalog.Problems {
		if c := p.Defaults(catalog.Circumstances{}); !p.Reads() {
			fmt.Fprintf(&b, "  %-13s %s instance, %d examples, batch %d, %d steps, step size %g\n", p.Name, c.Instance, c.TrainSize, c.Batch, c.Steps(), c.Schedule.First())
		}
	}
	return b.String()
}

func (o *trainOptions) run(cmd *cobra.Command) (err error) {
	if o.save < 0 {
		return fmt.Errorf("a checkpoint every %v: want 0 or more", o.save)
	}
	if o.keep < 0 || o.saveEvery < 0 {
		return fmt.Errorf("--keep %d, --save-every %d: want 0 or more", o.keep, o.saveEvery)
	}
	if o.resume {
		if err := o.findRun(cmd.Flags()); err != nil {
			return err
		}
	}
	if err := o.readFile(cmd); err != nil {
		return err
	}
	if err := o.prepare(cmd, trainGroups...); err != nil {
		if o.resumed != nil {
			return fmt.Errorf("%s: %w", o.out, err)
		}
		return err
	}
	defer o.Close()
	if err := o.checkInit(); err != nil {
		return err
	}
	if !o.print {
		if err := o.chooseFolder(cmd.Flags()); err != nil {
			return err
		}
	}
	if o.config.Schedule.OfEdge {
		if err := o.findEdge(cmd); err != nil {
			return err
		}
	}
	if o.print {
		return printConfig(cmd.OutOrStdout(), o.config)
	}
	t := training{
		out: cmd.OutOrStdout(), progress: cmd.ErrOrStderr(), again: o.again(cmd.Flags()),
		options: trainer.Options{
			Config: o.config, Environment: o.environment(), Dir: o.out, Resume: o.resume,
			Init: o.init, Problem: o.problem, Engine: o.open, CheckpointEvery: o.save, Keep: o.keep, SaveEvery: o.saveEvery,
		},
	}
	return advise(t.run(cmd.Context(), ""))
}

// findRun reads the run to go on with, if there is one.
func (o *trainOptions) findRun(f *pflag.FlagSet) (err error) {
	if o.out == "" {
		return usage.Errorf("--resume needs the run folder: --out DIR")
	}
	o.resumed, err = run.ReadConfig(o.out)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		o.resumed = nil
		return advise(run.CheckNew(o.out))
	case err == nil && o.resumed.Net != o.entry.Name:
		net := o.resumed.Net
		o.resumed = nil
		return fmt.Errorf("%s holds a run of %s: go on with largestep train %s --resume --out %s", o.out, net, net, quote(o.out))
	}
	return err
}

// advise adds to an error of a run folder what flag helps.
func advise(err error) error {
	switch {
	case errors.Is(err, run.ErrAnotherRun), errors.Is(err, run.ErrNotEmpty), errors.Is(err, run.ErrHoldsRun):
		return fmt.Errorf("%w: choose another folder with --out", err)
	case errors.Is(err, trainer.ErrInitialParameters):
		return fmt.Errorf("%w: give it with --init", err)
	case errors.Is(err, run.ErrEndsOtherwise):
		return fmt.Errorf("%w: begin another run with its checkpoint, by --init", err)
	case errors.Is(err, record.ErrLost):
		return fmt.Errorf("%w, by --init", err)
	}
	return err
}

// training is one run as a command shows it.
type training struct {
	out, progress io.Writer
	options       trainer.Options
	again         string // what to run to go on after Ctrl-C
}

// run trains and says how it ended. The label is of its progress, the run folder
// if it is empty.
func (t *training) run(ctx context.Context, label string) error {
	hooks, finish := progress.Follow(t.progress, label, t.options.Dir)
	begun, start := false, hooks.Start
	t.options.Hooks = hooks
	t.options.Hooks.Start = func(c run.Config, step int) {
		begun = true
		fmt.Fprintf(t.progress, "%s: %s\n", t.options.Dir, progress.Describe(&c))
		start(c, step)
	}
	status, err := trainer.Run(ctx, t.options)
	finish()
	if errors.Is(err, trainer.ErrInterrupted) {
		progress.Interrupted(t.progress, t.options.Dir, status, t.again)
		return errInterrupted
	}
	if err != nil {
		return err
	}
	return progress.Final(t.out, t.options.Dir, status, begun)
}
