package eddy_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/retry"
)

// A fate is what becomes of an attempt.
type fate int

const (
	inTime     fate = iota // the reply comes after 10 ms
	late                   // the reply comes 50 ms after the timeout
	never                  // no reply comes
	twice                  // the reply comes after 10 ms, and again after 20 ms
	stranger               // a reply comes after 10 ms, but from a node that was not asked
	errorReply             // precondition-failed comes after 10 ms
	fates
)

func (f fate) String() string {
	return [...]string{"in-time", "late", "never", "twice", "stranger", "error"}[f]
}

const (
	attempts = 4
	timeout  = 500 * time.Millisecond
)

// A script has a fate for each attempt that a call may make.
type script [attempts]fate

// scripts returns all scripts.
func scripts() []script {
	all := make([]script, 0, 6*6*6*6)
	for a := range fates {
		for b := range fates {
			for c := range fates {
				for d := range fates {
					all = append(all, script{a, b, c, d})
				}
			}
		}
	}
	return all
}

// An outcome is how a call ends, and what it adds to the counters.
type outcome struct {
	Attempts int
	Took     time.Duration
	Reply    int // the attempt whose reply settled the call, 0 if there was none
	Err      string
	Definite bool
	Met      string // what became of each attempt, for a call that failed

	Late, Strays, Failures int64
}

// model returns the outcome of a call. It is computed without the code under test. In the
// 500 ms of an attempt, its own reply comes after 10 ms, and a late reply to the attempt
// before comes after 50 ms.
func (s script) model(ignoreLate bool) (o outcome) {
	over := false
	for k, f := range s {
		if over {
			break
		}
		o.Attempts = k + 1
		o.Took = time.Duration(k) * timeout
		switch f {
		case inTime, twice:
			o.Reply, over = k+1, true
			o.Took += 10 * time.Millisecond
		case errorReply:
			o.Reply, over = k+1, true
			o.Took += 10 * time.Millisecond
			o.Err, o.Definite = "RPC to n2 failed: not 3 (precondition-failed)", k == 0
			if k > 0 {
				o.Err = fmt.Sprintf("RPC to n2 failed after %d attempts: not 3 (precondition-failed)", k+1)
			}
			o.Met = strings.Repeat("timeout 500ms, ", k) + "not 3 (precondition-failed) 10ms"
		}
		if !over && k > 0 && s[k-1] == late {
			o.Late++
			if !ignoreLate {
				o.Reply, over = k, true
				o.Took += 50 * time.Millisecond
			}
		}
	}
	if !over {
		o.Took = attempts * timeout
		o.Err = "RPC failed after 4 attempts"
		o.Met = strings.Repeat("timeout 500ms, ", attempts-1) + "timeout 500ms"
		o.Failures = 1
	}
	// Each reply settles the call, or comes late to an open call, or is a stray.
	for _, f := range s[:o.Attempts] {
		switch f {
		case twice:
			o.Strays += 2
		case never:
		default:
			o.Strays++
		}
	}
	o.Strays -= o.Late
	if o.Reply > 0 && s[o.Reply-1] != late {
		o.Strays--
	}
	return o
}

// A callee replies as a script says.
type callee struct {
	mu     sync.Mutex
	script script
	asked  int // attempts of this call so far
}

func (p *callee) begin(s script) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.script, p.asked = s, 0
}

// play makes n2 reply as the script says.
func (p *callee) play(net *eddytest.Net) {
	n2, n3 := net.Client("n2"), net.Client("n3")
	n2.Handle(func(m eddy.Message) {
		p.mu.Lock()
		f, attempt := p.script[p.asked], p.asked+1
		p.asked++
		p.mu.Unlock()
		reply := func(after time.Duration, by *eddytest.Client, body string) {
			time.AfterFunc(after, func() { by.Reply(m, body) })
		}
		good := fmt.Sprintf(`{"type":"read_ok","attempt":%d}`, attempt)
		switch f {
		case inTime:
			reply(10*time.Millisecond, n2, good)
		case late:
			reply(timeout+50*time.Millisecond, n2, good)
		case twice:
			reply(10*time.Millisecond, n2, good)
			reply(20*time.Millisecond, n2, good)
		case stranger:
			reply(10*time.Millisecond, n3, good)
		case errorReply:
			reply(10*time.Millisecond, n2, fmt.Sprintf(`{"type":"error","code":22,"text":"not 3","attempt":%d}`, attempt))
		}
	})
}

