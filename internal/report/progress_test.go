package report

import (
	"testing"
	"time"

	"github.com/eddyrpc/eddy/internal/trial"
)

// However long a test runs, its progress has points from its whole duration, and not many.
func TestProgressOfALongTest(t *testing.T) {
	w := &ProgressWriter{store: &Store{Dir: t.TempDir()}, every: 1}
	for i := 1; i <= 5000; i++ {
		w.Update(trial.Progress{At: time.Duration(i) * time.Second, OK: 10 * i})
		if n := len(w.progress.Series); n > maxPoints {
			t.Fatalf("%d points", n)
		}
	}
	all := w.progress.Series
	if n := len(all); n < maxPoints/2 || all[0].Seconds > 20 || all[n-1].Seconds < 4980 {
		t.Errorf("%d points from %v s to %v s", n, all[0].Seconds, all[n-1].Seconds)
	}
	for i, p := range all {
		if p.OK != int(p.Seconds)*10 || i > 0 && p.Seconds <= all[i-1].Seconds {
			t.Fatalf("point %d is %+v", i, p)
		}
	}
}
