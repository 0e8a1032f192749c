package eddy_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eddyrpc/eddy"
)

// A piped node is served on real pipes in real time, for the race detector.
type piped struct {
	r io.Reader
	w io.Writer
}

func (p piped) Read(b []byte) (int, error)  { return p.r.Read(b) }
func (p piped) Write(b []byte) (int, error) { return p.w.Write(b) }

type line struct {
	Src, Dest string
	Body      struct {
		Type      string
		MsgID     *int64 `json:"msg_id"`
		InReplyTo *int64 `json:"in_reply_to"`
		Code      int
	}
}

// play serves a node; each answers what it has sent, given the line, by lines to write.
func play(t *testing.T, parent context.Context, n *eddy.Node, requests int, request func(i int) string, answer func(l line) string) (answered, failed int) {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	served := make(chan struct{})
	ctx, end := context.WithCancel(parent)
	go func() { n.Serve(ctx, piped{inR, outW}); close(served); outW.Close() }()
	lines := make(chan string, 1<<16)
	go func() {
		var buf bytes.Buffer
		for l := range lines {
			buf.WriteString(l)
		more:
			for buf.Len() < 4096 {
				select {
				case l, ok := <-lines:
					if !ok {
						break more
					}
					buf.WriteString(l)
				default:
					break more
				}
			}
			if _, err := inW.Write(buf.Bytes()); err != nil {
				return
			}
			buf.Reset()
		}
	}()
	lines <- `{"src":"c0","dest":"n1","body":{"type":"init","msg_id":0,"node_id":"n1","node_ids":["n1"]}}` + "\n"
	window := make(chan struct{}, 64)
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range requests {
			select {
			case window <- struct{}{}:
				lines <- request(i)
			case <-served:
				return
			}
		}
	})
	scan := bufio.NewScanner(outR)
	for answered < requests && scan.Scan() {
		var l line
		if err := json.Unmarshal(scan.Bytes(), &l); err != nil {
			t.Fatal(err, scan.Text())
		}
		if l.Body.InReplyTo != nil && l.Dest == "c1" {
			answered++
			if l.Body.Type == "error" {
				failed++
			}
			<-window
			continue
		}
		if a := answer(l); a != "" {
			lines <- a
		}
	}
	go io.Copy(io.Discard, outR)
	end()
	inR.CloseWithError(io.EOF)
	<-served
	wg.Wait()
	close(lines)
	return answered, failed
}

func ok(l line) string {
	return fmt.Sprintf(`{"src":%q,"dest":"n1","body":{"type":"do_ok","in_reply_to":%d}}`+"\n", l.Dest, *l.Body.MsgID)
}

// Handlers that wait in a loop while the node drains, and others end calls and so let
// coroutines run on elsewhere.
func TestRaceOfWokenCoroutine(t *testing.T) {
	n := &eddy.Node{Log: slog.New(slog.DiscardHandler), Drain: 3 * time.Second}
	do := eddy.Raw(`{"type":"do"}`)
	n.Handle("wait", func(ctx context.Context, req *eddy.Request) (any, error) {
		for range 50_000 {
			if _, err := n.RPC(ctx, "n2", do); err != nil {
				return nil, err
			}
		}
		return eddy.Raw(`{}`), nil
	})
	var over atomic.Bool
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { // calls that are cancelled wake whoever waits
			for !over.Load() {
				ctx, cancel := context.WithCancel(context.Background())
				time.AfterFunc(20*time.Microsecond, cancel)
				n.RPC(ctx, "silent", do)
				cancel()
			}
		})
	}
	ctx, end := context.WithCancel(context.Background())
	defer end()
	time.AfterFunc(200*time.Millisecond, end)
	play(t, ctx, n, 2, func(i int) string {
		return fmt.Sprintf(`{"src":"c1","dest":"n1","body":{"type":"wait","msg_id":%d}}`+"\n", i)
	}, func(l line) string {
		if l.Dest == "n2" {
			return ok(l)
		}
		return ""
	})
	over.Store(true)
	wg.Wait()
}

// Of two calls of a request one is answered just as the other times out.
func TestRaceOfLastCalls(t *testing.T) {
	n := &eddy.Node{Log: slog.New(slog.DiscardHandler)}
	do := eddy.Raw(`{"type":"do"}`)
	n.HandleInline("fan", func(_ context.Context, req *eddy.Request) (any, error) {
		var open, met atomic.Int32
		open.Store(2)
		done := func(req *eddy.Request, _ eddy.Message, _ int, _ error) {
			if open.Add(-1) == 0 {
				req.Reply(eddy.Raw(`{}`))
			}
			met.Add(1)
			for i := 0; met.Load() < 2 && i < 10_000_000; i++ { // so that both return at once
			}
		}
		req.Call("silent", do, &eddy.Policy{Attempts: 1, Timeout: time.Millisecond}, done)
		req.Call("n2", do, &eddy.Policy{Attempts: 1, Timeout: time.Second}, done)
		return eddy.Later, nil
	})
	answered, failed := play(t, context.Background(), n, 5000, func(i int) string {
		return fmt.Sprintf(`{"src":"c1","dest":"n1","body":{"type":"fan","msg_id":%d}}`+"\n", i)
	}, func(l line) string {
		if l.Dest == "n2" {
			return ok(l)
		}
		return ""
	})
	if failed > 0 {
		t.Errorf("%d of %d requests got an error", failed, answered)
	}
}

// A node ends all its calls while their replies still come.
func TestRaceOfEnd(t *testing.T) {
	for range 30 {
		n := &eddy.Node{Log: slog.New(slog.DiscardHandler), Drain: time.Microsecond}
		do := eddy.Raw(`{"type":"do"}`)
		n.HandleInline("relay", func(_ context.Context, req *eddy.Request) (any, error) {
			for range 20 {
				req.Call("n2", do, nil, func(*eddy.Request, eddy.Message, int, error) {})
			}
			return eddy.Later, nil
		})
		n.Handle("wait", func(ctx context.Context, req *eddy.Request) (any, error) {
			for {
				if _, err := n.RPC(ctx, "n2", do); err != nil {
					return nil, err
				}
			}
		})
		ctx, end := context.WithCancel(context.Background())
		time.AfterFunc(20*time.Millisecond, end)
		play(t, ctx, n, 1<<20, func(i int) string {
			return fmt.Sprintf(`{"src":"c1","dest":"n1","body":{"type":%q,"msg_id":%d}}`+"\n", []string{"relay", "relay", "wait"}[i%3], i)
		}, func(l line) string {
			if l.Dest == "n2" {
				return ok(l)
			}
			return ""
		})
	}
}
