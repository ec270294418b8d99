// Command largestep trains neural networks with large and small step sizes and
// draws what becomes of them. See "largestep --help".
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx := untilSignal()
	os.Exit(execute(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// signalled is the cause of a context that a signal ended.
type signalled struct{ syscall.Signal }

func (s signalled) Error() string { return s.Signal.String() }

// untilSignal is a context that ends with Ctrl-C, a request to terminate, or the
// terminal: a second one, later, kills. Where nobody listens to what is printed, the
// program goes on.
func untilSignal() context.Context {
	signal.Ignore(syscall.SIGPIPE)
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup does
		signals = append(signals, syscall.SIGHUP)
	}
	received := make(chan os.Signal, 8)
	signal.Notify(received, signals...)
	ctx, end := context.WithCancelCause(context.Background())
	go func() {
		s, _ := (<-received).(syscall.Signal)
		end(signalled{s})
		time.Sleep(2 * time.Second)
		signal.Stop(received)
	}()
	return ctx
}

// statusOf is the exit status of a command that its context ended: by custom, 128 and
// the number of the signal.
func statusOf(ctx context.Context) int {
	var s signalled
	if errors.As(context.Cause(ctx), &s) && s.Signal != 0 {
		return 128 + int(s.Signal)
	}
	return exitInterrupted
}
