package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// How often runs are attacked; scripts/attack asks for more. train/run/FAULTS.md has
// what came of it.
var (
	kills  = flag.Int("kills", 4, "programs to kill at random instants")
	flips  = flag.Int("flips", 12, "bits to flip in the files of interrupted runs")
	faults = flag.Int("faults", 0, "instances of each system call to attack, if strace is there")
	powers = flag.Int("powers", 0, "power failures, if strace is there")
	seed   = flag.Uint64("attack-seed", 0, "seed of the attacks (default: the time)")
)

// attackRandom is what attacks are drawn from.
func attackRandom(t *testing.T) *rand.Rand {
	t.Helper()
	s := *seed
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("-attack-seed %d", s)
	return rand.New(rand.NewPCG(s, 0))
}

// attacked are trainings to attack: every second one diverges.
var attacked = []string{
	"resnet18 --epochs 6 --momentum 0.9 --augment --log-steps --histograms --decay-at 0.5",
	"resnet18 --epochs 6 --phases 0.1@0,1e25@0.6 --momentum 0.9 --log-steps",
	"resnet18 --epochs 12 --sampling full --eval-every 3 --momentum 0.9 --phases 0.3@0,0.1@0.4,0.01@0.8",
	"resnet18 --epochs 6 --phases 0.1@0,1e39@0.45,1@0.5 --augment --log-steps --histograms --eval-every 4",
	"diagonal --steps 40000 --log-steps --momentum 0.5 --phases 0.02@0,0.005@0.5",
	"diagonal --steps 40000 --log-steps --phases 0.01@0,2@0.6 --eval-steps 7000",
}

func attackArgs(options, out string, more ...string) []string {
	args := strings.Fields(options)
	if args[0] == "resnet18" {
		return append(append(tiny(out), args[1:]...), more...)
	}
	return append(append([]string{"train"}, args...), append(more, "--out", out)...)
}

// wholes trains what is attacked without disturbance, and says how long that takes.
func wholes(t *testing.T, bin string) (took []time.Duration) {
	t.Helper()
	for i, options := range attacked {
		start := time.Now()
		if runKilled(t, time.Hour, bin, attackArgs(options, fmt.Sprintf("whole-%d", i))...) {
			t.Fatal("killed by another")
		}
		took = append(took, time.Since(start))
		state, _ := status(t, fmt.Sprintf("whole-%d", i))
		if want := []string{"finished", "diverged"}[i%2]; state != want {
			t.Fatalf("%s: %s, want %s", options, state, want)
		}
	}
	return took
}

// Programs are killed at random instants, begun again by the same command, and leave
// what one does that nobody disturbs.
func TestAttackByKills(t *testing.T) {
	bin := program(t)
	t.Chdir(t.TempDir())
	rng := attackRandom(t)
	took := wholes(t, bin)
	killed, starts := 0, 0
	for n := 0; killed < *kills && !t.Failed(); n++ {
		i, dir := n%len(attacked), fmt.Sprintf("run-%d", n)
		args := attackArgs(attacked[i], dir, "--resume", "--checkpoint-every", []string{"5ms", "50ms", "30s"}[rng.IntN(3)], "--threads", fmt.Sprint(1+rng.IntN(2)))
		for most := rng.IntN(6); most >= 0; most-- {
			after := time.Hour
			if most > 0 {
				after = time.Duration(rng.Float64() * 1.1 * float64(took[i]))
			}
			starts++
			if runKilled(t, after, bin, args...) {
				killed++
			} else {
				break
			}
		}
		sameEnd(t, fmt.Sprintf("whole-%d", i), dir)
		if !t.Failed() {
			check(t, os.RemoveAll(dir))
		}
	}
	t.Logf("%d of %d programs killed", killed, starts)
}

