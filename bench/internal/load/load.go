// Package load makes calls and measures them, with the same code for all peers over
// NATS.
package load

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Load says how many calls are made, and how.
type Load struct {
	Calls int
	Open  int     // how many calls are open at a time
	Rate  float64 // if not 0, how many calls begin in a second; then Open does not count
}

// Figures are the result, in seconds and calls per second.
type Figures struct {
	Rate    float64 `json:"rate"`
	P50     float64 `json:"p50"`
	P99     float64 `json:"p99"`
	Failed  int     `json:"failed"`
	Retried int     `json:"retried"` // answered after more than one attempt
	Gap     float64 `json:"gap"`     // the longest time between two answers
	Error   string  `json:"error"`   // of the first failure
}

// Run prints "ready", waits for a line on standard input, makes the calls, and prints
// their figures. call makes call i, checks its answer and returns the number of attempts.
// Calls -warm to -1 come first and do not count.
func Run(l Load, warm int, call func(i int) (attempts int, err error)) error {
	each(warm, l.Open, func(i int) { call(i - warm) })
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	r := record{times: make([]time.Duration, l.Calls), ends: make([]time.Duration, l.Calls), begun: time.Now()}
	if l.Rate > 0 {
		r.atRate(l, call)
	} else {
		each(l.Calls, l.Open, func(i int) { r.call(i, call) })
	}
	return json.NewEncoder(os.Stdout).Encode(r.figures())
}

// each calls do n times, open of them at a time.
func each(n, open int, do func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range open {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	all.Wait()
}

type record struct {
	begun           time.Time
	times, ends     []time.Duration // of call i: its duration, and when it was answered; 0 if it was not
	failed, retried atomic.Int64
	first           atomic.Pointer[string]
}

func (r *record) atRate(l Load, call func(int) (int, error)) {
	var open sync.WaitGroup
	for i := range l.Calls {
		time.Sleep(time.Until(r.begun.Add(time.Duration(float64(i) / l.Rate * float64(time.Second)))))
		open.Go(func() { r.call(i, call) })
	}
	open.Wait()
}

func (r *record) call(i int, call func(int) (int, error)) {
	from := time.Now()
	attempts, err := call(i)
	if err != nil {
		r.failed.Add(1)
		text := err.Error()
		r.first.CompareAndSwap(nil, &text)
		return
	}
	now := time.Now()
	r.times[i], r.ends[i] = now.Sub(from), now.Sub(r.begun)
	if attempts > 1 {
		r.retried.Add(1)
	}
}

func (r *record) figures() Figures {
	took := time.Since(r.begun)
	answered := func(all []time.Duration) []time.Duration {
		all = slices.DeleteFunc(all, func(d time.Duration) bool { return d == 0 })
		slices.Sort(all)
		return all
	}
	times, ends := answered(r.times), answered(r.ends)
	f := Figures{
		Rate: float64(len(times)) / took.Seconds(), Failed: int(r.failed.Load()), Retried: int(r.retried.Load()),
	}
	if len(times) > 0 {
		f.P50, f.P99 = times[len(times)/2].Seconds(), times[len(times)*99/100].Seconds()
	}
	last := time.Duration(0)
	for _, end := range ends {
		f.Gap, last = max(f.Gap, (end-last).Seconds()), end
	}
	if text := r.first.Load(); text != nil {
		f.Error = *text
	}
	return f
}
