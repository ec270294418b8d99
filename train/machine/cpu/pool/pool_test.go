package pool

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// longPause outlasts a spin, so that workers park.
const longPause = 3 * time.Millisecond

func TestDoRunsEveryItemOnce(t *testing.T) {
	for _, threads := range []int{-1, 1, 2, 3, 8, 33} {
		for _, procs := range []int{1, 2, 4} {
			t.Run(fmt.Sprintf("threads=%d/procs=%d", threads, procs), func(t *testing.T) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
				p := New(threads)
				defer p.Close()
				for round := range 60 {
					checkEveryItemOnce(t, p, []int{0, 1, 2, 3, 17, 100, 1000}[round%7])
					if round%20 == 19 {
						time.Sleep(longPause)
					}
				}
			})
		}
	}
}

func checkEveryItemOnce(t *testing.T, p *Pool, n int) {
	t.Helper()
	runs := make([]int, n) // not atomic: the race detector looks for overlaps
	active := make([]int, p.Threads())
	p.Do(n, func(worker, i int) {
		active[worker]++
		runs[i]++
		if active[worker] != 1 {
			t.Errorf("two calls of worker %d overlap", worker)
		}
		active[worker]--
	})
	for i, r := range runs {
		if r != 1 {
			t.Fatalf("n=%d: item %d ran %d times, want 1", n, i, r)
		}
	}
}

func TestDoUsesAllWorkers(t *testing.T) {
	const threads = 4
	p := New(threads)
	defer p.Close()
	for range 5 {
		// Each item waits for all others, so no worker can run two.
		var arrived atomic.Int64
		var seen [threads]atomic.Bool
		p.Do(threads, func(worker, i int) {
			seen[worker].Store(true)
			arrived.Add(1)
			for arrived.Load() < threads {
				runtime.Gosched()
			}
		})
		for worker := range seen {
			if !seen[worker].Load() {
				t.Errorf("worker %d ran no item", worker)
			}
		}
		time.Sleep(longPause)
	}
}

func TestWorkersBeginWithTheirShares(t *testing.T) {
	const threads, n = 4, 40
	p := New(threads)
	defer p.Close()
	for range 5 {
		var arrived atomic.Int64
		var begun [threads]bool
		p.Do(n, func(worker, i int) {
			if begun[worker] {
				return
			}
			begun[worker] = true
			if want := worker * (n - n/restOf) / threads; i != want {
				t.Errorf("worker %d begins with item %d, want %d", worker, i, want)
			}
			for arrived.Add(1); arrived.Load() < threads; { // nobody does another's before all have begun
				runtime.Gosched()
			}
		})
	}
}

func TestWorkersDoTheShareOfOneHeldUp(t *testing.T) {
	const threads, n = 3, 30
	p := New(threads)
	defer p.Close()
	var others atomic.Int64
	p.Do(n, func(worker, i int) {
		if i > 0 {
			others.Add(1)
			return
		}
		for others.Load() < n-1 {
			runtime.Gosched()
		}
	})
}

func TestCallerParksWhileWorkersRun(t *testing.T) {
	p := New(2)
	defer p.Close()
	for range 10 {
		var arrived, slow atomic.Int64
		p.Do(2, func(worker, i int) {
			arrived.Add(1)
			for arrived.Load() < 2 {
				runtime.Gosched()
			}
			if worker == 1 {
				time.Sleep(longPause)
				slow.Add(1)
			}
		})
		if slow.Load() != 1 {
			t.Fatal("Do returned before its worker was done")
		}
	}
}

func TestPanicReachesCaller(t *testing.T) {
	for _, threads := range []int{1, 2, 5} {
		p := New(threads)
		for bad := range 40 {
			got := catch(func() {
				p.Do(40, func(worker, i int) {
					if i == bad {
						panic("item of ill luck")
					}
				})
			})
			if message := fmt.Sprint(got); !strings.Contains(message, "item of ill luck") {
				t.Fatalf("threads=%d: Do panicked with %q", threads, message)
			}
			checkEveryItemOnce(t, p, 100)
		}
		p.Close()
	}
}

func TestMisusePanics(t *testing.T) {
	p := New(2)
	if catch(func() { p.Do(2, func(int, int) { p.Do(2, func(int, int) {}) }) }) == nil {
		t.Error("Do within Do did not panic")
	}
	checkEveryItemOnce(t, p, 10)
	p.Close()
	p.Close()
	if catch(func() { p.Do(2, func(int, int) {}) }) == nil {
		t.Error("Do after Close did not panic")
	}
}

func TestCloseEndsWorkers(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, wait := range []time.Duration{0, longPause} {
		p := New(6)
		p.Do(6, func(int, int) {})
		time.Sleep(wait)
		p.Close()
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, want %d", runtime.NumGoroutine(), before)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestDoDoesNotAllocate(t *testing.T) {
	p := New(2)
	defer p.Close()
	f := func(int, int) {}
	if allocs := testing.AllocsPerRun(100, func() { p.Do(10, f) }); allocs >= 1 {
		t.Errorf("Do allocates %v times", allocs)
	}
}

func catch(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

func BenchmarkForkJoin(b *testing.B) {
	for _, threads := range []int{1, 2, 4} {
		p := New(threads)
		b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) {
			f := func(int, int) {}
			for range b.N {
				p.Do(threads, f)
			}
		})
		// A loop after 20 µs of the caller's own work, as between kernels.
		b.Run(fmt.Sprintf("spaced/threads=%d", threads), func(b *testing.B) {
			var total time.Duration
			f := func(int, int) {}
			for range b.N {
				for start := time.Now(); time.Since(start) < 20*time.Microsecond; {
				}
				start := time.Now()
				p.Do(threads, f)
				total += time.Since(start)
			}
			b.ReportMetric(float64(total.Nanoseconds())/float64(b.N), "ns/fork-join")
		})
		p.Close()
	}
}

// BenchmarkHandOver reads 400 KB that another thread has just written: slowly where the two
// cores share no cache.
func BenchmarkHandOver(b *testing.B) {
	const line = 64 / 8 // words of a cache line
	p := New(2)
	defer p.Close()
	both := func(first, second func()) {
		var begun atomic.Int64
		p.Do(2, func(worker, _ int) {
			for begun.Add(1); begun.Load() < 2; { // each has an item of its own
			}
			[]func(){first, second}[worker]()
		})
	}
	words := make([]uint64, 400<<10/8)
	best, sum := time.Hour, uint64(0)
	for b.Loop() {
		both(func() {}, func() {
			for at := range words {
				words[at]++
			}
		})
		both(func() {
			start := time.Now()
			for at := 0; at < len(words); at += line {
				sum += words[at]
			}
			best = min(best, time.Since(start))
		}, func() {})
	}
	b.ReportMetric(float64(8*len(words))/float64(best.Nanoseconds()), "GB/s")
	b.ReportMetric(0, "ns/op")
}
