// Package periodic runs functions again and again.
package periodic

import (
	"context"
	"time"
)

// Every calls f at once and then again after each d, one call at a time, until ctx ends.
func Every(ctx context.Context, d time.Duration, f func()) {
	ticker := time.NewTicker(d)
	defer ticker.Stop()
	for ctx.Err() == nil {
		f()
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

// About calls f after a random part of d. Each further call begins d after the beginning of the
// one before, made longer or shorter by a random fraction of at most jitter. fraction returns a
// random number from 0 to 1, without 1. About returns when ctx ends.
func About(ctx context.Context, d time.Duration, jitter float64, fraction func() float64, f func()) {
	timer := time.NewTimer(time.Duration(fraction() * float64(d)))
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		if ctx.Err() != nil { // also if both have come
			return
		}
		factor := 1 + jitter*(2*fraction()-1)
		timer.Reset(time.Duration(factor * float64(d)))
		f()
	}
}

// Apart runs f on a goroutine of its own, which f may end, and waits for its end. If f panics,
// Apart calls panicked.
func Apart(f func(), panicked func(p any)) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				panicked(p)
			}
		}()
		f()
	}()
	<-done
}