// One node makes one call for every script.
func TestEveryScriptOfFates(t *testing.T) {
	for _, policy := range []*eddy.Policy{
		{Attempts: attempts},
		{Attempts: attempts, Late: retry.Ignore},
	} {
		for _, callback := range []bool{false, true} {
			name := map[bool]string{false: "waiting", true: "callback"}[callback]
			t.Run(fmt.Sprintf("late=%v/%s", policy.Late, name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { everyScript(t, policy, callback) })
			})
		}
	}
}

func everyScript(t *testing.T, policy *eddy.Policy, callback bool) {
	net := eddytest.New(t)
	n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
	var got outcome
	var outcomes int
	read := eddy.Raw(`{"type":"read"}`)
	if callback {
		n.HandleInline("ask", func(ctx context.Context, req *eddy.Request) (any, error) {
			start := time.Now()
			return eddy.Later, req.Call(ctx, "n2", read, policy, func(r eddy.Result) {
				outcomes++
				got = outcomeOf(start, r.Reply, r.Attempts, r.Err)
				req.Reply(eddy.Raw(`{}`))
			})
		})
	} else {
		n.Handle("ask", func(ctx context.Context, req *eddy.Request) (any, error) {
			start := time.Now()
			reply, attempts, err := n.RPCWithRetry(ctx, "n2", read, policy)
			outcomes++
			got = outcomeOf(start, reply, attempts, err)
			return eddy.Raw(`{}`), nil
		})
	}
	var p callee
	p.play(net)
	net.Start("n1", n)
	client := net.Client("c1")
	client.Call("n1", `{"type":"ask"}`) // makes what stays on purpose
	time.Sleep(time.Minute)
	synctest.Wait()
	before, most := n.Stats(), goroutines()+20 // some may not have ended yet

	for _, s := range scripts() {
		p.begin(s)
		client.Call("n1", `{"type":"ask"}`)
		time.Sleep(time.Second) // for the last reply
		synctest.Wait()

		after := n.Stats()
		got.Late = after.Late - before.Late
		got.Strays = after.Strays - before.Strays
		got.Failures = after.Failures - before.Failures
		if want := s.model(policy.Late == retry.Ignore); got != want {
			t.Fatalf("%v:\n got %+v\nwant %+v", s, got, want)
		}
		if outcomes--; outcomes != 1 { // the first call's
			t.Fatalf("%v: %d outcomes, want 1", s, outcomes)
		}
		if sent := after.Attempts - before.Attempts; sent != int64(got.Attempts) {
			t.Fatalf("%v: %d messages were sent for %d attempts", s, sent, got.Attempts)
		}
		if m, ok := client.TryReceive(); ok {
			t.Fatalf("%v: a second reply: %s", s, m.Body)
		}
		if calls, requests := openNow(n); calls != 0 || requests != 0 {
			t.Fatalf("%v: %d calls and %d requests are open", s, calls, requests)
		}
		if now := goroutinesOver(most); now > 0 {
			t.Fatalf("%v: %d goroutines, want at most %d", s, now, most)
		}
		before = after
	}
}

// outcomeOf returns what a caller learns of a call.
func outcomeOf(start time.Time, reply eddy.Message, attempts int, err error) outcome {
	o := outcome{Attempts: attempts, Took: time.Since(start)}
	if reply.Body != nil {
		attempt, _ := reply.Body.Get("attempt").Int()
		o.Reply = int(attempt)
	}
	if err == nil {
		return o
	}
	o.Err = err.Error()
	var failed *eddy.CallError
	if !errors.As(err, &failed) {
		o.Err = "no CallError: " + o.Err
		return o
	}
	if len(failed.Attempts()) != attempts {
		o.Err = fmt.Sprintf("%s, with a history of %d", o.Err, len(failed.Attempts()))
	}
	o.Definite = failed.Definite()
	var met []string
	var ids []int64
	for _, a := range failed.Attempts() {
		met = append(met, fmt.Sprintf("%v %v", a.Err, a.Waited))
		ids = append(ids, a.ID)
	}
	o.Met = strings.Join(met, ", ")
	if !slices.IsSorted(ids) || len(slices.Compact(ids)) != attempts {
		o.Err = fmt.Sprintf("%s, with ids %v", o.Err, ids)
	}
	return o
}
