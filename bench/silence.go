package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

// In these cases the target never answers.

// portion is how much the flood writes at a time: a pipe takes so much
// (PIPE_BUF) as one piece or not at all, so one time of writing holds for all
// requests in it.
const portion = 4096

// flood writes requests in portions and remembers when.
type flood struct {
	in   *Input
	sent []time.Duration // by request, since began: just before the portion was written
	// prepare, if there is one, may change lines from..to just before they are
	// written at the given time.
	prepare func(from, to int, now time.Duration) error
	began   time.Time
	next    int
}

// write sends the requests up to number last.
func (f *flood) write(p *Process, last int) error {
	for f.next <= last {
		to := f.next
		for to < last && f.in.ends[to+1]-f.in.ends[f.next-1] <= portion {
			to++
		}
		now := time.Since(f.began)
		if f.prepare != nil {
			if err := f.prepare(f.next, to, now); err != nil {
				return err
			}
		}
		for i := f.next; i <= to; i++ {
			f.sent[i] = now
		}
		if _, err := p.In.Write(f.in.Range(f.next, to)); err != nil {
			return fmt.Errorf("writing: %w", err)
		}
		f.next = to + 1
	}
	return nil
}

func newFlood(in *Input) *flood {
	return &flood{in: in, sent: make([]time.Duration, in.Len()+1), began: time.Now(), next: 1}
}

