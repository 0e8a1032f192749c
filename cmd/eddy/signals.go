package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// untilSignal returns a context that ends when the process is told to end: by Ctrl-C, by
// SIGTERM, or by SIGHUP when its terminal is closed. After stop, a signal ends the process at
// once. Every command that starts other processes or writes files calls it, since a signal
// must not end the process before it has ended what it started. For the same reason a write
// to a closed pipe is an error from now on, and sends no signal.
func untilSignal() (ctx context.Context, stop context.CancelFunc) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup does
		signals = append(signals, syscall.SIGHUP)
	}
	return signal.NotifyContext(context.Background(), signals...)
}

// endOnSignal makes a signal end this process while the files of a test are written. The
// nodes have ended, so nothing else is left to do.
func endOnSignal(dir string) (stop func()) {
	ctx, forget := untilSignal()
	stopped := context.AfterFunc(ctx, func() {
		fmt.Fprintf(os.Stderr, "\neddy: interrupted; %s has what was written until then\n", dir)
		os.Exit(statusUnknown)
	})
	return func() {
		stopped()
		forget()
	}
}
