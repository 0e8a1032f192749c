package eddy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
	"github.com/eddyrpc/eddy/internal/longtest"
)

// heapNow returns how many MiB of heap are in use.
func heapNow() int64 {
	synctest.Wait()
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc >> 20)
}

// relayNode returns a node whose requests call the target that they name. The first type
// waits for the reply, the second has a callback.
func relayNode(n *eddy.Node, policy *eddy.Policy) {
	n.Handle("relay", func(ctx context.Context, req *eddy.Request) (any, error) {
		to, _ := req.Body.Get("target").Text()
		reply, _, err := n.RPCWithRetry(ctx, to, req.Body, policy)
		return reply.Body, err
	})
	n.HandleInline("relay-inline", func(ctx context.Context, req *eddy.Request) (any, error) {
		to, _ := req.Body.Get("target").Text()
		return eddy.Later, req.Call(ctx, to, req.Body, policy, func(r eddy.Result) { req.Fail(r.Err) })
	})
}

// Of destinations whose names are long, nothing stays when their calls are over.
func TestLongDestinationsAreNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
		relayNode(n, &eddy.Policy{Attempts: 2, Timeout: time.Millisecond})
		f := serveFed(t, n)
		before := heapNow()
		long := strings.Repeat("é", longtest.Or(1<<19, 1<<16))
		for i := range 300 {
			typ := []string{"relay", "relay-inline"}[i%2]
			f.send(`{"src":"c1","dest":"n1","body":{"type":"%s","msg_id":%d,"target":"%d%s"}}`, typ, i, i, long)
			f.flush()
			time.Sleep(10 * time.Millisecond)
		}
		if s := n.Stats(); s.Failures != 300 || s.OpenRequests != 0 {
			t.Fatalf("%+v", s)
		}
		if after := heapNow(); after > before+8 {
			t.Errorf("%d MiB are in use, before the calls %d", after, before)
		}
		kept := 0
		for name := range n.Destinations() {
			kept += len(name)
		}
		if kept > 1<<20 {
			t.Errorf("%d bytes of names are kept", kept)
		}
	})
}

// Open requests and open calls are bounded in bytes. Past the bound a request gets 11.
func TestOpenBytesAreBounded(t *testing.T) {
	for _, typ := range []string{"relay", "relay-inline"} {
		t.Run(typ, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { openBytesAreBounded(t, typ) })
		})
	}
}

func openBytesAreBounded(t *testing.T, typ string) {
	n := &eddy.Node{Log: slog.New(slog.DiscardHandler), MaxOpenBytes: longtest.Or(0, 18_000_000)}
	relayNode(n, nil)
	p := newPipe()
	served := make(chan error, 1)
	go func() { served <- n.Serve(t.Context(), p) }()
	p.arrive([]byte(initLine))
	before, most := heapNow(), int64(0)
	const requests = 60
	size := longtest.Or(15_000_000, 1_000_000)
	for i := range requests {
		p.arrive(fmt.Appendf(nil, `{"src":"c1","dest":"n1","body":{"type":"%s","msg_id":%d,"target":"n2","pad":"%s"}}`+"\n", typ, i, strings.Repeat("x", size)))
		synctest.Wait()
		p.lines(func(_ time.Duration, line string) {
			if strings.Contains(line, `"dest":"n2"`) && i >= 18 {
				t.Errorf("request %d is served", i)
			}
			if strings.Contains(line, `"dest":"c1"`) && (i < 18 || !strings.Contains(line, `"code":11,`)) {
				t.Errorf("request %d got %s", i, line)
			}
		})
		if i%10 == 7 { // 17, among others
			most = max(most, heapNow()-before)
		}
	}
	// 18 requests and 18 calls, of which the last of each is past the bound.
	if most > int64(2*18*size>>20+50) {
		t.Errorf("%d MiB are in use", most)
	}
	time.Sleep(time.Minute)
	if calls, requests := openNow(n); calls+requests != 0 {
		t.Errorf("%d calls and %d requests are open", calls, requests)
	}
	p.arrive([]byte(requestLine(typ, 1))) // there is room again
	synctest.Wait()
	sent := 0
	p.lines(func(_ time.Duration, line string) {
		if strings.Contains(line, `"code":11,`) {
			t.Errorf("wrote %s", line)
		}
		sent++
	})
	if sent == 0 {
		t.Error("the last request is not served")
	}
	p.eof()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// The calls of the program itself are bounded in bytes, too.
func TestOpenBytesOfCallsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler), MaxOpenBytes: 10_000}
		serveFed(t, n)
		body := eddy.Raw(`{"type":"read","pad":"` + strings.Repeat("x", 1000) + `"}`)
		begun, ended := 0, 0
		for {
			err := n.Call(t.Context(), "n2", body, nil, func(eddy.Result) { ended++ })
			if err == nil {
				begun++
				continue
			}
			if !errors.Is(err, eddy.TemporarilyUnavailable) {
				t.Error(err)
			}
			break
		}
		if begun != 10 {
			t.Errorf("%d calls of 1,000 bytes began, want 10", begun)
		}
		time.Sleep(time.Minute)
		if err := n.Call(t.Context(), "n2", body, nil, func(eddy.Result) { ended++ }); err != nil || ended != 10 {
			t.Errorf("%d calls have ended: %v", ended, err)
		}
	})
}

