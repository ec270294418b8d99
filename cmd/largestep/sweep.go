package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"largestep/cmd/internal/usage"
	"largestep/data"
	"largestep/train/catalog"
	"largestep/train/experiment"
	"largestep/train/progress"
	"largestep/train/settings"
	"largestep/train/sweep"
)

func newSweep() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sweep",
		Short: "Train the product of lists of settings, here or on a cluster",
		RunE:  usage.Subcommand("what of a sweep? \"largestep sweep train NET\" trains one"),
	}
	cmd.AddCommand(newSweepTrain(), newSweepTask(), newSweepStatus(), newSweepCollect())
	return cmd
}

// sweepOptions are the flags of sweep train NET.
type sweepOptions struct {
	entry  catalog.Problem
	lists  []*pflag.Flag // of settings
	file   string
	seeds  int
	print  bool
	engine engineOptions
	jobs   jobOptions
	out    string
	save   time.Duration
	slurm  slurmOptions
}

func newSweepTrain() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "train NET",
		Short: "Train the product of all lists",
		Long: `Trains a run for each element of the product of all lists: flags that take lists
are those of "largestep train NET". Values that have commas themselves (--phases,
--widths, --measure) are given by repeating the flag.

With --config, a YAML file says the same: lists are axes; under zip are lists that
go together, the first values, the second ones, and so on; the schedule may be a
list of several, each a rule, or settings that make one:

  net: resnet18
  step_size: [0.05, 0.2, 0.5]
  seeds: 3
  zip: {width: [8, 16], batch: [32, 64]}
  schedule: [cosine, {step_size: 1, decay_at: 0.3}]

Finished runs are kept, cut ones go on; the same command goes on with a sweep.
Another sweep may not use the folder, unless it has all of its runs: a sweep may
grow. Two sweeps at once on one folder share the work. What runs of equal
settings and schedules have in common at their beginning is trained once.`,
		Example: `  largestep sweep train resnet18 --step-size 0.05,0.2,0.5,1 --batch 32,64 --seeds 3 --jobs 2 --out sweep
  largestep sweep train resnet18 --step-size 0.5 --decay-at 0.1,0.3,0.5 --out decays      one beginning, three ends
  largestep sweep train --config sweep.yaml --gpus 0,1,2,3 --out sweep
  largestep sweep train diagonal --step-size 0.5edge,0.9edge --seeds 8 --out s --on slurm --partition long --time 1:00:00
  largestep sweep train svm --batch 1,4 --out s --print | parallel`,
	}
	perNet(cmd, newSweepNet, catalog.Problems...)
	return orFromFile(cmd)
}

// single are the settings of which a sweep has one.
var single = []string{"dataset", "data", "precision"}

