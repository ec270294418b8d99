package flags

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/spf13/pflag"
	"largestep/cmd/internal/usage"
	"largestep/data"
	"largestep/nets/op"
	"largestep/train/catalog"
	"largestep/train/machine/engines"
	"largestep/train/run"
)

// Engine are the flags that choose what computes.
type Engine struct {
	Name            string
	Device, Threads int
}

// Add adds them to a command's.
func (e *Engine) Add(f *pflag.FlagSet) {
	f.StringVar(&e.Name, "engine", engines.Auto, "what computes: auto, cpu or cuda (see \"largestep engines\")")
	f.IntVar(&e.Device, "device", 0, "which GPU computes, of those that \"largestep engines\" lists")
	f.IntVar(&e.Threads, "threads", runtime.NumCPU(), "threads of the cpu engine (default: one for each processor)")
	f.Lookup("threads").DefValue = "0" // which help does not print
}

// Choose finds the engine for a problem: automatically, only the cpu engine has the
// kernels of the small ones.
func (e *Engine) Choose(p catalog.Problem) (engines.Engine, error) {
	if !p.Reads() && e.Name == engines.Auto {
		e.Name = "cpu"
	}
	chosen, err := engines.Choose(e.Name, e.options(""))
	switch {
	case errors.Is(err, engines.ErrOneDevice):
		err = fmt.Errorf("%w: --device %d needs --engine cuda", err, e.Device)
	case errors.Is(err, engines.ErrNotBuilt):
		err = fmt.Errorf("%w; build with \"go build -tags gpu ./cmd/largestep\"", err)
	}
	return chosen, err
}

// Open opens the engine for a problem, with a number format.
func (e *Engine) Open(p catalog.Problem, precision string) (op.Engine, error) {
	chosen, err := e.Choose(p)
	if err != nil {
		return nil, err
	}
	return e.open(chosen, precision)
}

func (e *Engine) open(chosen engines.Engine, precision string) (op.Engine, error) {
	opened, err := chosen.Open(e.options(precision))
	if errors.Is(err, engines.ErrPrecision) {
		return nil, fmt.Errorf("%w: --precision %s needs --engine cuda", err, precision)
	}
	return opened, err
}

func (e *Engine) options(precision string) engines.Options {
	return engines.Options{Device: e.Device, Threads: e.Threads, Precision: precision}
}

// Environment notes what computes, from what data, and with what edge of divergence
// if step sizes are relative to one.
func (e *Engine) Environment(opened op.Engine, place data.Place, edge float64) run.Environment {
	env := run.Process()
	env.DataDir, env.Edge = place.Dir, edge
	if abs, err := filepath.Abs(place.Dir); err == nil && place.Dir != "" { // to resume from anywhere
		env.DataDir = abs
	}
	if opened.Name() == "cpu" {
		env.Threads = e.Threads
	}
	return env
}

// Jobs are the flags that say how many runs are trained at a time, and on what.
type Jobs struct {
	number int
	gpus   []int
}

// Add adds them to a command's.
func (j *Jobs) Add(f *pflag.FlagSet) {
	f.IntVar(&j.number, "jobs", 0, "runs to train at a time, which share the threads (default 1, or one on each of the --gpus)")
	f.IntSliceVar(&j.gpus, "gpus", nil, "GPUs to train on, such as 0,1,2,3: those that \"largestep engines\" lists, a run at a time on each")
}

// Open opens an engine for each job, which share the threads.
func (j *Jobs) Open(e *Engine, p catalog.Problem, precision string) (opened []op.Engine, err error) {
	jobs := max(j.number, 1)
	switch {
	case j.number < 0 || j.number > engines.MaxThreads:
		return nil, fmt.Errorf("%d jobs: want 1 to %d", j.number, engines.MaxThreads)
	case len(j.gpus) == 0:
	case e.Name == "cpu":
		return nil, usage.Errorf("--gpus is of --engine cuda: leave one out")
	default:
		e.Name, e.Device = "cuda", j.gpus[0]
		jobs = max(j.number, len(j.gpus))
	}
	chosen, err := e.Choose(p)
	if err != nil {
		return nil, err
	}
	e.Threads = max(1, e.Threads/jobs)
	for k := range jobs {
		each := *e
		if len(j.gpus) > 0 {
			each.Device = j.gpus[k%len(j.gpus)]
		}
		engine, err := each.open(chosen, precision)
		if err != nil {
			CloseAll(opened)
			return nil, err
		}
		opened = append(opened, engine)
	}
	return opened, nil
}

// CloseAll gives engines back.
func CloseAll(opened []op.Engine) {
	for _, e := range opened {
		e.Close()
	}
}
