package periodic

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// times returns when f was called within 10.5 s.
func times(t *testing.T, run func(ctx context.Context, f func()), took time.Duration) (at []time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10500*time.Millisecond)
		defer cancel()
		start := time.Now()
		run(ctx, func() {
			at = append(at, time.Since(start))
			time.Sleep(took)
		})
		if end := time.Since(start); end > 10500*time.Millisecond+took {
			t.Errorf("it returned after %v", end)
		}
	})
	return at
}

func TestEvery(t *testing.T) {
	every := func(ctx context.Context, f func()) { Every(ctx, 3*time.Second, f) }
	for took, want := range map[time.Duration]string{0: "[0s 3s 6s 9s]", time.Second: "[0s 3s 6s 9s]", 4 * time.Second: "[0s 4s 8s]"} {
		if got := fmt.Sprint(times(t, every, took)); got != want {
			t.Errorf("calls that take %v: at %s, want %s", took, got, want)
		}
	}
}

func TestAbout(t *testing.T) {
	for _, test := range []struct {
		jitter, fraction float64
		want             string
	}{
		{0, 0.25, "[1s 5s 9s]"},
		{0.5, 0.25, "[1s 4s 7s 10s]"},
		{1, 0.75, "[3s 9s]"},
		{0.5, 0.5, "[2s 6s 10s]"},
	} {
		about := func(ctx context.Context, f func()) {
			About(ctx, 4*time.Second, test.jitter, func() float64 { return test.fraction }, f)
		}
		if got := fmt.Sprint(times(t, about, 0)); got != test.want {
			t.Errorf("jitter %v: at %s, want %s", test.jitter, got, test.want)
		}
	}
}

func TestApart(t *testing.T) {
	var panics []any
	for _, f := range []func(){func() {}, func() { panic("oh") }, runtime.Goexit} {
		Apart(f, func(p any) { panics = append(panics, p) })
	}
	if !slices.Equal(panics, []any{"oh"}) {
		t.Errorf("panics %v", panics)
	}
}
