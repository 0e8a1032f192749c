package buggy

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/eddytest"
)

// logs is a node of workload kafka. The first node has all logs, in memory and in a file. It
// writes the file every 0.1 s, and then replies to the sends. The other nodes call it. Committed
// offsets are in lin-kv. A node lists those that it knows if it has read them from lin-kv in the
// last 0.5 s, or if lin-kv does not reply.
type logs struct {
	eddy.Node
	path        string
	pollUnsaved bool // polls return messages that are not in the file yet
	forgets     bool // what is read from lin-kv replaces what is known, although that may be newer

	mu        sync.Mutex // guards what follows
	messages  map[string][]eddy.Raw
	saved     map[string]int // how many of them are in the file
	unsaved   []line
	committed map[string]int
	read      map[string]time.Time // when the committed offset was read from lin-kv
}

// A line is a line of the file.
type line struct {
	Key string   `json:"key"`
	Msg eddy.Raw `json:"msg"`
}

func (l *logs) load(context.Context) error {
	file, err := os.OpenFile(l.path, os.O_RDONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var m line
		if err := eddy.Raw(lines.Text()).Decode(&m); err != nil {
			return err
		}
		l.messages[m.Key] = append(l.messages[m.Key], m.Msg)
		l.saved[m.Key]++
	}
	return nil
}

// flush writes what is not saved.
func (l *logs) flush(context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	file, err := os.OpenFile(l.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return
	}
	defer file.Close()
	for _, m := range l.unsaved {
		text, _ := eddy.Marshal(m)
		fmt.Fprintf(file, "%s\n", text)
		l.saved[m.Key]++
	}
	l.unsaved = nil
}

func (l *logs) send(ctx context.Context, req *eddy.Request) (any, error) {
	var m line
	if err := req.Decode(&m); err != nil {
		return nil, err
	}
	m.Msg = slices.Clone(m.Msg)
	l.mu.Lock()
	offset := len(l.messages[m.Key])
	l.messages[m.Key] = append(l.messages[m.Key], m.Msg)
	l.unsaved = append(l.unsaved, m)
	l.mu.Unlock()
	for !l.isSaved(m.Key, offset) {
		if time.Sleep(10 * time.Millisecond); ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return map[string]any{"offset": offset}, nil
}

func (l *logs) isSaved(key string, offset int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return offset < l.saved[key]
}

func (l *logs) poll(_ context.Context, req *eddy.Request) (any, error) {
	var offsets map[string]int
	if err := req.Body.Get("offsets").Decode(&offsets); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	msgs := map[string][][2]any{}
	for key, from := range offsets {
		end := l.saved[key]
		if l.pollUnsaved {
			end = len(l.messages[key])
		}
		for i := from; i < end; i++ {
			msgs[key] = append(msgs[key], [2]any{i, l.messages[key][i]})
		}
	}
	return map[string]any{"msgs": msgs}, nil
}

// forward makes the first node serve a request.
func (l *logs) forward(serve eddy.Handler, policy *eddy.Policy) eddy.Handler {
	return func(ctx context.Context, req *eddy.Request) (any, error) {
		first := l.IDs()[0]
		if l.ID() == first {
			return serve(ctx, req)
		}
		reply, _, err := l.RPCWithRetry(ctx, first, req.Body, policy)
		return reply.Body, err
	}
}

// know keeps a committed offset.
func (l *logs) know(key string, offset int, replace bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.read[key] = time.Now()
	if before, known := l.committed[key]; !known || replace || offset > before {
		l.committed[key] = offset
	}
}

// isFresh reports whether a committed offset was read a short time ago.
func (l *logs) isFresh(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, known := l.read[key]
	return known && time.Since(at) < freshTime
}

const freshTime = time.Second / 2

func newLogs(p *eddytest.Process) *logs {
	l := &logs{
		path: filepath.Join(p.Dir(), "log"), messages: map[string][]eddy.Raw{}, saved: map[string]int{},
		committed: map[string]int{}, read: map[string]time.Time{},
	}
	kv := eddy.LinKV[int](&l.Node)
	kv.Again, kv.Reads = true, &eddy.Policy{Attempts: 1, Timeout: 200 * time.Millisecond}
	l.OnInit(l.load)
	l.Every(100*time.Millisecond, l.flush)
	l.Handle("send", l.forward(l.send, once)) // a second message would be appended, too
	l.Handle("poll", l.forward(l.poll, nil))
	l.Handle("commit_offsets", func(ctx context.Context, req *eddy.Request) (any, error) {
		var offsets map[string]int
		if err := req.Body.Get("offsets").Decode(&offsets); err != nil {
			return nil, err
		}
		for _, key := range slices.Sorted(maps.Keys(offsets)) {
			offset, err := kv.Update(ctx, key, func(old int, _ bool) (int, error) { return max(old, offsets[key]), nil })
			if err != nil {
				return nil, err
			}
			l.know(key, offset, false)
		}
		return eddy.Raw(`{}`), nil
	})
	l.Handle("list_committed_offsets", func(ctx context.Context, req *eddy.Request) (any, error) {
		var keys []string
		if err := req.Body.Get("keys").Decode(&keys); err != nil {
			return nil, err
		}
		offsets := map[string]int{}
		for _, key := range keys {
			if !l.isFresh(key) {
				if offset, err := kv.Read(ctx, key); err == nil {
					l.know(key, offset, l.forgets)
				}
			}
			l.mu.Lock()
			if offset, known := l.committed[key]; known {
				offsets[key] = offset
			}
			l.mu.Unlock()
		}
		return map[string]any{"offsets": offsets}, nil
	})
	return l
}

func logging(change func(*logs)) Program {
	return func(p *eddytest.Process) error {
		l := newLogs(p)
		change(l)
		return serve(&l.Node, p)
	}
}

var pollsUnsaved = Bug{
	Name:  "polls what is not saved",
	What:  "a poll returns a message that is not in the file yet: if the node is killed then, the next message gets the same offset",
	Buggy: logging(func(l *logs) { l.pollUnsaved = true }), Healthy: logging(func(*logs) {}),
	Test:   eddytest.Test{Workload: "kafka", Nodes: 3, Rate: 15, Time: 10 * time.Second, Nemesis: "kill", NemesisInterval: time.Second},
	Checks: []string{"inconsistent-offsets", "lost-write", "unseen"},
}

var commitGoesBack = Bug{
	Name:  "commit goes back",
	What:  "a reply of lin-kv that was read before a commit and comes after it replaces the newer offset",
	Buggy: logging(func(l *logs) { l.forgets = true }), Healthy: logging(func(*logs) {}),
	Test:   eddytest.Test{Workload: "kafka", Nodes: 2, Rate: 30, Time: 5 * time.Second, KeyCount: 1, Latency: "exponential:50ms"},
	Checks: []string{"committed-back"},
}