func newSweepNet(p catalog.Problem) *cobra.Command {
	o := &sweepOptions{entry: p}
	cmd := &cobra.Command{
		Long: fmt.Sprintf("Trains the product of lists of settings of %s (%s).", p.Title, p.About),
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	newRequest(p).addTraining(all)
	f := cmd.Flags()
	o.engine.addFlags(f)
	all.VisitAll(func(one *pflag.Flag) {
		if f.Lookup(one.Name) == nil { // else of the engine
			listed := *one
			listed.Value, listed.Changed = &list{flag: one.Name, of: one.Value.Type()}, false
			if !slices.Contains(single, one.Name) {
				listed.Usage += "; or a list"
			}
			f.AddFlag(&listed)
			o.lists = append(o.lists, &listed)
		}
	})
	f.StringVar(&o.file, "config", "", "file of settings, in which lists are axes; flags win")
	f.IntVar(&o.seeds, "seeds", 0, "runs of each setting, with seeds from --seed on (default 1)")
	f.BoolVar(&o.print, "print", false, "print a command for each run, a line each, and train nothing")
	f.StringVar(&o.out, "out", "", "folder of the sweep (required)")
	f.DurationVar(&o.save, "checkpoint-every", 30*time.Second, "least time between checkpoints, which are taken after evaluations")
	o.jobs.addFlags(f)
	o.slurm.addFlags(f)
	return cmd
}

// list is a flag of several values.
type list struct {
	flag, of string
	values   []string
}

// whole are flags whose values have commas of their own.
var whole = []string{"phases", "widths", "measure"}

func (l *list) String() string { return strings.Join(l.values, ",") }
func (l *list) Type() string   { return l.of }

func (l *list) Set(text string) error {
	values := []string{text}
	if !slices.Contains(whole, l.flag) {
		values = strings.Split(text, ",")
	}
	for _, v := range values {
		if v = strings.TrimSpace(v); v == "" {
			return errors.New("want values between the commas")
		}
		l.values = append(l.values, v)
	}
	return nil
}

// sweep is what flags and file say.
func (o *sweepOptions) sweep(f *pflag.FlagSet) (*sweep.Sweep, error) {
	var axes []settings.Axis
	var typed []string
	for _, flag := range o.lists {
		if !f.Changed(flag.Name) {
			continue
		}
		typed = append(typed, flag.Name)
		var axis settings.Axis
		for _, v := range flag.Value.(*list).values {
			axis = append(axis, settings.Point{{Name: optionOf(flag.Name), Value: v}})
		}
		if len(axis) > 1 && slices.Contains(single, flag.Name) {
			return nil, usage.Errorf("--%s: a sweep has one", flag.Name)
		}
		axes = append(axes, axis)
	}
	if o.file != "" {
		file, err := settings.Read(o.file, knownOptions())
		if err != nil {
			return nil, err
		}
		if file.Net != "" && file.Net != o.entry.Name {
			return nil, usage.Errorf("%s is of %s, not of %s", o.file, file.Net, o.entry.Name)
		}
		if !f.Changed("seeds") && !f.Changed("seed") {
			o.seeds = file.Seeds
		}
		more, err := without(file, (&fromFile{typed: typed}).overruled(), o.entry)
		if err != nil {
			return nil, err
		}
		axes = append(axes, more...)
	}
	if f.Changed("seeds") && o.seeds < 1 {
		return nil, fmt.Errorf("%d seeds: want 1 or more", o.seeds)
	}
	return sweep.New(o.entry.Name, axes, o.seeds)
}

// without are the axes of a file that no flag overrules.
func without(file *settings.File, overruled []string, p catalog.Problem) (axes []settings.Axis, err error) {
	for _, axis := range file.Axes {
		var rest, gone []string
		for _, name := range axis.Names() {
			if slices.Contains(overruled, flagOf(name)) || file.Recorded && !takes(p, flagOf(name)) || slices.Contains(ofEngine, name) {
				gone = append(gone, name)
			} else {
				rest = append(rest, name)
			}
		}
		if len(gone) > 0 && len(rest) > 0 {
			return nil, fmt.Errorf("%s: %s goes together with %s: a flag cannot overrule one of them", file.Path, gone[0], rest[0])
		}
		if len(axis) > 1 && len(rest) > 0 && slices.Contains(single, rest[0]) {
			return nil, fmt.Errorf("%s: %s: a sweep has one", file.Path, rest[0])
		}
		if len(gone) == 0 {
			axes = append(axes, axis)
		}
	}
	return axes, nil
}

// ofEngine are the options of what computes, which is no setting of a sweep.
var ofEngine = []string{"engine", "device", "threads"}

func (o *sweepOptions) run(cmd *cobra.Command) error {
	if o.out == "" {
		return usage.Errorf("where to? give a folder with --out, such as --out sweep")
	}
	if o.save < 0 {
		return fmt.Errorf("a checkpoint every %v: want 0 or more", o.save)
	}
	s, err := o.sweep(cmd.Flags())
	if err != nil {
		return err
	}
	if on := o.slurm.on; on != "" && on != "slurm" {
		return usage.Errorf("--on %s: only slurm is known; --print gives commands for others", on)
	}
	trained, err := o.experiment(cmd, s, !o.print && o.slurm.on == "")
	if err != nil {
		return err
	}
	defer closeAll(trained.Engines)
	if o.print {
		return o.printCommands(cmd.OutOrStdout(), s)
	}
	if err := s.Claim(o.out); err != nil {
		if errors.Is(err, sweep.ErrAnother) {
			err = fmt.Errorf("%w: choose another folder with --out", err)
		}
		return err
	}
	if o.slurm.on != "" {
		return o.submit(cmd, s)
	}
	w := &progress.Watcher{Out: cmd.OutOrStdout(), Progress: cmd.ErrOrStderr(), Brief: !o.entry.Reads(), Jobs: len(trained.Engines), Failures: true}
	trained.Watcher = w
	failed := trained.Train(cmd.Context())
	if w.Interrupted(failed) {
		return errInterrupted
	}
	if err := collect(cmd.OutOrStdout(), s, o.out, nil); err != nil && failed == nil {
		return err
	}
	return advise(failed)
}

// experiment resolves the runs of a sweep, and opens engines if they are to be
// trained.
func (o *sweepOptions) experiment(cmd *cobra.Command, s *sweep.Sweep, train bool) (*experiment.Experiment, error) {
	engine := o.engine.name
	if train || engine != "cuda" { // which where a job is submitted there may not be
		backend, err := o.engine.chooseFor(o.entry)
		if err != nil {
			return nil, err
		}
		engine = backend.name
	}
	r := resolver{sweepOptions: o, engine: engine, out: cmd.ErrOrStderr(), sets: map[string]*data.Dataset{}}
	e := &experiment.Experiment{Dir: o.out, Problem: o.entry, CheckpointEvery: max(o.save, time.Nanosecond)}
	precision := ""
	for i, point := range s.Runs() {
		if i == 0 || point.Setting != e.Settings[len(e.Settings)-1].Label {
			e.Settings = append(e.Settings, experiment.Setting{Label: point.Setting})
		}
		run, err := r.resolve(point)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", point.Name, usage.Explain(cmd, err))
		}
		last := &e.Settings[len(e.Settings)-1]
		last.Runs = append(last.Runs, run)
		precision = run.Config.Precision
	}
	if !train {
		return e, nil
	}
	var err error
	if e.Engines, err = o.jobs.open(&o.engine, o.entry, precision); err != nil {
		return nil, err
	}
	e.Environment = o.engine.environment(e.Engines[0], r.place, 0)
	return e, nil
}

