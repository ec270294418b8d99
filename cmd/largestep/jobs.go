package main

import (
	"fmt"

	"github.com/spf13/pflag"
	"largestep/cmd/internal/usage"
	"largestep/nets/op"
	"largestep/train/catalog"
)

// jobOptions say how many runs are trained at a time, and on what.
type jobOptions struct {
	jobs int
	gpus []int
}

func (o *jobOptions) addFlags(f *pflag.FlagSet) {
	f.IntVar(&o.jobs, "jobs", 0, "runs to train at a time, which share the threads (default 1, or one on each of the --gpus)")
	f.IntSliceVar(&o.gpus, "gpus", nil, "GPUs to train on, such as 0,1,2,3: those that \"largestep engines\" lists, a run at a time on each")
}

// open opens an engine for each job.
func (o *jobOptions) open(e *engineOptions, p catalog.Problem, precision string) (engines []op.Engine, err error) {
	jobs := max(o.jobs, 1)
	switch {
	case o.jobs < 0 || o.jobs > maxThreads:
		return nil, fmt.Errorf("%d jobs: want 1 to %d", o.jobs, maxThreads)
	case len(o.gpus) == 0:
	case e.name == "cpu":
		return nil, usage.Errorf("--gpus is of --engine cuda: leave one out")
	default:
		e.name, e.device = "cuda", o.gpus[0]
		jobs = max(o.jobs, len(o.gpus))
	}
	b, err := e.chooseFor(p)
	if err != nil {
		return nil, err
	}
	e.threads = max(1, e.threads/jobs)
	for k := range jobs {
		each := *e
		if len(o.gpus) > 0 {
			each.device = o.gpus[k%len(o.gpus)]
		}
		engine, err := b.open(each, precision)
		if err != nil {
			closeAll(engines)
			return nil, err
		}
		engines = append(engines, engine)
	}
	return engines, nil
}

func closeAll(engines []op.Engine) {
	for _, e := range engines {
		e.Close()
	}
}
