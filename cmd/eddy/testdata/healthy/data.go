package healthy

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/cmd/eddy/testdata/program"
)

// uniqueKinds gives out ids that are objects, arrays, numbers and texts.
func uniqueKinds(p *program.Process, n *eddy.Node) {
	kinds := []string{`["%s",null]`, `{"a":{"%s":true}}`, `"\u00e9 %s \ud800"`, `[[[["%s",1e400]]]]`}
	n.Handle("generate", func(context.Context, *eddy.Request) (any, error) {
		kind := kinds[time.Now().UnixNano()%int64(len(kinds))]
		return eddy.Raw(`{"id":` + fmt.Sprintf(kind, rand.Text()) + `}`), nil
	})
	serve(p, n, style{})
}

// uniqueNumbers gives out integers beyond 2^64.
func uniqueNumbers(p *program.Process, n *eddy.Node) {
	n.Handle("generate", func(context.Context, *eddy.Request) (any, error) {
		var random [24]byte
		rand.Read(random[:])
		id := "1"
		for _, b := range random {
			id += fmt.Sprintf("%03d", b)
		}
		return eddy.Raw(`{"id":` + id + `}`), nil
	})
	serve(p, n, style{})
}

// uniqueLeases takes blocks of ids from service lin-kv. When it has none and gets none, it
// says so.
func uniqueLeases(p *program.Process, n *eddy.Node) {
	turn := make(chan struct{}, 1) // a mutex must not be held while virtual time passes
	var next, end int64
	n.Handle("generate", func(ctx context.Context, req *eddy.Request) (any, error) {
		turn <- struct{}{}
		defer func() { <-turn }()
		for range 5 {
			if next < end {
				next++
				return map[string]any{"id": next}, nil
			}
			from := int64(0)
			reply, _, err := n.RPCWithRetry(ctx, "lin-kv", eddy.Raw(`{"type":"read","key":"leased"}`), once)
			if err == nil {
				from, _ = reply.Body.Get("value").Int()
			} else if code, ok := reply.Body.Get("code").Int(); !ok || code != 20 {
				break
			}
			swap := map[string]any{"type": "cas", "key": "leased", "from": from, "to": from + 10, "create_if_not_exists": true}
			if _, _, err := n.RPCWithRetry(ctx, "lin-kv", swap, once); err == nil {
				next, end = from, from+10
			}
		}
		return nil, eddy.Errorf(eddy.TemporarilyUnavailable, "no ids")
	})
	serve(p, n, style{})
}

// linKVRefuses refuses one in ten requests before it does anything.
func linKVRefuses(p *program.Process, n *eddy.Node) {
	count := 0
	var mu sync.Mutex
	for _, typ := range []string{"read", "write", "cas"} {
		pass := proxy(n, "lin-kv", once)
		n.Handle(typ, func(ctx context.Context, req *eddy.Request) (any, error) {
			mu.Lock()
			count++
			refuse := count%10 == 3
			mu.Unlock()
			if refuse {
				return nil, eddy.Errorf(eddy.TemporarilyUnavailable, "busy")
			}
			return pass(ctx, req)
		})
	}
	serve(p, n, style{})
}

// linKVLeader lets the first node do everything. It keeps the values in a file. The others
// pass requests on to it.
func linKVLeader(p *program.Process, n *eddy.Node) {
	s := openStore(p)
	leads := func() string { return slices.Min(n.IDs()) }
	for _, typ := range []string{"read", "write", "cas"} {
		n.Handle("do-"+typ, func(_ context.Context, req *eddy.Request) (any, error) { return s.do(req.Body) })
		n.Handle(typ, func(ctx context.Context, req *eddy.Request) (any, error) {
			o := parse(req.Body)
			if n.ID() == leads() {
				return s.do(req.Body)
			}
			body := o.with("type", json.RawMessage(`"do-`+typ+`"`)).without("msg_id")
			reply, _, err := n.RPCWithRetry(ctx, leads(), eddy.Raw(body.text()), once)
			if err != nil {
				return nil, err
			}
			return nil, req.ReplyAs(typ+"_ok", reply.Body)
		})
	}
	serve(p, n, style{})
}

