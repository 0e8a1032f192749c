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

// In these cases the target never replies.

// portion is how much a sender writes at a time, in bytes. A pipe takes this much
// (PIPE_BUF) at once or not at all, so all requests in it are written at one time.
const portion = 4096

// A sender writes requests in portions and notes when.
type sender struct {
	in   *Input
	sent []time.Duration // by request: just before its portion was written, since began
	// prepare, if there is one, may change the requests from..to just before they are
	// written at the given time.
	prepare func(from, to int, now time.Duration) error
	began   time.Time
	next    int
}

func newSender(in *Input) *sender {
	return &sender{in: in, sent: make([]time.Duration, in.Len()+1), began: time.Now(), next: 1}
}

// write sends the requests up to number last.
func (s *sender) write(p *Process, last int) error {
	for s.next <= last {
		to := s.next
		for to < last && s.in.ends[to+1]-s.in.ends[s.next-1] <= portion {
			to++
		}
		now := time.Since(s.began)
		if s.prepare != nil {
			if err := s.prepare(s.next, to, now); err != nil {
				return err
			}
		}
		for i := s.next; i <= to; i++ {
			s.sent[i] = now
		}
		if _, err := p.In.Write(s.in.Range(s.next, to)); err != nil {
			return fmt.Errorf("writing: %w", err)
		}
		s.next = to + 1
	}
	return nil
}

// open reads attempts until there is one of each call. Nothing else may come.
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

// settle waits until the node is idle, at most 3 s, and returns the CPU time that it has
// used.
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

// openMemory opens calls and measures how much more memory the node uses than after
// init_ok: once with Go's defaults, and once with GOGC=10.
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
	f := newSender(in)
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

// levels are the numbers of open calls between which the cost of one more call is
// measured. Each is the same factor above the one before. The calls up to the first
// level are a warm-up.
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
	f := newSender(in)
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

// threeTimeouts opens calls that each fail after three attempts.
//
// An error reply is due 1.5 s after its request was written. Its lateness holds all of
// it: the time of the request in the pipe, the lateness of three timers, and the time of
// the reply in the pipe.
func threeTimeouts(log bool) func(r *Run) (Sample, error) {
	return func(r *Run) (Sample, error) {
		s := newSender(relayInput(r.Size, relayRequest))
		due := func(id int) time.Duration { return s.sent[id] + attemptsEach*attemptTime }
		return failing(r, s, Options{Open: r.Size + 1, Errors: !log, Log: log}, attemptsEach, due)
	}
}

// timeoutsAtOnce opens calls of one attempt each whose timeouts all fall into one
// second, in no order.
func timeoutsAtOnce(r *Run) (Sample, error) {
	// The second begins when all requests have been written.
	start := 15 * time.Second
	if r.Smoke {
		start = 2 * time.Second
	}
	const head = `{"src":"c1","dest":"n1","body":{"type":"relay","timeout_ms":`
	// The number replaces the last of these blanks just before the line is written. So
	// the input changes and is not kept for another round.
	const room = "     "
	s := newSender(makeInput(r.Size, head+room+`,"max_retries":1,"msg_id":#,"target":"n2","payload":{"type":"read","key":#}}}`))
	var digits [8]byte
	timeouts := make([]time.Duration, r.Size+1)
	s.prepare = func(from, to int, now time.Duration) error {
		for i := from; i <= to; i++ {
			due := start + time.Duration(i*7919%1000)*time.Millisecond
			ms := int((due - now).Milliseconds())
			if ms < 1 {
				return fmt.Errorf("the requests take too long to write: %v so far", now)
			}
			text := strconv.AppendInt(digits[:0], int64(ms), 10)
			copy(s.in.Range(i, i)[len(head)+len(room)-len(text):], text)
			timeouts[i] = time.Duration(ms) * time.Millisecond
		}
		return nil
	}
	due := func(id int) time.Duration { return s.sent[id] + timeouts[id] }
	return failing(r, s, Options{Open: r.Size + 1, Errors: true}, 1, due)
}