// The texts of error replies count as bytes of their calls.
func TestTextsOfErrorRepliesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler), MaxOpenBytes: 50_000}
		net := eddytest.New(t)
		net.Start("n1", n)
		replies, n2 := 0, net.Client("n2")
		n2.Handle(func(m eddy.Message) {
			if replies++; replies%10 != 0 { // the last attempt of each call waits
				n2.Reply(m, `{"type":"error","code":11,"text":"`+strings.Repeat("x", 1000)+`"}`)
			}
		})
		policy, ended := &eddy.Policy{Attempts: 10, RetryOn: []int{11}}, 0
		call := func() error {
			defer synctest.Wait()
			return n.Call(t.Context(), "n2", do, policy, func(eddy.Result) { ended++ })
		}
		for i := range 6 {
			if err := call(); err != nil {
				t.Fatalf("call %d: %v", i, err)
			}
		}
		if err := call(); !errors.Is(err, eddy.TemporarilyUnavailable) {
			t.Errorf("one more call than there is room for: %v", err)
		}
		time.Sleep(time.Minute)
		if calls, _ := openNow(n); calls != 0 || ended != 6 {
			t.Errorf("%d calls are open, %d have ended", calls, ended)
		}
		if err := call(); err != nil {
			t.Errorf("there is room again: %v", err)
		}
	})
}

// What a peer says in an error reply is cut, since a call keeps it for each attempt.
func TestTextsOfErrorRepliesAreCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		n := &eddy.Node{Log: slog.New(slog.NewTextHandler(&log, nil))}
		f := serveFed(t, n)
		first := n.Stats().Out
		ended := make(chan error, 1)
		go func() {
			_, _, err := n.RPCWithRetry(t.Context(), "n2", eddy.Raw(`{"type":"read"}`), &eddy.Policy{Attempts: 20, RetryOn: []int{11}})
			ended <- err
		}()
		synctest.Wait()
		before := heapNow()
		for i := range 20 {
			f.send(`{"src":"n2","dest":"n1","body":{"type":"error","code":11,"in_reply_to":%d,"text":"busy%s"}}`, first+int64(i), strings.Repeat("x", 1<<20))
			f.flush()
			synctest.Wait()
		}
		err := <-ended
		var failed *eddy.CallError
		if !errors.As(err, &failed) || len(failed.Attempts()) != 20 || !errors.Is(err, eddy.TemporarilyUnavailable) {
			t.Fatal(err)
		}
		if after := heapNow(); after > before+8 {
			t.Errorf("%d MiB are in use, before the replies %d", after, before)
		}
		if len(err.Error()) > 1200 || !strings.Contains(err.Error(), "busyxxx") {
			t.Errorf("the error has %d bytes", len(err.Error()))
		}
		if log.Len() > 19*1500 {
			t.Errorf("the log has %d bytes", log.Len())
		}
	})
}

// Names of any size may come from anywhere: as src, dest, type, target of a call, name of the
// node. A node writes to its log and keeps only so much of each, and replies to each request.
func TestNamesOfAnySize(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.Custom(func(t *rapid.T) string {
			return strings.Repeat(rapid.SampledFrom([]string{"x", "é", `\u00e9`, `\ud800`, `\u0000`, `\"`, "n1"}).Draw(t, "of"),
				rapid.SampledFrom([]int{1, 1, 2, 63, 64, 65, 1000, 30_000, longtest.Or(500_000, 30_000)}).Draw(t, "times"))
		})
		var lines []string
		node := name.Draw(rt, "node")
		lines = append(lines, fmt.Sprintf(`{"src":%q,"dest":"n","body":{"type":"init","msg_id":0,"node_id":"%s","node_ids":["%s"]}}`, "c0", node, node))
		requests := rapid.IntRange(1, 12).Draw(rt, "requests")
		bytes := len(node)
		for i := range requests {
			typ := rapid.OneOf(rapid.SampledFrom([]string{"relay", "relay-inline", "panics"}), name).Draw(rt, "type")
			src, target := name.Draw(rt, "src"), name.Draw(rt, "target")
			bytes += len(typ) + len(src) + len(target)
			lines = append(lines, fmt.Sprintf(`{"src":"%s","dest":"%s","body":{"type":"%s","msg_id":%d,"target":"%s"}}`, src, node, typ, i+1, target))
			lines = append(lines, fmt.Sprintf(`{"src":"%s","dest":"%s","body":{"type":"%s","target":"%s"}}`, src, node, typ, target)) // one-way
		}
		var fault string
		synctest.Test(t, func(t *testing.T) { fault = namesOfAnySize(t, lines, requests) })
		if fault != "" {
			rt.Fatal(fault)
		}
	})
}

func namesOfAnySize(t *testing.T, lines []string, requests int) string {
	log := &lockedBuffer{}
	n := &eddy.Node{Log: slog.New(slog.NewTextHandler(log, nil))}
	relayNode(n, &eddy.Policy{Attempts: 2, Timeout: time.Millisecond})
	n.Handle("panics", func(_ context.Context, req *eddy.Request) (any, error) { panic("the src is " + req.Src) })
	p := newPipe()
	served := make(chan error, 1)
	go func() { served <- n.Serve(t.Context(), p) }()
	for _, line := range lines {
		p.arrive([]byte(line + "\n"))
		time.Sleep(10 * time.Millisecond)
	}
	p.eof()
	if err := <-served; err != nil {
		return err.Error()
	}
	replies, fault := 0, ""
	p.lines(func(_ time.Duration, line string) {
		m, err := judge(line)
		if err != nil {
			fault = err.Error()
		}
		if m.Body.InReplyTo != nil {
			replies++
		}
	})
	for line := range strings.Lines(log.take()) {
		if len(line) > 10_000 { // a stack
			fault = fmt.Sprintf("a line of the log has %d bytes: %.300s", len(line), line)
		}
	}
	kept := 0
	for name := range n.Destinations() {
		kept += len(name)
	}
	switch {
	case fault != "":
		return fault
	case replies != requests+1:
		return fmt.Sprintf("%d replies to %d requests", replies, requests+1)
	case kept > 1<<20:
		return fmt.Sprintf("%d bytes of names are kept", kept)
	}
	return ""
}