// A store has a value for each key, and a file with every change.
type store struct {
	mu     sync.Mutex
	values map[string]string
	file   *os.File
}

func openStore(p *program.Process) *store {
	file := p.Append("store")
	s := &store{values: map[string]string{}, file: file}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), " "); ok {
			s.values[key] = value
		}
	}
	return s
}

func (s *store) do(body eddy.Raw) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	typ, _ := body.Get("type").Text()
	key := string(body.Get("key"))
	value, ok := s.values[key]
	switch strings.TrimPrefix(typ, "do-") {
	case "read":
		if !ok {
			return nil, eddy.Errorf(eddy.KeyDoesNotExist, "no key %s", key)
		}
		return eddy.Raw(`{"value":` + value + `}`), nil
	case "cas":
		if !ok {
			return nil, eddy.Errorf(eddy.KeyDoesNotExist, "no key %s", key)
		}
		if value != string(body.Get("from")) {
			return nil, eddy.Errorf(eddy.PreconditionFailed, "it is %s", value)
		}
		return eddy.Raw(`{}`), s.set(key, string(body.Get("to")))
	}
	return eddy.Raw(`{}`), s.set(key, string(body.Get("value")))
}

func (s *store) set(key, value string) error {
	if _, err := fmt.Fprintf(s.file, "%s %s\n", key, value); err != nil {
		return err
	}
	s.values[key] = value
	return nil
}

// A raw broadcast node keeps values in a file. pass passes values on to other nodes. other
// handles messages of other types.
func rawBroadcast(p *program.Process, every time.Duration, pass func(r *raw, v *values), other func(r *raw, v *values, m *message), read func(all []int64) string) {
	v := openValues(p)
	r := raw{p: p}
	var begin sync.Once
	r.serve(func(m *message) {
		begin.Do(func() {
			go p.Every(every, func() { pass(&r, v) })
		})
		switch m.Body.Type {
		case "topology":
			r.reply(m, `"type":"topology_ok"`)
		case "broadcast":
			v.add(m.Body.Message)
			r.reply(m, `"type":"broadcast_ok"`)
		case "read":
			r.reply(m, `"type":"read_ok","messages":`+read(v.all()))
		default:
			other(&r, v, m)
		}
	})
}

func list(all []int64) string {
	text, _ := json.Marshal(all)
	return string(text)
}

func takeValues(_ *raw, v *values, m *message) { v.add(m.Body.Values...) }

// toPeers returns a function that sends the values to each other node, in these members.
func toPeers(members string) func(r *raw, v *values) {
	return func(r *raw, v *values) {
		for _, id := range r.peers {
			r.line(r.id, id, strings.ReplaceAll(members, "VALUES", list(v.all())))
		}
	}
}

// broadcastPulls asks the other nodes for their values. It also writes to itself.
func broadcastPulls(p *program.Process) {
	rawBroadcast(p, 50*time.Millisecond, func(r *raw, _ *values) {
		for _, id := range append(r.peers, r.id) {
			r.send(id, `"type":"pull"`)
		}
	}, func(r *raw, v *values, m *message) {
		if m.Body.Type == "pull" {
			r.reply(m, `"type":"pull_ok","values":`+list(v.all()))
		}
		v.add(m.Body.Values...)
	}, list)
}

// broadcastForwardsIDs passes a client's body on with the client's msg_id, and the other
// nodes reply to it.
func broadcastForwardsIDs(p *program.Process) {
	v := openValues(p)
	r := raw{p: p}
	r.serve(func(m *message) {
		switch m.Body.Type {
		case "topology":
			r.reply(m, `"type":"topology_ok"`)
		case "read":
			r.reply(m, `"type":"read_ok","messages":`+list(v.all()))
		case "broadcast":
			v.add(m.Body.Message)
			if strings.HasPrefix(m.Src, "c") {
				for _, id := range r.peers {
					r.line(r.id, id, strings.TrimSuffix(strings.TrimPrefix(string(m.raw), "{"), "}"))
				}
			}
			r.reply(m, `"type":"broadcast_ok"`)
		}
	})
}