// A bit is flipped in any file of an interrupted run: it goes on to the same end, or is
// refused; none goes on to another.
func TestAttackByFlippedBits(t *testing.T) {
	bin := program(t)
	t.Chdir(t.TempDir())
	rng := attackRandom(t)
	took := wholes(t, bin)
	outcomes := map[string]int{}
	for n := 0; n < *flips && !t.Failed(); n++ {
		i := n % len(attacked)
		run := fmt.Sprintf("run-%d", i)
		for tries := 0; ; tries++ { // until there is one to flip bits in
			if _, err := os.Stat(run + "/checkpoint.safetensors"); err == nil {
				if state, _ := status(t, run); state != "finished" && state != "diverged" {
					break
				}
			}
			check(t, os.RemoveAll(run))
			runKilled(t, time.Duration((0.3+0.6*rng.Float64())*float64(took[i])), bin, attackArgs(attacked[i], run, "--checkpoint-every", "0")...)
			if tries == 100 {
				t.Fatalf("%s: no interrupted run", run)
			}
		}
		check(t, os.RemoveAll("flipped"))
		copyDir(t, run, "flipped")
		files := find(t, "flipped", "")
		file := files[rng.IntN(len(files))]
		if readFile(t, "flipped/"+file) == "" {
			continue
		}
		at, bit := rng.IntN(1<<30), rng.IntN(8)
		flip(t, "flipped/"+file, at, bit)
		kind, _, _ := strings.Cut(strings.Map(withoutDigits, file), ".")
		o := try("train", strings.Fields(attacked[i])[0], "--resume", "--out", "flipped")
		var d []string
		if o.code == 0 { // else its table may not be one
			d = differences(final(t, fmt.Sprintf("whole-%d", i)), final(t, "flipped"))
		}
		switch {
		case o.code == -1:
			t.Errorf("%s, bit %d of byte %d of %s: %s", run, bit, at, file, o.stderr)
		case o.code != 0:
			outcomes[kind+" refused"]++
		case len(d) > 0 && strings.Contains(o.stderr, file+": "):
			outcomes[kind+" stays damaged, said"]++
		case len(d) > 0:
			t.Errorf("%s, bit %d of byte %d of %s: another result without a word: %s", run, bit, at, file, strings.Join(d, ", "))
		case strings.Contains(o.stderr, "going on from the checkpoint before"):
			outcomes[kind+" fell back, same end"]++
		default:
			outcomes[kind+" same end"]++
		}
	}
	tell(t, outcomes)
}

func withoutDigits(r rune) rune {
	if r >= '0' && r <= '9' {
		return -1
	}
	return r
}

func tell(t *testing.T, outcomes map[string]int) {
	var names []string
	for name := range outcomes {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t.Logf("%4d %s", outcomes[name], name)
	}
}

// systemCalls are those by which a run's files are made.
var systemCalls = []string{"openat", "write", "fsync", "close", "renameat", "linkat", "unlinkat", "mkdirat", "ftruncate", "flock", "getdents64", "newfstatat", "pread64"}

func findStrace(t *testing.T) string {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip(err)
	}
	if out, err := exec.Command(strace, "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		t.Skipf("strace: %v: %s", err, out)
	}
	return strace
}

// A system call fails, or the program is killed at it: the run, begun again, ends the
// same.
func TestAttackBySystemCalls(t *testing.T) {
	if *faults == 0 {
		t.Skip("-faults says how many")
	}
	strace := findStrace(t)
	bin := program(t)
	t.Chdir(t.TempDir())
	rng := attackRandom(t)
	options := func(dir string) []string {
		return tiny(dir, "--momentum", "0.9", "--log-steps", "--checkpoint-every", "0", "--epochs", "1", "--resume", "--threads", "1")
	}
	succeed(t, options("whole")...)
	outcomes := map[string]int{}
	for _, call := range systemCalls {
		for _, fault := range []string{"error=EIO", "error=ENOSPC", "signal=KILL"} {
			for range *faults {
				when := 1 + rng.IntN(1<<rng.IntN(6)) // of a thread
				check(t, os.RemoveAll("run"))
				inject := fmt.Sprintf("inject=%s:%s:when=%d", call, fault, when)
				cmd := exec.Command(strace, append([]string{"-f", "-qq", "-o", os.DevNull, "-e", "trace=" + call, "-e", inject, bin}, options("run")...)...)
				cmd.WaitDelay = time.Minute
				done := make(chan error, 1)
				check(t, cmd.Start())
				go func() { done <- cmd.Wait() }()
				what := call + " " + fault
				select {
				case err := <-done:
					if err != nil {
						outcomes[what+": ended"]++
					} else {
						outcomes[what+": went on"]++
					}
				case <-time.After(time.Minute):
					cmd.Process.Kill()
					t.Fatalf("%s: it hangs", inject)
				}
				o := try(options("run")...)
				if o.code != 0 {
					t.Fatalf("%s: resumed with status %d: %s: %s", inject, o.code, o.stderr, filepath.Join(cmd.Dir, "run"))
				}
				sameEnd(t, "whole", "run")
				if t.Failed() {
					t.Fatal(inject)
				}
			}
		}
	}
	tell(t, outcomes)
}
