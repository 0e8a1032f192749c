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

// A fate is what an attempt meets.
type fate int

const (
	inTime     fate = iota // answered 10 ms after it was sent
	late                   // answered 50 ms after its timeout
	never                  // not answered
	twice                  // answered after 10 ms, and once more after 20 ms
	stranger               // answered after 10 ms by a node that was not asked
	errorReply             // answered with precondition-failed after 10 ms
	fates
)

func (f fate) String() string {
	return [...]string{"in-time", "late", "never", "twice", "stranger", "error"}[f]
}

const (
	attempts = 4
	timeout  = 500 * time.Millisecond
)

// A script is what the attempts of one call meet, if it makes so many.
type script [attempts]fate

// scripts are all of them.
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

// An outcome is how a call ends, and what it leaves in the counters.
type outcome struct {
	Attempts int
	Took     time.Duration
	Reply    int // to which attempt; 0 if there was none
	Err      string
	Definite bool
	Met      string // what each attempt met, for a call that failed

	Late, Strays, Failures int64
}

// model is what must become of a call, reckoned without any of the code that
// makes it so. Within an attempt's 500 ms, its own reply comes after 10 ms, and
// the late one to the attempt before after 50 ms.
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
	// Every reply to what was sent is one of these: it settles the call, or it is
	// late for an open one, or a stray.
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

// played lets attempts meet their fates.
type played struct {
	mu     sync.Mutex
	script script
	asked  int // attempts of this call so far
}

func (p *played) begin(s script) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.script, p.asked = s, 0
}

// play makes n2 answer as the script has it.
func (p *played) play(net *eddytest.Net) {
	n2, n3 := net.Client("n2"), net.Client("n3")
	n2.Handle(func(m eddy.Message) {
		p.mu.Lock()
		f, attempt := p.script[p.asked], p.asked+1
		p.asked++
		p.mu.Unlock()
		answer := func(after time.Duration, by *eddytest.Client, body string) {
			time.AfterFunc(after, func() { by.Reply(m, body) })
		}
		good := fmt.Sprintf(`{"type":"read_ok","attempt":%d}`, attempt)
		switch f {
		case inTime:
			answer(10*time.Millisecond, n2, good)
		case late:
			answer(timeout+50*time.Millisecond, n2, good)
		case twice:
			answer(10*time.Millisecond, n2, good)
			answer(20*time.Millisecond, n2, good)
		case stranger:
			answer(10*time.Millisecond, n3, good)
		case errorReply:
			answer(10*time.Millisecond, n2, fmt.Sprintf(`{"type":"error","code":22,"text":"not 3","attempt":%d}`, attempt))
		}
	})
}

// One call against every script, over and over on one node.
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
		n.HandleInline("ask", func(_ context.Context, req *eddy.Request) (any, error) {
			start := time.Now()
			req.Call("n2", read, policy, func(req *eddy.Request, reply eddy.Message, attempts int, err error) {
				outcomes++
				got = told(start, reply, attempts, err)
				req.Reply(eddy.Raw(`{}`))
			})
			return eddy.Later, nil
		})
	} else {
		n.Handle("ask", func(ctx context.Context, req *eddy.Request) (any, error) {
			start := time.Now()
			reply, attempts, err := n.RPCWithRetry(ctx, "n2", read, policy)
			outcomes++
			got = told(start, reply, attempts, err)
			return eddy.Raw(`{}`), nil
		})
	}
	var p played
	p.play(net)
	net.Start("n1", n)
	client := net.Client("c1")
	client.Call("n1", `{"type":"ask"}`) // so that all that stays is there
	time.Sleep(time.Minute)
	synctest.Wait()
	before, most := n.Stats(), goroutines()+20 // some are just ending

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
			t.Fatalf("%v: a second answer: %s", s, m.Body)
		}
		if calls, requests := n.OpenCalls(); calls != 0 || requests != 0 {
			t.Fatalf("%v: %d calls and %d requests are left open", s, calls, requests)
		}
		if now := goroutinesOver(most); now > 0 {
			t.Fatalf("%v: %d goroutines, want at most %d", s, now, most)
		}
		before = after
	}
}

// told is what a caller learns of a call.
func told(start time.Time, reply eddy.Message, attempts int, err error) outcome {
	o := outcome{Attempts: attempts, Took: time.Since(start)}
	if reply.Body != nil {
		answered, _ := reply.Body.Get("attempt").Int()
		o.Reply = int(answered)
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
