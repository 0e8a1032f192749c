package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/metrics"
	"github.com/eddyrpc/eddy/retry"
	"github.com/eddyrpc/eddy/watch"
)

// watched starts n1 and n2 with a Calls each. A hook vetoes the second attempt of calls of the
// type "vetoed".
func watched(t *testing.T) (net *eddytest.Net, n1 *eddy.Node, all []prometheus.Collector) {
	net = eddytest.New(t, "n1", "n2")
	for _, name := range []string{"n1", "n2"} {
		n := echo()
		n.Handle("slow", func(context.Context, *eddy.Request) (any, error) {
			time.Sleep(100 * time.Millisecond)
			return nil, eddy.PreconditionFailed
		})
		n.HandleInline("odd", func(_ context.Context, r *eddy.Request) (any, error) {
			code, _ := r.Body.Get("code").Int()
			return nil, eddy.Code(code)
		})
		n.HandleInline("nap", func(context.Context, *eddy.Request) (any, error) {
			time.Sleep(250 * time.Millisecond)
			return eddy.Raw(`{}`), nil
		})
		n.HandleInline("note", func(context.Context, *eddy.Request) (any, error) { return nil, nil })
		calls := metrics.NewCalls(n)
		veto := &watch.Hooks{Veto: func(c *watch.Call, _ int) error {
			if c.Type == "vetoed" {
				return errors.New("enough")
			}
			return nil
		}}
		n.Hooks = watch.Join(veto, calls.Hooks())
		net.Start(name, n)
		all = append(all, calls)
		if name == "n1" {
			n1 = n
		}
	}
	return net, n1, all
}

// call makes a call from a node to n2.
func call(t *testing.T, n *eddy.Node, body string, policy *eddy.Policy) {
	t.Helper()
	n.RPCWithRetry(t.Context(), "n2", eddy.Raw(body), policy)
}

// Calls and their attempts are shown by how they end, and how long they take.
func TestCallsByOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, n1, all := watched(t)
		call(t, n1, `{"type":"slow"}`, nil)
		net.Lose("n1", "n2", 1)
		call(t, n1, `{"type":"echo"}`, &eddy.Policy{Timeout: time.Second, Backoff: retry.Backoff{Kind: retry.Constant, Base: 250 * time.Millisecond}})
		net.Lose("n1", "n2", 2)
		call(t, n1, `{"type":"echo"}`, &eddy.Policy{Hedge: 20 * time.Millisecond})
		call(t, n1, `{"type":"odd","code":3}`, &eddy.Policy{Attempts: 2, RetryOn: []int{3}})
		call(t, n1, `{"type":"echo","more":1}`, &eddy.Policy{Attempts: 2, RetryIf: func([]byte, error) bool { return true }})
		net.Delay("n2", "n1", 700*time.Millisecond)
		call(t, n1, `{"type":"echo"}`, nil)
		net.Cut("n1", "n2")
		call(t, n1, `{"type":"vetoed"}`, nil)
		breaker := &eddy.Policy{Attempts: 1, Breaker: retry.Breaker{Failures: 1, Open: time.Minute}}
		call(t, n1, `{"type":"read"}`, breaker)
		call(t, n1, `{"type":"read"}`, breaker)
		call(t, n1, `{"type":"write"}`, &eddy.Policy{Attempts: 2, Budget: retry.Budget{Ratio: 0.01, PerSecond: 0.001}})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		n1.RPCWithRetry(ctx, "n2", eddy.Raw(`{"type":"short"}`), nil)
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		n1.RPCWithRetry(ctx, "n2", eddy.Raw(`{"type":"canceled"}`), nil)
		n1.RPC(t.Context(), "", eddy.Raw(`{"type":"nowhere"}`))
		wantSums(t, all[0], `
attempt_wait_seconds error n2 odd: 2, 0.00
attempt_wait_seconds error n2 slow: 1, 0.10
attempt_wait_seconds ok n2 echo: 4, 0.70
attempt_wait_seconds rejected n2 echo: 1, 0.00
attempt_wait_seconds timeout n2 echo: 1, 1.00
attempt_wait_seconds timeout n2 read: 1, 0.50
attempt_wait_seconds timeout n2 vetoed: 1, 0.50
attempt_wait_seconds timeout n2 write: 1, 0.50
attempt_wait_seconds unanswered n2 canceled: 1, 0.10
attempt_wait_seconds unanswered n2 echo: 3, 0.24
attempt_wait_seconds unanswered n2 short: 1, 0.10
attempts_refused_total breaker n2 read: 1
attempts_refused_total budget n2 write: 1
attempts_refused_total veto n2 vetoed: 1
call_duration_seconds canceled n2 canceled: 1, 0.10
call_duration_seconds error n2 odd: 1, 0.00
call_duration_seconds error n2 slow: 1, 0.10
call_duration_seconds not_sent  nowhere: 1, 0.00
call_duration_seconds ok n2 echo: 4, 1.99
call_duration_seconds refused n2 read: 1, 0.00
call_duration_seconds timeout n2 read: 1, 0.50
call_duration_seconds timeout n2 short: 1, 0.10
call_duration_seconds timeout n2 write: 1, 0.50
call_duration_seconds vetoed n2 vetoed: 1, 0.50
call_hedges n2 echo: 1, 2.00
call_retries n2 echo: 3, 3.00
call_retries n2 odd: 1, 1.00
call_retry_delay_seconds n2 echo: 4, 0.25
call_retry_delay_seconds n2 odd: 1, 0.00
handler_duration_seconds ok init: 1, 0.00
request_queue_seconds init: 1, 0.00
`)
	})
}

