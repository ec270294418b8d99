// Command largestep trains neural networks with large and small step sizes and
// draws what becomes of them. See "largestep --help".
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() { // a second Ctrl-C, later, kills
		<-ctx.Done()
		time.Sleep(2 * time.Second)
		stop()
	}()
	os.Exit(execute(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
