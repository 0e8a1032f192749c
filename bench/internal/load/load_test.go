package load

import (
	"errors"
	"testing"
	"time"
)

func TestFigures(t *testing.T) {
	r := record{times: make([]time.Duration, 200), ends: make([]time.Duration, 200), begun: time.Now()}
	for i := range 200 {
		r.call(i, func(i int) (int, error) {
			switch {
			case i%100 == 7:
				return 3, errors.New("seven")
			case i < 10:
				return 2, nil
			}
			return 1, nil
		})
	}
	// What the clock says is written over: call i took i ms, and calls end 1 ms apart.
	for i := range r.times {
		if r.ends[i] != 0 {
			r.times[i], r.ends[i] = time.Duration(i+1)*time.Millisecond, time.Duration(i+1)*time.Millisecond
		}
	}
	f := r.figures()
	if f.Failed != 2 || f.Retried != 9 || f.Error != "seven" || f.Gap != 0.002 || f.P50 != 0.101 || f.P99 != 0.199 {
		t.Errorf("%+v", f)
	}
}

func TestEachOnce(t *testing.T) {
	done := make(chan int, 1000)
	each(1000, 7, func(i int) { done <- i })
	close(done)
	seen := map[int]bool{}
	for i := range done {
		seen[i] = true
	}
	if len(seen) != 1000 || !seen[0] || !seen[999] {
		t.Errorf("%d of 1000", len(seen))
	}
}