// wantSums compares what a collector shows with a text: for each series its name, the values of
// its labels but node, and its value, or the number and the sum of what a histogram has.
func wantSums(t *testing.T, c prometheus.Collector, want string) {
	t.Helper()
	families, err := registry(c).Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	got.WriteByte('\n')
	for _, f := range families {
		for _, m := range f.GetMetric() {
			got.WriteString(strings.TrimPrefix(f.GetName(), "eddy_"))
			for _, label := range m.GetLabel() {
				if label.GetName() != "node" {
					got.WriteString(" " + label.GetValue())
				}
			}
			if h := m.GetHistogram(); h != nil {
				fmt.Fprintf(&got, ": %d, %.2f\n", h.GetSampleCount(), h.GetSampleSum())
			} else {
				fmt.Fprintf(&got, ": %v\n", m.GetCounter().GetValue())
			}
		}
	}
	if d := cmp.Diff(want, got.String()); d != "" {
		t.Errorf("it shows (-want +got)\n%s", d)
	}
}

// Requests are shown by type and code.
func TestRequestsByCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, _, all := watched(t)
		c := net.Client("c1")
		c.Call("n2", `{"type":"slow"}`)
		c.Request("n2", `{"type":"nap"}`)
		c.Call("n2", `{"type":"echo"}`) // which waits for the handler before
		c.Call("n2", `{"type":"odd","code":1234}`)
		c.Call("n2", `{"type":"unknown"}`)
		c.Send("n2", `{"type":"note"}`)
		synctest.Wait()
		wantSums(t, all[1], `
handler_duration_seconds code_1234 odd: 1, 0.00
handler_duration_seconds no_reply note: 1, 0.00
handler_duration_seconds ok echo: 1, 0.00
handler_duration_seconds ok init: 1, 0.00
handler_duration_seconds ok nap: 1, 0.25
handler_duration_seconds precondition_failed slow: 1, 0.10
request_queue_seconds echo: 1, 0.25
request_queue_seconds init: 1, 0.00
request_queue_seconds nap: 1, 0.00
request_queue_seconds note: 1, 0.00
request_queue_seconds odd: 1, 0.00
request_queue_seconds slow: 1, 0.00
`)
	})
}

// What strangers choose does not make the number of series grow without end.
func TestCallsKeepLimitedNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, n1, all := watched(t)
		for i := range 1500 {
			n1.Call(t.Context(), "n2", eddy.Raw(fmt.Sprintf(`{"type":"t%d"}`, i)), nil, func(eddy.Result) {})
		}
		c := net.Client("c1")
		for i := range 150 {
			c.Call("n1", fmt.Sprintf(`{"type":"odd","code":%d}`, 2000+i))
		}
		synctest.Wait()
		text := scrape(t, registry(all[0]))
		if got := strings.Count(text, "\neddy_call_duration_seconds_count"); got != 1001 {
			t.Errorf("%d pairs of destination and type, want 1001", got)
		}
		if got := strings.Count(text, "\neddy_handler_duration_seconds_count"); got != 102 {
			t.Errorf("%d codes, want 101 and that of init", got)
		}
		wantSeries(t, text,
			`eddy_call_duration_seconds_count{node="n1",outcome="error",server_address="",type=""} 500`,
			`eddy_handler_duration_seconds_count{code="other",node="n1",type="odd"} 50`)
	})
}
