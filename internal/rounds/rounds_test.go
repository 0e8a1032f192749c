package rounds

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy/internal/metadata"
	"github.com/eddyrpc/eddy/retry"
)

var errLost = errors.New("lost")

func begin(t *testing.T, ctx context.Context, p *retry.Policy) *Rounds {
	r, err := Begin(ctx, p, &metadata.Incarnation{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &retry.Policy{Attempts: 3, Backoff: retry.Backoff{Kind: retry.Constant, Base: time.Second}}
		r, start := begin(t, t.Context(), p), time.Now()
		for _, want := range []time.Duration{time.Second, 2 * time.Second} {
			if err := r.Next(t.Context(), errLost, 0); err != nil || time.Since(start) != want {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		}
		err := r.Next(t.Context(), errLost, 0)
		if !errors.Is(err, errLost) || err.Error() != "3 races lost, attempts used up: lost" {
			t.Error(err)
		}
	})
}

func TestServiceAsksForPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, start := begin(t, t.Context(), nil), time.Now()
		if err := r.Next(t.Context(), errLost, 3*time.Second); err != nil || time.Since(start) < 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("no time")
		time.AfterFunc(time.Second, func() { cancel(why) })
		p := &retry.Policy{Backoff: retry.Backoff{Kind: retry.Constant, Base: time.Minute}}
		err := begin(t, ctx, p).Next(ctx, errLost, 0)
		if !errors.Is(err, errLost) || !errors.Is(err, why) {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	p := &retry.Policy{Backoff: retry.Backoff{Kind: retry.Constant, Base: 2 * time.Hour}}
	if err := begin(t, ctx, p).Next(ctx, errLost, 0); !errors.Is(err, errLost) || err.Error() != "1 races lost, deadline passed: lost" {
		t.Error(err)
	}
}

func TestInvalidPolicy(t *testing.T) {
	if _, err := Begin(t.Context(), &retry.Policy{Attempts: -1}, &metadata.Incarnation{}); err == nil {
		t.Error("no error")
	}
}
