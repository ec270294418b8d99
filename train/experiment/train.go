package experiment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"largestep/nets/op"
	"largestep/train/run"
	"largestep/train/trainer"
)

// defaultCheckpointEvery is the least time between two checkpoints of a run.
const defaultCheckpointEvery = 30 * time.Second

// Train trains what is missing, all settings with the first seed first, and goes
// on with what was cut short. Each engine trains a run at a time, in a goroutine of
// this process: whatever ends the process, runs are kept by their own checkpoints,
// so that processes of their own would keep no more, and data are in memory once.
// A run that another process trains is left to it; one that fails does not end the
// others. A beginning that several runs share is trained once.
func (e *Experiment) Train(ctx context.Context) error {
	jobs := e.jobs()
	q := newQueue(jobs)
	e.Watcher.Plan(len(jobs), left(jobs))
	errs := make(chan error, len(e.Engines))
	for _, engine := range e.Engines {
		go func() { errs <- e.work(ctx, q, engine) }()
	}
	var broken error
	for range e.Engines {
		broken = cmp.Or(broken, <-errs)
	}
	return cmp.Or(q.failure(), broken)
}

// TrainOne trains the run of a name alone. It waits for no other run.
func (e *Experiment) TrainOne(ctx context.Context, name string) error {
	jobs := e.jobs()
	for _, j := range jobs {
		if j.Name == name {
			return e.train(ctx, j, jobs, func(*job) {}, e.Engines[0])
		}
	}
	return fmt.Errorf("no run is called %s", name)
}

// work trains runs on an engine until there is none left for it.
func (e *Experiment) work(ctx context.Context, q *queue, engine op.Engine) error {
	for {
		j := q.next(ctx)
		if j == nil {
			return nil
		}
		q.end(j, e.train(ctx, j, q.jobs, q.release, engine))
		if err := engine.Free(); err != nil { // it computes no more
			return err
		}
	}
}

// train trains a run, which may begin others of the list. Of these, released is
// told of those that need not be waited for any longer.
func (e *Experiment) train(ctx context.Context, j *job, list []*job, released func(*job), engine op.Engine) error {
	dir := filepath.Join(e.Dir, j.Name)
	r, env := j.Run, e.Environment
	env.Engine, env.Device = engine.Name(), engine.Device()
	if r.relative != nil {
		edge, err := e.findEdge(ctx, r, engine)
		if err != nil {
			return err
		}
		env.Edge = edge
		r = r.at(edge)
	}
	if err := e.Problem.Validate(r.Config); err != nil {
		return err
	}
	problem, config, err := e.problem(r)
	if err != nil {
		return err
	}
	o := trainer.Options{
		Config: config, Environment: env, Dir: dir, Resume: true, Init: r.Init, Problem: problem, Engine: engine,
		CheckpointEvery: cmp.Or(e.CheckpointEvery, defaultCheckpointEvery),
	}
	if o.Branches, err = e.branches(j, list, o, released); err != nil {
		return err
	}
	o.Hooks = e.Watcher.Begin(fmt.Sprintf("%d/%d %s", j.number+1, len(list), j.Name), dir)
	status, err := trainer.Run(ctx, o)
	e.Watcher.End(dir, status, err)
	return err
}

// branches are the runs that begin as a job does.
func (e *Experiment) branches(j *job, list []*job, o trainer.Options, released func(*job)) (branches []trainer.Branch, err error) {
	for _, heir := range list {
		if heir.origin != j {
			continue
		}
		r := heir.Run
		if r.relative != nil {
			r = r.at(o.Environment.Edge)
		}
		if e.Problem.Validate(r.Config) != nil { // its own training says so
			released(heir)
			continue
		}
		_, config, err := e.problem(r)
		if err != nil {
			return nil, err
		}
		if run.Shared(o.Config, config) < heir.shared {
			released(heir)
			continue
		}
		branches = append(branches, trainer.Branch{
			Step: heir.shared, Dir: filepath.Join(e.Dir, heir.Name), Config: config, Environment: o.Environment, Begun: func() { released(heir) },
		})
	}
	return branches, nil
}

// failure is what went wrong with the runs, in a line.
func (q *queue) failure() error {
	var failed []*job
	for _, j := range q.jobs {
		if errors.Is(j.err, trainer.ErrInterrupted) {
			return j.err
		}
		if j.err != nil {
			failed = append(failed, j)
		}
	}
	if q.fatal != nil {
		return q.fatal
	}
	switch left := slices.ContainsFunc(q.jobs, func(j *job) bool { return j.state != done }); {
	case q.interrupted:
		return trainer.ErrInterrupted
	case len(failed) == 1:
		return failed[0].err
	case len(failed) > 1:
		return fmt.Errorf("%d of %d runs failed, the first with: %w", len(failed), len(q.jobs), failed[0].err)
	case left:
		return errors.New("runs are left, and no engine to train them")
	}
	return nil
}
