package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"

	"github.com/eddyrpc/eddy"
)

// BenchmarkRelay is what a relay costs the node alone: no pipes, no harness. A
// thousand are outstanding.
func BenchmarkRelay(b *testing.B) {
	for _, name := range []string{"spaced", "compact", "blocking"} {
		b.Run(name, func(b *testing.B) {
			blocking := name == "blocking"
			n := &eddy.Node{Spaced: name == "spaced", Log: slog.New(slog.DiscardHandler)}
			if blocking {
				n.Handle("relay", blockingRelay(n))
			} else {
				n.HandleInline("relay", relay(&eddy.Policy{}))
			}
			in := feed(b.N)
			b.ReportAllocs()
			b.ResetTimer()
			if err := n.Serve(context.Background(), struct {
				io.Reader
				io.Writer
			}{bytes.NewReader(in), io.Discard}); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			if s := n.Stats(); s.Calls != int64(b.N) || s.Retries+s.Failures+s.Strays > 0 {
				b.Fatalf("%+v for %d relays", s, b.N)
			}
		})
	}
}

// blockingRelay is relay as most handlers are written.
func blockingRelay(n *eddy.Node) eddy.Handler {
	type relayOK struct {
		Type     string   `json:"type"`
		Attempts int      `json:"attempts"`
		Result   eddy.Raw `json:"result"`
	}
	return func(ctx context.Context, req *eddy.Request) (any, error) {
		target, _ := req.Body.Get("target").Text()
		reply, attempts, err := n.RPCWithRetry(ctx, target, req.Body.Get("payload"), nil)
		if err != nil {
			return nil, err
		}
		return relayOK{"relay_ok", attempts, reply.Body}, nil
	}
}

// A feed is the input of a node that relays n requests, a thousand at a time. It
// knows the ids that the node gives its messages: init_ok has 0, then come a
// thousand attempts, then as many answers, and so on.
func feed(n int) []byte {
	const init = `{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2"]}}` + "\n"
	lines := append(make([]byte, 0, 220*n+len(init)), init...)
	for id, from := 1, 0; from < n; from += outstanding {
		to := min(from+outstanding, n)
		for key := from; key < to; key++ {
			lines = fmt.Appendf(lines, `{"src":"c1","dest":"n1","body":{"type":"relay","msg_id":%d,"target":"n2","payload":{"type":"read","key":%d}}}`+"\n", key, key)
		}
		for key := from; key < to; key++ {
			lines = fmt.Appendf(lines, `{"src":"n2","dest":"n1","body":{"type":"read_ok","value":%d,"in_reply_to":%d}}`+"\n", key, id+key-from)
		}
		id += 2 * (to - from)
	}
	return lines
}

const outstanding = 1000