// failing sends relay requests and answers no attempt. Each request must be answered
// with an error after the given number of attempts, and not before it is due.
func failing(r *Run, s *sender, o Options, attempts int, due func(id int) time.Duration) (Sample, error) {
	p, err := r.Start(o)
	if err != nil {
		return nil, err
	}
	defer p.Kill()

	s.began = time.Now()
	before, cpu := p.Memory(), p.CPU()
	var failed atomic.Bool
	wrote := make(chan error, 1)
	go func() {
		err := s.write(p, r.Size)
		if err != nil && !failed.Load() {
			p.cmd.Process.Kill() // ends the reading
		}
		wrote <- err
	}()
	record, err := listen(p.Out, r.Size*(attempts+1), s.began)
	used, after := p.CPU()-cpu, p.Memory()
	times := newFailures(r.Size, attempts)
	if err = errors.Join(err, times.read(record)); err != nil {
		err = fmt.Errorf("after %d attempts and %d answers: %w", times.check.sent, times.check.count, err)
		failed.Store(true)
		err = p.explain(err)
		return nil, errors.Join(err, <-wrote)
	}
	if err := <-wrote; err != nil {
		return nil, err
	}
	if err := p.Close(); err != nil {
		return nil, err
	}
	sample, err := times.sample(s.sent, due)
	if err != nil {
		return nil, err
	}
	sample["cpu"] = used.Seconds()
	sample["cpu_each"] = used.Seconds() / float64(r.Size)
	sample["peak"] = after.Peak
	sample["peak_each"] = (after.Peak - before.RSS) / float64(r.Size)
	if o.Log && p.errors != nil {
		sample["log_lines"] = float64(p.errors.Lines())
	}
	return sample, nil
}

// failures are the times of calls that fail, by request.
type failures struct {
	attempts int
	text     string // that an error reply begins with
	check    *relays
	seen     []uint8         // attempts that were read
	last     []time.Duration // when the last attempt was read
	failed   []time.Duration // when the error reply was read
}

func newFailures(size, attempts int) *failures {
	f := &failures{
		attempts: attempts, text: fmt.Sprintf("RPC failed after %d attempts", attempts), check: newRelays(size, attempts),
		seen: make([]uint8, size+1), last: make([]time.Duration, size+1), failed: make([]time.Duration, size+1),
	}
	if attempts == 1 {
		f.text = "RPC failed after 1 attempt" // peers write "attempt" or "attempts"
	}
	return f
}

// read checks all that the node wrote.
func (f *failures) read(record record) error {
	err := record.each(func(line []byte, at time.Duration) error {
		if f.check.isAttempt(line) {
			id, _, err := f.check.readAttempt(line)
			f.seen[id]++
			f.last[id] = at
			return err
		}
		id, err := f.check.readError(line, f.text)
		if err != nil {
			return err
		}
		if int(f.seen[id]) != f.attempts {
			return fmt.Errorf("failed after %d attempts", f.seen[id])
		}
		f.failed[id] = at
		return nil
	})
	if err == nil && f.check.count < f.check.n {
		err = fmt.Errorf("%d of %d requests were answered", f.check.count, f.check.n)
	}
	return err
}

// sample returns how late the error replies were. The lateness of the last timer alone
// is counted from when the last attempt was read.
func (f *failures) sample(sent []time.Duration, due func(id int) time.Duration) (Sample, error) {
	n := f.check.n
	late := make([]float64, n)
	lateLast := make([]float64, n)
	for id := 1; id <= n; id++ {
		late[id-1] = (f.failed[id] - due(id)).Seconds()
		one := (due(id) - sent[id]) / time.Duration(f.attempts)
		lateLast[id-1] = (f.failed[id] - f.last[id] - one).Seconds()
	}
	slices.Sort(late)
	slices.Sort(lateLast)
	if late[0] < 0 {
		return nil, fmt.Errorf("a call failed %v before it was due", time.Duration(-late[0]*1e9))
	}
	return Sample{
		"p50":      percentile(late, 0.50),
		"p99":      percentile(late, 0.99),
		"max":      late[n-1],
		"p99_last": percentile(lateLast, 0.99),
	}, nil
}