// resolver makes runs of settings.
type resolver struct {
	*sweepOptions
	engine string
	out    io.Writer
	place  data.Place
	sets   map[string]*data.Dataset // by their sizes
}

func (r *resolver) resolve(point sweep.Run) (made experiment.Run, err error) {
	q := newRequest(r.entry)
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	q.addTraining(f)
	for _, s := range point.Settings {
		name := flagOf(s.Name)
		if !takes(r.entry, name) {
			return made, fmt.Errorf("%s means nothing to %s", s.Name, r.entry.Name)
		}
		if err := f.Set(name, s.Value); err != nil {
			return made, err
		}
	}
	if err := q.check(f); err != nil {
		return made, err
	}
	if err := q.resolve(f, r.out, r.engine, trainGroups); err != nil {
		return made, err
	}
	r.out, r.place = io.Discard, q.place // it has been said
	known := q.config
	if known.Schedule.OfEdge {
		known.Schedule = known.Schedule.Times(1)
	}
	if err := r.entry.Validate(known); err != nil {
		return made, err
	}
	made = experiment.Run{Name: point.Name, Config: q.config}
	if q.init != "" {
		if made.Init, err = filepath.Abs(q.init); err != nil {
			return made, err
		}
	}
	if r.entry.Reads() {
		key := fmt.Sprint(q.config.TrainSize, q.config.TestSize)
		if r.sets[key] == nil {
			if r.sets[key], err = q.place.Load(q.config.TrainSize, q.config.TestSize); err != nil {
				return made, err
			}
		}
		made.Data = r.sets[key]
		made.Config.Dataset = made.Data.Name
	}
	if q.config.Schedule.OfEdge {
		if err := r.entry.CheckEdge(q.config); err != nil {
			return made, err
		}
		made = made.OfEdge(r.entry.EdgeSteps(&q.config))
	}
	return made, nil
}

// printCommands prints a command for each run.
func (o *sweepOptions) printCommands(w io.Writer, s *sweep.Sweep) error {
	for _, r := range s.Runs() {
		words := []string{"largestep", "train", s.Net}
		for _, x := range r.Settings {
			words = append(words, "--"+flagOf(x.Name)+"="+quote(x.Value))
		}
		fmt.Fprintf(w, "%s --out %s\n", strings.Join(words, " "), quote(filepath.Join(o.out, r.Name)))
	}
	return nil
}

// collect tabulates a sweep.
func collect(w io.Writer, s *sweep.Sweep, dir string, columns []string) error {
	text, picture, err := s.Collect(dir, columns)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s\ntable: %s (.csv)\n", text, filepath.Join(dir, "sweep.txt"))
	if picture != "" {
		fmt.Fprintf(w, "heat map: %s\n", picture)
	}
	return nil
}

// readSweep reads the sweep of a folder.
func readSweep(dir string) (*sweep.Sweep, error) {
	s, err := sweep.Read(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: not the folder of a sweep: it has no %s", dir, sweep.File)
	}
	return s, err
}

func newSweepCollect() *cobra.Command {
	var columns []string
	cmd := &cobra.Command{
		Use: "collect DIR", Short: "Tabulate the runs of a sweep, as far as they are", Args: usage.ExactArgs("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := readSweep(args[0])
			if err != nil {
				return err
			}
			return collect(cmd.OutOrStdout(), s, args[0], columns)
		},
	}
	cmd.Flags().StringSliceVar(&columns, "columns", nil, "columns of metrics.csv (default train_loss and test_error, or test_loss where there is no error)")
	return cmd
}

func newSweepStatus() *cobra.Command {
	return &cobra.Command{
		Use: "status DIR", Short: "Tell how the runs of a sweep stand", Args: usage.ExactArgs("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := readSweep(args[0])
			if err != nil {
				return err
			}
			return s.Status(cmd.OutOrStdout(), args[0])
		},
	}
}