// open reads attempts until there are as many as calls; the first of each call
// is all that may come.
func open(p *Process, check *relays, calls int) error {
	for check.sent < calls {
		lines, err := p.Out.Read()
		if err != nil {
			return fmt.Errorf("reading after %d attempts: %w", check.sent, err)
		}
		err = each(lines, func(line []byte) error {
			if !check.isAttempt(line) {
				return errNotAttempt
			}
			_, _, err := check.readAttempt(line)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// settle waits until the node has stopped working, 3 seconds at most, and
// returns the CPU time it has used in all.
func settle(p *Process) time.Duration {
	used := p.CPU()
	for range 150 {
		time.Sleep(20 * time.Millisecond)
		now := p.CPU()
		if now-used < 200*time.Microsecond {
			return now
		}
		used = now
	}
	return used
}

// openMemory opens calls and sees how much memory the node has got since
// init_ok, once as it is and once with a garbage collector that keeps the heap
// within a tenth of what is live.
func openMemory(r *Run) (Sample, error) {
	s, err := openOnce(r, Options{Open: r.Size + 1, Wait: true})
	if err != nil || !r.Peer.Go {
		return s, err
	}
	tight, err := openOnce(r, Options{Open: r.Size + 1, Wait: true, GOGC: "10"})
	if err != nil {
		return nil, err
	}
	s["live"] = tight["rss"]
	return s, nil
}

func openOnce(r *Run, o Options) (Sample, error) {
	p, err := r.Start(o)
	if err != nil {
		return nil, err
	}
	defer p.Kill()

	in := relayInput(r.Size, relayRequest)
	check := newRelays(r.Size, 1)
	f := newFlood(in)
	before := p.Memory()
	cpu := p.CPU()
	wrote := make(chan error, 1)
	go func() { wrote <- f.write(p, r.Size) }()
	if err := errors.Join(open(p, check, r.Size), <-wrote); err != nil {
		return nil, p.explain(err)
	}
	used := settle(p) - cpu
	after := p.Memory()
	n := float64(r.Size)
	return Sample{
		"rss":  (after.RSS - before.RSS) / n,
		"pss":  (after.PSS - before.PSS) / n,
		"peak": (after.Peak - before.RSS) / n,
		"cpu":  used.Seconds() / n,
	}, nil
}

// The numbers of open calls between which the cost of one more is measured,
// evenly spaced by factors; what comes before the first warms up.
var levels = []int{20_000, 43_000, 93_000, 200_000, 430_000, 930_000, 2_000_000}

func costMetric(level int) string   { return "cost@" + strconv.Itoa(level) }
func memoryMetric(level int) string { return "rss@" + strconv.Itoa(level) }

// growth opens calls level by level, up to the run's size.
func growth(r *Run) (Sample, error) {
	p, err := r.Start(Options{Open: r.Size + 1, Wait: true})
	if err != nil {
		return nil, err
	}
	defer p.Kill()

	in := relayInput(r.Size, relayRequest)
	check := newRelays(r.Size, 1)
	f := newFlood(in)
	s := Sample{}
	base := p.Memory().RSS
	cpu, last := settle(p), 0
	first := math.NaN()
	for _, level := range levels {
		if r.Smoke {
			level /= 100
		}
		if level > r.Size {
			break
		}
		wrote := make(chan error, 1)
		go func() { wrote <- f.write(p, level) }()
		if err := errors.Join(open(p, check, level), <-wrote); err != nil {
			return nil, p.explain(err)
		}
		now := settle(p)
		cost := (now - cpu).Seconds() / float64(level-last)
		if last > 0 {
			s[costMetric(level)] = cost
			if math.IsNaN(first) {
				first = cost
			}
			s["flat"] = cost / first
		}
		s[memoryMetric(level)] = (p.Memory().RSS - base) / float64(level)
		cpu, last = now, level
	}
	return s, nil
}

// Three attempts of 500 ms each are the default policy.
const (
	attemptsEach = 3
	attemptTime  = 500 * time.Millisecond
)

// attempts opens calls that each end in an error after three attempts.
//
// An error answer is due 1.5 s after its request was written. "late" is how
// long after that moment it was read; it holds everything: the time the
// request waited in the pipe, what the timers were late, three times over, and
// the way of the answer. "late_last" is counted from the moment when the
// call's last attempt was read, plus 500 ms: how late the last timer was.
func attempts(log bool) func(r *Run) (Sample, error) {
	return func(r *Run) (Sample, error) {
		f := newFlood(relayInput(r.Size, relayRequest))
		due := func(id int) time.Duration { return f.sent[id] + attemptsEach*attemptTime }
		return failing(r, f, Options{Open: r.Size + 1, Errors: !log, Log: log}, attemptsEach, due)
	}
}

// storm opens calls of one attempt each whose timeouts all fall into one
// second, in no order.
func storm(r *Run) (Sample, error) {
	// Long enough to have all requests written before.
	start := 15 * time.Second
	if r.Smoke {
		start = 2 * time.Second
	}
	const head = `{"src":"c1","dest":"n1","body":{"type":"relay","timeout_ms":`
	// The number is put in just before the line is written, blanks before it;
	// the input is not kept, for this changes it.
	const room = "     "
	f := newFlood(makeInput(r.Size, head+room+`,"max_retries":1,"msg_id":#,"target":"n2","payload":{"type":"read","key":#}}}`))
	var digits [8]byte
	timeouts := make([]time.Duration, r.Size+1)
	f.prepare = func(from, to int, now time.Duration) error {
		for i := from; i <= to; i++ {
			due := start + time.Duration(i*7919%1000)*time.Millisecond
			ms := int((due - now).Milliseconds())
			if ms < 1 {
				return fmt.Errorf("the requests take too long to write: %v so far", now)
			}
			text := strconv.AppendInt(digits[:0], int64(ms), 10)
			copy(f.in.Range(i, i)[len(head)+len(room)-len(text):], text)
			timeouts[i] = time.Duration(ms) * time.Millisecond
		}
		return nil
	}
	due := func(id int) time.Duration { return f.sent[id] + timeouts[id] }
	return failing(r, f, Options{Open: r.Size + 1, Errors: true}, 1, due)
}

// failing sends a flood of relay requests, answers no attempt and waits for
// all error answers, each after the given number of attempts and none before
// it is due.
func failing(r *Run, f *flood, o Options, attempts int, due func(id int) time.Duration) (Sample, error) {
	p, err := r.Start(o)
	if err != nil {
		return nil, err
	}
	defer p.Kill()

	check := newRelays(r.Size, attempts)
	seen := make([]uint8, r.Size+1)             // attempts
	lastSeen := make([]time.Duration, r.Size+1) // attempt
	failed := make([]time.Duration, r.Size+1)
	text := fmt.Sprintf("RPC failed after %d attempts", attempts)
	if attempts == 1 {
		text = "RPC failed after 1 attempt" // one may write "attempts" or not
	}

	f.began = time.Now()
	before, cpu := p.Memory(), p.CPU()
	var stop atomic.Bool
	wrote := make(chan error, 1)
	go func() {
		err := f.write(p, r.Size)
		if err != nil && !stop.Load() {
			p.cmd.Process.Kill() // ends the reading
		}
		wrote <- err
	}()
	record, err := listen(p.Out, r.Size*(attempts+1), f.began)
	used, after := p.CPU()-cpu, p.Memory()
	checked := record.each(func(line []byte, at time.Duration) error {
		if check.isAttempt(line) {
			id, _, err := check.readAttempt(line)
			seen[id]++
			lastSeen[id] = at
			return err
		}
		id, err := check.readError(line, text)
		if err == nil && int(seen[id]) != attempts {
			return fmt.Errorf("failed after %d attempts", seen[id])
		}
		failed[max(id, 0)] = at
		return err
	})
	if checked == nil && err == nil && check.count < r.Size {
		err = fmt.Errorf("%d answers among as many lines as %d should make", check.count, r.Size)
	}
	if err = errors.Join(err, checked); err != nil {
		err = fmt.Errorf("after %d attempts and %d answers: %w", check.sent, check.count, err)
		stop.Store(true)
		err = p.explain(err)
		return nil, errors.Join(err, <-wrote)
	}
	if err := <-wrote; err != nil {
		return nil, err
	}
	if err := p.Close(); err != nil {
		return nil, err
	}

	late := make([]float64, r.Size)
	lateLast := make([]float64, r.Size)
	for id := 1; id <= r.Size; id++ {
		late[id-1] = (failed[id] - due(id)).Seconds()
		one := (due(id) - f.sent[id]) / time.Duration(attempts)
		lateLast[id-1] = (failed[id] - lastSeen[id] - one).Seconds()
	}
	slices.Sort(late)
	slices.Sort(lateLast)
	if late[0] < 0 {
		return nil, fmt.Errorf("a call failed %v before it was due", time.Duration(-late[0]*1e9))
	}
	s := Sample{
		"cpu":       used.Seconds(),
		"cpu_each":  used.Seconds() / float64(r.Size),
		"p50":       percentile(late, 0.50),
		"p99":       percentile(late, 0.99),
		"max":       late[len(late)-1],
		"p99_last":  percentile(lateLast, 0.99),
		"peak":      after.Peak,
		"peak_each": (after.Peak - before.RSS) / float64(r.Size),
	}
	if o.Log && p.errors != nil {
		s["log_lines"] = float64(p.errors.Lines())
	}
	return s, nil
}
