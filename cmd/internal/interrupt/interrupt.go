// Package interrupt ends a program's context with a signal, and says with which
// status the program then exits.
package interrupt

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Signal is the cause of a context that a signal ended.
type Signal struct{ syscall.Signal }

func (s Signal) Error() string { return s.Signal.String() }

// Context ends with Ctrl-C, a request to terminate, or the terminal: a second one,
// later, kills. Where nobody listens to what is printed, the program goes on.
func Context() context.Context {
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
		end(Signal{s})
		time.Sleep(2 * time.Second)
		signal.Stop(received)
	}()
	return ctx
}

// Status is the exit status of a command that its context ended: by custom, 128 and
// the number of the signal, and that of Ctrl-C where there was none.
func Status(ctx context.Context) int {
	var s Signal
	if errors.As(context.Cause(ctx), &s) && s.Signal != 0 {
		return 128 + int(s.Signal)
	}
	return 128 + int(syscall.SIGINT)
}
