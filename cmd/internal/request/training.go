package request

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/spf13/pflag"
	"largestep/cmd/internal/flags"
	"largestep/cmd/internal/usage"
	"largestep/train/catalog"
	"largestep/train/run"
	"largestep/train/shell"
	"largestep/train/trainer"
)

// Training is what the flags of "train NET" ask for: a training in a run folder, new
// or begun.
type Training struct {
	*Request
	dir       string
	resuming  bool
	save      time.Duration
	keep      int
	saveEvery int
	file      fromFile
}

// NewTraining is a request for a training of a problem.
func NewTraining(p catalog.Problem) *Training { return &Training{Request: New(p, flags.Training...)} }

// Add adds the flags to a command's.
func (t *Training) Add(f *pflag.FlagSet) {
	t.AddTraining(f)
	f.StringVar(&t.dir, "out", "", "run folder (default: in runs/, named after the settings)")
	f.BoolVar(&t.resuming, "resume", false, "go on with the run in the run folder, or begin it; its settings count, flags that differ are refused, but for more --epochs or --steps where no step size depends on them")
	f.StringVar(&t.file.path, "config", "", "file of settings: a run's config.json, or YAML with the names of its options; flags win")
	f.DurationVar(&t.save, "checkpoint-every", 30*time.Second, "least time between checkpoints")
	f.IntVar(&t.keep, "keep", 0, "checkpoints to keep beside the latest, as checkpoint-STEP.safetensors; while it trains, the last one stays in any case")
	f.IntVar(&t.saveEvery, "save-every", 0, "epochs after which parameters are kept, as epoch-N.safetensors (default: not)")
}

// Prepare resolves flags, file and run folder, loads the data, opens the engine, and
// finds the edge of divergence where step sizes are relative to it; Close gives the
// engine back. Where only the settings are wanted, the run folder may hold anything.
func (t *Training) Prepare(ctx context.Context, f *pflag.FlagSet, out io.Writer, settingsOnly bool) error {
	if t.save < 0 {
		return fmt.Errorf("a checkpoint every %v: want 0 or more", t.save)
	}
	if t.keep < 0 || t.saveEvery < 0 {
		return fmt.Errorf("--keep %d, --save-every %d: want 0 or more", t.keep, t.saveEvery)
	}
	if t.resuming {
		if err := t.findRun(); err != nil {
			return err
		}
	}
	if err := t.readFile(f); err != nil {
		return err
	}
	if err := t.Request.Prepare(ctx, f, out); err != nil {
		if t.resumed != nil {
			return fmt.Errorf("%s: %w", t.dir, err)
		}
		return err
	}
	if err := t.settle(ctx, f, out, settingsOnly); err != nil {
		t.Close()
		return err
	}
	return nil
}

// settle checks and finds what needs the problem and the engine.
func (t *Training) settle(ctx context.Context, f *pflag.FlagSet, out io.Writer, settingsOnly bool) error {
	if err := t.checkInit(); err != nil {
		return err
	}
	if !settingsOnly {
		if err := t.chooseFolder(f); err != nil {
			return err
		}
	}
	if t.Config.Schedule.OfEdge {
		return t.findEdge(ctx, out)
	}
	return nil
}

// Options are those of the training, once prepared.
func (t *Training) Options() trainer.Options {
	return trainer.Options{
		Config: t.Config, Environment: t.environment(), Dir: t.dir, Resume: t.resuming,
		Init: t.Init, Problem: t.Problem, Engine: t.Opened, CheckpointEvery: t.save, Keep: t.keep, SaveEvery: t.saveEvery,
	}
}

// findRun reads the run to go on with, if there is one.
func (t *Training) findRun() (err error) {
	if t.dir == "" {
		return usage.Errorf("--resume needs the run folder: --out DIR")
	}
	t.resumed, err = run.ReadConfig(t.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		t.resumed = nil
		return run.CheckNew(t.dir)
	case err == nil && t.resumed.Net != t.Entry.Name:
		net := t.resumed.Net
		t.resumed = nil
		return fmt.Errorf("%s holds a run of %s: go on with largestep train %s --resume --out %s", t.dir, net, net, shell.Word(t.dir))
	}
	return err
}

// Again is the command that goes on with the run.
func (t *Training) Again(f *pflag.FlagSet) string {
	command := fmt.Sprintf("largestep train %s --resume --out %s", t.Entry.Name, shell.Word(t.dir))
	for _, name := range []string{"threads", "checkpoint-every", "keep", "save-every", "init"} { // which its folder does not say
		if f.Changed(name) {
			command += fmt.Sprintf(" --%s %s", name, shell.Word(f.Lookup(name).Value.String()))
		}
	}
	return command
}
