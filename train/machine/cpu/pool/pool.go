// Package pool runs loops on a fixed set of worker goroutines that spin for a
// short while between loops before they park, so that the many small kernels
// of a training step pay microseconds for a fork and join.
package pool

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"

	"golang.org/x/sys/cpu"
)

// A spin is spinRounds rounds of spinPauses looks at the awaited word, with a
// pause instruction or two in between (20 to 60 ns) and a yield to the Go
// scheduler after each round: 50 to 200 µs in all, a few µs a round.
const (
	spinRounds = 24
	spinPauses = 64
)

// One in restOf items of a loop belongs to no worker.
const restOf = 8

// A Pool runs loops on a fixed number of threads. One loop runs at a time: Do
// must not be called from two goroutines at once, nor from within a loop.
//
// The loop's items are handed out by counting unclaimed down. Whoever gets a
// number ≥ 0 holds a claim on the current loop, which cannot end, nor its
// fields change, before the claim is counted in done. Workers that come late
// find nothing to claim, and nobody waits for them.
//
// A claim is for the next item of the worker's own share, when that is done of the
// common rest, then of another's share. So a worker finds in its caches what it
// computed in the loop before, where loops go through their data in the same order,
// and the last items of a loop are begun in order.
type Pool struct {
	threads int
	f       func(worker, i int)
	n       int
	shares  []share // one for each worker, and the rest
	busy    atomic.Bool
	failure atomic.Pointer[Panic]

	_         cpu.CacheLinePad
	unclaimed atomic.Int64 // items not yet claimed; ≤ 0 when none are
	_         cpu.CacheLinePad
	done      atomic.Int64 // items finished
	_         cpu.CacheLinePad

	parked atomic.Int64  // workers that wait for wake and have no token under way
	wake   chan struct{} // one token for each worker to be woken
	closed atomic.Bool

	waiting  atomic.Bool   // the caller of Do waits for finished
	finished chan struct{} // a token for the caller of Do
}

// A share is the items [next, end) of a loop.
type share struct {
	next atomic.Int64
	end  int64
	_    cpu.CacheLinePad
}

// Panic is what Do panics with when its loop body panicked.
type Panic struct {
	Value any    // what the loop body panicked with
	Stack []byte // of the worker that ran it
}

// Error gives the value and the stack of the original panic.
func (p *Panic) Error() string {
	return fmt.Sprintf("%v\n\nin a worker of the pool:\n%s", p.Value, p.Stack)
}

// New returns a pool of the given number of threads (at least 1), of which one
// is the caller of Do. Close ends the others.
func New(threads int) *Pool {
	threads = max(threads, 1)
	p := &Pool{
		threads:  threads,
		shares:   make([]share, threads+1),
		wake:     make(chan struct{}, threads),
		finished: make(chan struct{}, 1),
	}
	for worker := 1; worker < threads; worker++ {
		go func() {
			for p.await() {
				p.run(worker)
			}
		}()
	}
	return p
}

// Threads returns the number of threads, the caller of Do included.
func (p *Pool) Threads() int { return p.threads }

// Do calls f(worker, i) once for every i in [0, n), in any order, and returns
// when all calls have. No two calls with the same worker in [0, Threads())
// overlap; worker 0 is the goroutine that called Do. With n ≤ 1 or one thread
// all calls are made directly by the caller, in order. If f panics, items not
// yet begun are left out and Do panics (with a *Panic if it ran on workers).
func (p *Pool) Do(n int, f func(worker, i int)) {
	if n <= 1 || p.threads == 1 {
		for i := range n {
			f(0, i)
		}
		return
	}
	if p.closed.Load() || !p.busy.CompareAndSwap(false, true) {
		panic("pool: Do on a pool that is closed or already running a loop")
	}
	p.f, p.n = f, n
	p.divide(n)
	p.done.Store(0)
	p.unclaimed.Store(int64(n))
	p.unpark(int64(n) - 1)
	p.run(0)
	p.join()
	p.f = nil
	failure := p.failure.Swap(nil)
	p.busy.Store(false)
	if failure != nil {
		panic(failure)
	}
}

// divide gives every worker its share of n items, and leaves the last of them as the rest.
func (p *Pool) divide(n int) {
	own := n - n/restOf
	for i := range p.shares {
		first, end := i*own/p.threads, (i+1)*own/p.threads
		if i == p.threads {
			end = n
		}
		p.shares[i].next.Store(int64(first))
		p.shares[i].end = int64(end)
	}
}

// Close ends the workers. Do must not be running, nor be called again.
func (p *Pool) Close() {
	if p.closed.CompareAndSwap(false, true) {
		close(p.wake)
	}
}

// run claims and runs items until none are left.
func (p *Pool) run(worker int) {
	var claims int64
	defer func() {
		if value := recover(); value != nil {
			p.failure.CompareAndSwap(nil, &Panic{Value: value, Stack: debug.Stack()})
			claims += max(p.unclaimed.Swap(0), 0)
		}
		if claims == 0 {
			return
		}
		n := int64(p.n) // read before the claims are given up
		if p.done.Add(claims) == n && p.waiting.CompareAndSwap(true, false) {
			p.finished <- struct{}{}
		}
	}()
	for tried := 0; p.unclaimed.Add(-1) >= 0; {
		claims++
		var i int
		i, tried = p.take(worker, tried)
		p.f(worker, i)
	}
}

// take returns an item for a worker's claim, and how many shares it has found empty,
// which were so many before. There are as many claims as items.
func (p *Pool) take(worker, empty int) (i, nowEmpty int) {
	for {
		at := (worker + empty - 1) % p.threads // another worker's
		switch empty {
		case 0:
			at = worker
		case 1:
			at = p.threads // the rest
		}
		s := &p.shares[at]
		if s.next.Load() < s.end {
			if i := s.next.Add(1) - 1; i < s.end {
				return int(i), empty
			}
		}
		empty++
	}
}

// join waits until all items are done.
func (p *Pool) join() {
	n := int64(p.n)
	for !spin(func() bool { return p.done.Load() == n }) {
		p.waiting.Store(true)
		if p.done.Load() == n && p.waiting.CompareAndSwap(true, false) {
			return
		}
		<-p.finished
	}
}

// await returns true when there may be items to claim, false when the pool is
// closed.
func (p *Pool) await() bool {
	if !spin(func() bool { return p.unclaimed.Load() > 0 || p.closed.Load() }) {
		p.parked.Add(1)
		// An item stored after this look finds the worker counted as parked.
		if p.unclaimed.Load() <= 0 || p.takeParked(1) == 0 {
			<-p.wake
		}
	}
	return !p.closed.Load()
}

// unpark wakes up to limit workers.
func (p *Pool) unpark(limit int64) {
	if p.parked.Load() == 0 {
		return
	}
	for range p.takeParked(limit) {
		p.wake <- struct{}{}
	}
}

// takeParked takes up to limit from the count of parked workers and returns
// how many it took: the taker owes each a token on wake, unless it is one.
func (p *Pool) takeParked(limit int64) int64 {
	for {
		parked := p.parked.Load()
		take := min(parked, limit)
		if take <= 0 || p.parked.CompareAndSwap(parked, parked-take) {
			return max(take, 0)
		}
	}
}

// spin returns true as soon as ready does, or false after a short while.
func spin(ready func() bool) bool {
	for range spinRounds {
		for range spinPauses {
			if ready() {
				return true
			}
			pause()
		}
		runtime.Gosched()
	}
	return false
}
