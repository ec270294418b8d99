package experiment

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"largestep/metrics/record"
	"largestep/train/run"
	"largestep/train/trainer"
)

// job is a run to be trained.
type job struct {
	Run
	number int // in the order of Train
	dir    string
	origin *job // the run that it begins as; nil for none
	shared int  // how many steps both take

	released bool      // the origin has passed its step, or never will
	state    jobState  //
	again    time.Time // when to look again for a run that another process trains
	err      error
}

type jobState int

const (
	waiting jobState = iota
	training
	elsewhere // by another process
	done
)

// queue hands out jobs.
type queue struct {
	sync.Mutex
	jobs        []*job
	changed     chan struct{} // closed whenever something may have become ready
	interrupted bool
	fatal       error // no run can be trained with
}

func newQueue(jobs []*job) *queue { return &queue{jobs: jobs, changed: make(chan struct{})} }

// lookEvery is how often runs are looked at that other processes train.
const lookEvery = time.Second

// next is the first job that can begin, nil if there will be none.
func (q *queue) next(ctx context.Context) *job {
	for {
		j, changed, more := q.take()
		if j != nil || !more {
			return j
		}
		select {
		case <-changed:
		case <-time.After(lookEvery):
		case <-ctx.Done():
			q.Lock()
			q.interrupted = true
			q.Unlock()
			return nil
		}
	}
}

// take is next without waiting; more tells that there may be one later.
func (q *queue) take() (j *job, changed chan struct{}, more bool) {
	q.Lock()
	defer q.Unlock()
	if q.interrupted || q.fatal != nil {
		return nil, nil, false
	}
	for _, j := range q.jobs {
		if j.ready() {
			j.state = training
			return j, nil, true
		}
		more = more || j.state == waiting || j.state == elsewhere
	}
	return nil, q.changed, more
}

// ready tells whether a job can begin.
func (j *job) ready() bool {
	switch j.state {
	case waiting:
		return j.origin == nil || j.released || j.origin.state == elsewhere && j.origin.passed(j)
	case elsewhere:
		if time.Now().Before(j.again) {
			return false
		}
		j.again = time.Now().Add(lookEvery)
		release, err := run.Lock(j.dir)
		if err == nil {
			release()
		}
		return err == nil
	}
	return false
}

// passed tells of a job of another process whether it has begun an heir, or never
// will.
func (j *job) passed(heir *job) bool {
	if begun(heir.dir) {
		return true
	}
	status, err := record.ReadStatus(j.dir)
	return err != nil || status.State != record.Running && status.State != record.Interrupted || status.Step > heir.shared
}

// release tells that a job need not wait any longer.
func (q *queue) release(j *job) {
	q.Lock()
	defer q.Unlock()
	j.released = true
	q.wake()
}

func (q *queue) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// end notes what became of a job.
func (q *queue) end(j *job, err error) {
	q.Lock()
	defer q.Unlock()
	defer q.wake()
	if errors.Is(err, run.ErrLocked) {
		j.state, j.again = elsewhere, time.Now().Add(lookEvery)
		return
	}
	j.state, j.err = done, err
	switch {
	case errors.Is(err, trainer.ErrInterrupted):
		q.interrupted = true
	case errors.Is(err, run.ErrAnotherRun), errors.Is(err, run.ErrNotEmpty):
		q.fatal = err // of another experiment's folder
	}
	for _, heir := range q.jobs {
		if heir.origin == j {
			heir.released = true
		}
	}
}

// begun tells whether a run has a state from which it goes on.
func begun(dir string) bool {
	status, err := record.ReadStatus(dir)
	return err == nil && status.Step > 0 || exists(filepath.Join(dir, run.CheckpointFile))
}
